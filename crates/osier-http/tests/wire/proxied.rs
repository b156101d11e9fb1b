//! Connections that a proxy makes for its clients (the PROXY protocol).

use std::time::Duration;

use osier_http::{ConnectionSettings, ProxyPeers};

use crate::client::{Answer, Server, settings};

const REQUEST: &str = "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n";
const LINE: &str = "PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n";

fn server(trusts: bool) -> Server {
    Server::behind(settings(), Some(ProxyPeers::new(move |_| trusts)))
}

fn text(answer: &Answer) -> String {
    answer.text().trim().to_owned()
}

#[test]
fn the_client_is_who_the_proxy_says_for_as_long_as_the_connection_lives() {
    let server = server(true);
    let mut client = server.connect();
    client.send(format!("{LINE}{REQUEST}{REQUEST}").as_bytes());
    for _ in 0..2 {
        assert_eq!(text(&client.answer()), "203.0.113.7:4711 false");
    }
}

#[test]
fn a_header_may_come_in_pieces() {
    let server = server(true);
    let mut client = server.connect();
    for byte in LINE.bytes() {
        client.send(&[byte]);
    }
    client.send(REQUEST.as_bytes());
    assert_eq!(text(&client.answer()), "203.0.113.7:4711 false");
}

#[test]
fn a_binary_header_tells_of_encryption() {
    let server = server(true);
    let mut client = server.connect();
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    header.extend([203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80]);
    header.extend([0x20, 0, 5, 1, 0, 0, 0, 0]);
    header.extend(REQUEST.as_bytes());
    client.send(&header);
    assert_eq!(text(&client.answer()), "203.0.113.7:4711 true");
}

#[test]
fn a_proxy_that_checks_speaks_for_itself() {
    let server = server(true);
    for header in ["PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut client = server.connect();
        client.send(format!("{header}{REQUEST}").as_bytes());
        let said = text(&client.answer());
        assert!(said.starts_with("127.0.0.1:"), "{said}");
    }
}

#[test]
fn edge_proxy_header_of_a_stranger_is_refused() {
    let server = server(false);
    assert_eq!(server.ask(&format!("{LINE}{REQUEST}")).status, 400);
    assert!(text(&server.ask(REQUEST)).starts_with("127.0.0.1:"));
}

#[test]
fn edge_a_proxy_without_or_with_a_broken_header_gets_no_answer() {
    let server = server(true);
    for sent in [
        REQUEST.to_owned(),
        format!("PROXY TCP4 203.0.113.7 10.0.0.1 4711\r\n{REQUEST}"),
        format!("PROXY UNKNOWN {}\r\n{REQUEST}", "x".repeat(200)),
        // As long as it can say it is, and none of it sent.
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\x7f\x7f".to_owned(),
    ] {
        let mut client = server.connect();
        client.send(sent.as_bytes());
        assert!(client.is_closed(), "{sent:?}");
    }
}

#[test]
fn edge_a_proxy_that_says_nothing_in_time_is_let_go() {
    let limits = ConnectionSettings {
        head_timeout: Duration::from_millis(100),
        ..settings()
    };
    let server = Server::behind(limits, Some(ProxyPeers::new(|_| true)));
    for begun in ["", "PROXY TCP4 203", "PROXY TCP4 203.0.113.7 10.0"] {
        let mut client = server.connect();
        client.send(begun.as_bytes());
        assert!(client.is_closed(), "{begun:?}");
    }
}
