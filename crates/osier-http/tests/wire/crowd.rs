//! Many clients at once. Each test has a process of its own under nextest.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use osier_http::{ConnectionSettings, raise_open_file_limit};

use crate::client::{Server, settings};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Memory of this process that is really there, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() << 10
}

/// As many of `wanted` clients as this process may have; each takes two files.
fn crowd(wanted: usize) -> usize {
    let files = usize::try_from(raise_open_file_limit()).unwrap_or(usize::MAX);
    wanted.min((files / 2).saturating_sub(200))
}

#[test]
fn s33_stalled_clients_cost_no_files_in_the_end() {
    let count = crowd(5000);
    let server = Server::start(ConnectionSettings {
        connections_max: 20_000,
        head_timeout: Duration::from_secs(1),
        body_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
        ..settings()
    });
    let before = open_files();
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        let mut client = server.connect();
        client.send(match index % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHos",
            2 => b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab",
            _ => b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
        });
        clients.push(client);
    }
    // Served all the same.
    assert_eq!(server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    while server.running.stats().open() > 0 {
        std::thread::yield_now();
    }
    drop(clients);
    assert_eq!(open_files(), before);
    assert_eq!(server.running.stats().accepted(), count as u64 + 1);
}

#[test]
fn an_idle_connection_is_nearly_free() {
    let count = crowd(10_000);
    let server = Server::start(ConnectionSettings {
        connections_max: 20_000,
        park_after: Duration::from_millis(50),
        ..settings()
    });
    // The threads' own buffers are not what is measured.
    for _ in 0..64 {
        server.ask("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
    }
    // Bare sockets, so that the clients' side takes no memory of this process.
    let mut clients = Vec::with_capacity(count);
    let mut answer = [0; 1024];
    let before = resident();
    while clients.len() < count {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let bytes = client.read(&mut answer).unwrap();
        assert!(answer[..bytes].ends_with(b"hello\n"));
        clients.push(client);
        // Few are active at once, however slow the machine: what the allocator keeps of
        // a crowd of active connections is another number.
        if clients.len() % 200 == 0 || clients.len() == count {
            while server.running.stats().parked() < clients.len() as u64 {
                std::thread::yield_now();
            }
        }
    }
    let each = resident().saturating_sub(before) / count;
    println!("{each} bytes for each of {count} idle connections");
    assert!(each <= 4096, "{each} bytes each");
}
