//! A server for tests, and a client that sends any bytes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use osier_http::{
    BodyError, BodySource, Chunk, ConnectionSettings, Handler, Incoming, Listeners, Outgoing,
    OutgoingBody, ProxyPeers, Refusal, Running, SourceFailed,
};
use tokio::sync::watch;

/// Answers by path; see `handle`.
pub(crate) struct Paths {
    /// `/wait` answers when this becomes true.
    pub(crate) gate: watch::Receiver<bool>,
}

impl Handler for Paths {
    async fn handle(&self, mut incoming: Incoming) -> Outgoing {
        match incoming.parts.uri.path() {
            "/echo" => {
                let mut all = Vec::new();
                loop {
                    match incoming.body.next().await {
                        Ok(Some(bytes)) => all.extend_from_slice(&bytes),
                        Ok(None) => break,
                        Err(BodyError::TooSlow) => {
                            return Outgoing::text(StatusCode::REQUEST_TIMEOUT, "too slow");
                        }
                        Err(error) => {
                            return Outgoing::text(StatusCode::BAD_REQUEST, &error.to_string());
                        }
                    }
                }
                let mut outgoing = Outgoing::text(StatusCode::OK, "");
                outgoing.body = OutgoingBody::Full(all.into());
                outgoing
            }
            "/peer" => Outgoing::text(
                StatusCode::OK,
                &format!("{} {}", incoming.peer, incoming.secure),
            ),
            "/target" => Outgoing::text(StatusCode::OK, &incoming.parts.uri.to_string()),
            "/refuse" => Outgoing::text(StatusCode::FORBIDDEN, "no"),
            "/panic" => panic!("as asked"),
            "/panic-later" => {
                tokio::task::yield_now().await;
                panic!("as asked")
            }
            "/wait" => {
                let mut gate = self.gate.clone();
                gate.wait_for(|open| *open).await.unwrap();
                Outgoing::text(StatusCode::OK, "waited")
            }
            "/stream" => stream(Some(3 << 20), 48, 64 << 10),
            "/chunks" => stream(None, 4, 1000),
            "/short" => stream(Some(5000), 4, 1000),
            "/long" => stream(Some(3500), 4, 1000),
            "/fail" => {
                let mut outgoing = Outgoing::text(StatusCode::OK, "");
                outgoing.body = OutgoingBody::stream(Some(10), Fails);
                outgoing
            }
            "/nothing" => {
                let mut outgoing = Outgoing::text(StatusCode::NO_CONTENT, "");
                outgoing.body = OutgoingBody::Empty;
                outgoing
            }
            "/head" => {
                let mut outgoing = Outgoing::text(StatusCode::OK, "");
                outgoing.parts.headers.insert(
                    header::CONTENT_LENGTH,
                    HeaderValue::from_static("123456789"),
                );
                outgoing.body = OutgoingBody::Empty;
                outgoing
            }
            _ => Outgoing::text(StatusCode::OK, "hello"),
        }
    }

    fn refuse(&self, refusal: Refusal, head: &http::request::Parts) -> Outgoing {
        let text = format!("dialect: {refusal:?} {}", head.method);
        Outgoing::text(refusal.status(), &text)
    }
}

fn stream(length: Option<u64>, chunks: usize, bytes: usize) -> Outgoing {
    let mut outgoing = Outgoing::text(StatusCode::OK, "");
    outgoing.body = OutgoingBody::stream(length, Chunks { chunks, bytes });
    outgoing
}

struct Chunks {
    chunks: usize,
    bytes: usize,
}

impl BodySource for Chunks {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        tokio::task::yield_now().await;
        if self.chunks == 0 {
            return Ok(None);
        }
        self.chunks -= 1;
        Ok(Some(Bytes::from(vec![b'x'; self.bytes]).into()))
    }
}

struct Fails;

impl BodySource for Fails {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        panic!("as asked")
    }
}

pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) gate: watch::Sender<bool>,
}

impl Server {
    pub(crate) fn start(settings: ConnectionSettings) -> Self {
        Self::behind(settings, None)
    }

    pub(crate) fn behind(settings: ConnectionSettings, proxies: Option<ProxyPeers>) -> Self {
        let (gate, closed) = watch::channel(false);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut listeners = Listeners::bind(&[any], settings.threads).unwrap();
        if let Some(proxies) = proxies {
            listeners = listeners.behind(proxies);
        }
        let running =
            osier_http::start(listeners, Paths { gate: closed }, settings, "test").unwrap();
        Self { running, gate }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.running.addresses().first().unwrap()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// Sends `request` on a connection of its own.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect();
        client.send(request.as_bytes());
        client.answer()
    }
}

/// Two threads, and the limits of real life.
pub(crate) fn settings() -> ConnectionSettings {
    ConnectionSettings {
        threads: 2,
        ..ConnectionSettings::default()
    }
}

pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // So that a hanging server fails the test instead of hanging it.
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Sends what the server may refuse to take.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "the server hung up: {line:?}");
        line.trim_end().to_owned()
    }

    pub(crate) fn head(&mut self) -> Answer {
        let line = self.line();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else {
                assert_eq!(line, "");
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Answer {
            status,
            headers,
            body: Vec::new(),
        }
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer.header("content-length").unwrap_or("0");
        answer.body = vec![0; length.parse().unwrap()];
        self.reader.read_exact(&mut answer.body).unwrap();
        answer
    }

    /// Everything until the server closes; fails on a reset.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        rest
    }

    /// Whether the connection ends without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.reader.read(&mut [0]) {
            Ok(read) => read == 0,
            // What it had not read was still on its way.
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
