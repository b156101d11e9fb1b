//! S30: nothing that two readers could understand differently gets through.

use crate::client::{Server, settings};

/// Each is answered with `status` and the connection closes, so that what is
/// hidden behind it is never read as a request.
#[test]
fn s30_ambiguous_requests_are_refused_and_the_connection_closes() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let cases = [
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nX: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\r\nX: 1\rTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            400,
            "PUT /echo HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n",
        ),
        (400, "GET / HTTP/1.1\nHost: a\n\n"),
        (
            400,
            "PUT /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
        (400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
        (400, "GE<T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (405, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
        (405, "GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    let server = Server::start(settings());
    for (status, case) in cases {
        let mut client = server.connect();
        client.send(format!("{case}{hidden}").as_bytes());
        let answer = client.answer();
        assert_eq!(answer.status, status, "{case:?}");
        let rest = client.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "", "after {case:?}");
    }
}

#[test]
fn s30_a_refused_request_behind_a_good_one_is_found() {
    let server = Server::start(settings());
    let mut client = server.connect();
    client.send(
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
          4;a=b\r\nwith\r\n0\r\n\r\n\
          PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
          0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.answer().text(), "with");
    let refused = client.answer();
    assert_eq!(
        (refused.status, refused.text()),
        (400, "dialect: AmbiguousLength PUT\n")
    );
    assert_eq!(client.rest(), b"");
}

#[test]
fn s30_bad_chunks_never_become_a_request() {
    let server = Server::start(settings());
    for chunks in [
        "zz\r\nabc",
        "ffffffffffffffff1\r\n",
        "-1\r\n",
        "3\r\nabcX\r\n",
        "3;a\nb\r\nabc\r\n",
    ] {
        let mut client = server.connect();
        client.send(
            format!(
                "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\
                 GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            .as_bytes(),
        );
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{chunks:?}");
        assert_eq!(client.rest(), b"", "{chunks:?}");
    }
}

#[test]
fn upgrades_are_ignored() {
    let server = Server::start(settings());
    let answer = server
        .ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(answer.status, 200);
}

#[test]
fn heads_beyond_the_limits_get_the_dialects_answer() {
    let server = Server::start(settings());
    let long_value = "v".repeat(100_000);
    let cases = [
        (
            431,
            format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long_value}\r\n\r\n"),
        ),
        (
            431,
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
                "X: y\r\n".repeat(5000)
            ),
        ),
        (
            431,
            format!("GET / HTTP/1.1\r\nHost: a\r\nX{long_value}: y\r\n\r\n"),
        ),
        (
            414,
            format!("GET /{long_value} HTTP/1.1\r\nHost: a\r\n\r\n"),
        ),
    ];
    for (status, case) in cases {
        let mut client = server.connect();
        let sent = client.try_send(case.as_bytes());
        let answer = client.answer();
        let start = case.get(..40).unwrap();
        assert_eq!(answer.status, status, "{start:?}");
        assert!(sent.is_ok());
        let known = matches!(
            answer.text(),
            "dialect: HeadTooLarge GET\n" | "dialect: TargetTooLong GET\n"
        );
        assert!(known, "{start:?}: {answer:?}");
        assert_eq!(client.rest(), b"");
    }
    let large = format!(
        "GET /echo HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n",
        "v".repeat(60_000)
    );
    assert_eq!(server.ask(&large).status, 200);
    let many = format!(
        "GET /echo HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(99)
    );
    assert_eq!(server.ask(&many).status, 200);
}
