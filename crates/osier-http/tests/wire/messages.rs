//! Ordinary exchanges: bodies, HEAD, keep-alive, pipelining, `Expect`.

use std::fmt::Write as _;

use crate::client::{Server, settings};

#[test]
fn a_connection_serves_many_requests() {
    let server = Server::start(settings());
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (200, "hello\n"));
        assert!(answer.header("date").is_some());
        assert_eq!(answer.header("connection"), None);
    }
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert!(client.is_closed());
}

#[test]
fn old_clients_are_served_without_host() {
    let server = Server::start(settings());
    let mut client = server.connect();
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().text(), "hello\n");
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(settings());
    let mut client = server.connect();
    let mut requests = String::new();
    for index in 0..50 {
        let body = format!("number {index}");
        let length = body.len();
        write!(
            requests,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
    }
    client.send(requests.as_bytes());
    for index in 0..50 {
        assert_eq!(client.answer().text(), format!("number {index}"));
    }
}

#[test]
fn head_keeps_the_length_and_sends_no_body() {
    let server = Server::start(settings());
    let mut client = server.connect();
    for (path, length) in [("/", "6"), ("/head", "123456789"), ("/stream", "3145728")] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        assert_eq!(
            client.head().header("content-length"),
            Some(length),
            "{path}"
        );
    }
    client.send(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.head();
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (204, None)
    );
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().text(), "hello\n");
}

#[test]
fn bodies_stream_both_ways() {
    let server = Server::start(settings());
    let mut client = server.connect();
    let body = vec![b'b'; 5 << 20];
    client.send(
        format!(
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    client.send(&body);
    assert!(client.answer().body == body);

    client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in [
        "5;ext=\"x\"\r\nabcde\r\n",
        "00A\r\n0123456789\r\n",
        "0\r\nX-Trailer: y\r\n\r\n",
    ] {
        client.send(chunk.as_bytes());
    }
    assert_eq!(client.answer().text(), "abcde0123456789");

    client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body.len(), 3 << 20);

    client.send(b"GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.line(), "3E8");
}

#[test]
fn an_answer_that_can_not_be_completed_is_cut() {
    let server = Server::start(settings());
    for path in ["/short", "/long"] {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let head = client.head();
        let declared: usize = head.header("content-length").unwrap().parse().unwrap();
        assert!(client.rest().len() < declared, "{path}");
    }
    // Nothing has been sent yet, and then nothing is.
    let mut client = server.connect();
    client.send(b"GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.rest(), b"");
    assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}

#[test]
fn continue_is_sent_when_the_body_is_wanted() {
    let server = Server::start(settings());
    let mut client = server.connect();
    client.send(
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.line(), "HTTP/1.1 100 Continue");
    assert_eq!(client.line(), "");
    client.send(b"body");
    assert_eq!(client.answer().text(), "body");

    client.send(
        b"PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (403, Some("close"))
    );
    assert!(client.is_closed());
}

#[test]
fn who_expects_continue_before_no_body_gets_a_connection_of_its_own() {
    let server = Server::start(settings());
    let mut client = server.connect();
    client.send(
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert!(client.is_closed());
}

#[test]
fn targets_pass_as_they_were_sent() {
    let server = Server::start(settings());
    for target in [
        "/target?a=%2F&b",
        "http://bucket.example.com:9000/target?x=|{}^`",
        "/target?x-oss-process=image/resize,w_400|x",
    ] {
        let answer = server.ask(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.text(), format!("{target}\n"));
    }
}

#[test]
fn a_short_body_nobody_read_does_not_end_the_connection() {
    let server = Server::start(settings());
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(b"PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        client.send(&vec![b'x'; 40_000]);
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (403, None));
        client.send(&vec![b'x'; 60_000]);
    }
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().text(), "hello\n");
}

#[test]
fn a_long_body_nobody_read_is_lingered_over() {
    let server = Server::start(settings());
    let length = 20 << 20;
    for framing in [
        format!("Content-Length: {length}"),
        "Transfer-Encoding: chunked".to_owned(),
    ] {
        let mut client = server.connect();
        client.send(format!("PUT /refuse HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").as_bytes());
        let start = if framing.starts_with('T') {
            format!("{length:x}\r\n")
        } else {
            String::new()
        };
        client.send(start.as_bytes());
        // The whole body is sent before the answer is looked at, as SDKs do.
        client.send(&vec![b'x'; length]);
        assert_eq!(client.answer().status, 403, "{framing}");
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn s35_a_panic_costs_one_request() {
    let server = Server::start(settings());
    for path in ["/panic", "/panic-later"] {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.text()),
            (500, "dialect: Panicked GET\n")
        );
        assert!(client.is_closed());
    }
    assert_eq!(server.running.stats().panics(), 2);
    assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}
