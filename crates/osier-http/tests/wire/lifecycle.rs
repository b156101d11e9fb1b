//! Timeouts, and how servers end.

use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use osier_http::{ConnectionSettings, Listeners};

use crate::client::{Client, Server, settings};

const SOON: Duration = Duration::from_millis(100);

#[test]
fn s33_a_slow_head_ends_the_connection() {
    let server = Server::start(ConnectionSettings {
        head_timeout: SOON,
        ..settings()
    });
    let mut client = server.connect();
    client.send(b"GET / HTTP/1.1\r\nHos");
    assert_eq!(client.rest(), b"");
}

#[test]
fn s33_a_slow_body_is_told_so() {
    let server = Server::start(ConnectionSettings {
        body_timeout: SOON,
        ..settings()
    });
    let mut client = server.connect();
    client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(client.answer().status, 408);
}

#[test]
fn s33_an_idle_connection_is_closed() {
    let server = Server::start(ConnectionSettings {
        idle_timeout: SOON,
        park_after: SOON,
        ..settings()
    });
    let mut fresh = server.connect();
    let mut used = server.connect();
    used.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(used.answer().status, 200);
    assert!(fresh.is_closed());
    assert!(used.is_closed());
}

#[test]
fn s33_a_reader_that_takes_nothing_is_dropped() {
    let server = Server::start(ConnectionSettings {
        write_timeout: SOON,
        ..settings()
    });
    let mut client = server.connect();
    // More than the buffers of both sockets hold.
    for _ in 0..20 {
        client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    while server.running.stats().open() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_body_cut_short_is_incomplete() {
    let server = Server::start(settings());
    let client = server.connect();
    drop(client);
    let mut client = server.connect();
    client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    drop(client);
    while server.running.stats().open() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_parked_connection_goes_on() {
    let server = Server::start(ConnectionSettings {
        park_after: SOON,
        ..settings()
    });
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(client.answer().text(), "ok");
        while server.running.stats().parked() == 0 {
            std::thread::yield_now();
        }
    }
}

/// A pool of connections that nobody uses is no reason to wait. Without an end of its own this
/// test runs into its limit.
#[test]
fn stopping_waits_for_no_client_that_rests() {
    let server = Server::start(ConnectionSettings {
        park_after: Duration::from_hours(1),
        linger_timeout: Duration::from_hours(1),
        ..settings()
    });
    let mut idle = server.connect();
    idle.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
    server.running.stop(Duration::from_hours(1));
    assert!(idle.is_closed());
}

#[test]
fn stopping_lets_running_requests_end() {
    let server = Server::start(settings());
    let mut idle = server.connect();
    idle.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
    let mut busy = server.connect();
    busy.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    while server.running.stats().requests() < 2 {
        std::thread::yield_now();
    }
    let Server { running, gate } = server;
    let address = running.addresses()[0];
    let stop = std::thread::spawn(move || running.stop(Duration::from_secs(30)));
    // The idle one is closed first, which shows that stopping has begun.
    assert!(idle.is_closed());
    gate.send_replace(true);
    assert_eq!(busy.answer().text(), "waited\n");
    assert!(busy.is_closed());
    stop.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn stopping_ends_at_the_deadline() {
    let server = Server::start(settings());
    let mut busy = server.connect();
    busy.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    while server.running.stats().requests() < 1 {
        std::thread::yield_now();
    }
    let Server { running, gate } = server;
    running.stop(SOON);
    assert!(busy.is_closed());
    drop(gate);
}

#[test]
fn a_port_is_never_shared_with_another_server() {
    let server = Server::start(settings());
    let (address, error) = Listeners::bind(&[server.address()], 1).unwrap_err();
    assert_eq!(address, server.address());
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);

    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = foreign.local_addr().unwrap();
    assert!(Listeners::bind(&[taken], 1).is_err());
}

#[test]
fn ipv6_serves_ipv4_too() {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let Ok(listeners) = Listeners::bind(&[any], 1) else {
        // No IPv6 on this machine; then there is nothing to test.
        return;
    };
    let port = listeners.addresses()[0].port();
    let (_gate, closed) = tokio::sync::watch::channel(false);
    let paths = crate::client::Paths { gate: closed };
    let _running = osier_http::start(listeners, paths, settings(), "test").unwrap();
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let mut client = Client::connect(address.parse().unwrap());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer().status, 200, "{address}");
    }
}
