//! Requests for sites: from the connection driver to the gateway and back, with one log line
//! for each.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, response};
use osier_auth::TrustedProxies;
use osier_gateway::{
    AccessLine, Admission, Gateway, LocalStore, Pending, Request, Response, Translation, Visit,
};
use osier_http::{
    BodySource, Chunk, Conversion, ConversionFailed, Converted, Handler, Incoming, IncomingBody,
    Outgoing, OutgoingBody, RequestBody, SourceFailed, Stream,
};
use osier_service::{
    Admitted, BodyRefused, CheckedBody, ElsewhereBody, ElsewhereRequest, ResponseBody, Service,
    Translated,
};
use osier_types::Clock;
use osier_wire::Dialect;

use crate::access_log::{AccessLog, Answered};
use crate::data::{Data, Upload};

/// Answers on the gateway's listeners.
pub(crate) struct Edge {
    pub(crate) gateway: Arc<Gateway>,
    /// The access log's file, where there is one.
    pub(crate) log: Option<AccessLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) proxies: TrustedProxies,
}

impl Handler for Edge {
    async fn handle(&self, incoming: Incoming) -> Outgoing {
        let begun = Instant::now();
        let Incoming {
            parts,
            peer,
            local,
            secure,
            server_name,
            body,
        } = incoming;
        // The query stays out of the log: it may hold a signature.
        let logs = self.log.is_some() || tracing::enabled!(target: "access", tracing::Level::INFO);
        let asked = logs.then(|| Asked::of(&parts));
        let (client, secure) = self.proxies.client(peer.ip(), secure, &parts.headers);
        let answering = self.gateway.handle(Request {
            head: parts,
            client,
            peer,
            local,
            secure,
            server_name,
            body,
        });
        let response = answering.await;
        let log = asked.map(|asked| Log {
            asked,
            client,
            file: self.log.clone(),
            clock: Arc::clone(&self.clock),
        });
        finished(response, log, peer, begun)
    }
}

/// The answer, with its line in the log when it has ended.
fn finished(response: Response, log: Option<Log>, peer: SocketAddr, begun: Instant) -> Outgoing {
    let Outgoing { parts, body } = response.answer;
    let Some(log) = log.filter(|_| !is_health(&response.line)) else {
        return Outgoing { parts, body };
    };
    let mut entry = Entry {
        log,
        peer,
        line: response.line,
        begun,
        bytes: 0,
    };
    let body = match body {
        OutgoingBody::Empty => OutgoingBody::Empty,
        OutgoingBody::Full(bytes) => {
            entry.bytes = bytes.len() as u64;
            OutgoingBody::Full(bytes)
        }
        OutgoingBody::Stream { length, source } => {
            OutgoingBody::stream(length, Counted { source, entry })
        }
    };
    Outgoing { parts, body }
}

/// What sites need of the store in this process.
pub(crate) struct Home {
    pub(crate) data: Arc<Data>,
    /// The account that buckets elsewhere count as buckets of.
    pub(crate) owner: String,
    /// The name of the store in requests that come from sites.
    pub(crate) host: HeaderValue,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Home").finish_non_exhaustive()
    }
}

impl LocalStore for Home {
    fn serve<'a>(&'a self, request: Request, bucket: &'a str) -> Pending<'a, Outgoing> {
        let Request {
            mut head,
            peer,
            local,
            secure,
            body,
            ..
        } = request;
        // Path style: the site's own host names no bucket to the store.
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let target = format!("/{bucket}{target}");
        if let Ok(target) = target.parse() {
            head.uri = target;
        }
        head.headers.insert(header::HOST, self.host.clone());
        Box::pin(self.data.handle(Incoming {
            parts: head,
            peer,
            local,
            secure,
            server_name: None,
            body,
        }))
    }

    fn admit<'a>(&'a self, visit: Visit<'a>, body: &'a mut IncomingBody) -> Pending<'a, Admission> {
        Box::pin(async move {
            let request = ElsewhereRequest {
                head: visit.head,
                peer: visit.peer,
                secure: visit.secure,
                bucket: visit.bucket,
                host_names_bucket: visit.host_names_bucket,
                origin: if visit.origin_is_s3 {
                    Dialect::S3
                } else {
                    Dialect::Oss
                },
                owner: visit.account.unwrap_or(&self.owner),
            };
            let service = &self.data.service;
            match service.admit(&request, &mut Upload(body)).await {
                Admitted::AsItIs => Admission::AsItIs,
                Admitted::Answered(answer) => Admission::Answered(Box::new(outgoing(*answer))),
                Admitted::Translated(translated) => Admission::Translated(Box::new(Abroad {
                    service: Arc::clone(service),
                    translated,
                })),
            }
        })
    }
}

/// A request for a bucket elsewhere, on its way in other words.
#[derive(Debug)]
struct Abroad {
    service: Arc<Service>,
    translated: Box<Translated>,
}

impl Translation for Abroad {
    fn question(&mut self) -> (Method, String, HeaderMap) {
        self.translated.question()
    }

    fn body(&mut self, body: IncomingBody) -> RequestBody {
        match self.translated.body() {
            ElsewhereBody::Empty(_) => RequestBody::Empty,
            ElsewhereBody::Document(document) if document.is_empty() => RequestBody::Empty,
            ElsewhereBody::Document(document) => RequestBody::Full(document),
            ElsewhereBody::AsItComes => RequestBody::Incoming(body),
            ElsewhereBody::Checked(checked) => {
                RequestBody::Converted(Converted::new(body, Box::new(Checking(checked))))
            }
        }
    }

    fn reads_object(&self) -> bool {
        self.translated.reads_object()
    }

    fn changes(&self) -> Vec<String> {
        self.translated.changes()
    }

    fn document_bytes_max(&self, status: StatusCode) -> Option<usize> {
        self.translated.document_bytes_max(status)
    }

    fn tell(&self, head: &mut response::Parts, document: Option<&[u8]>) -> Option<Bytes> {
        self.translated.tell(head, document)
    }

    fn refuse(self: Box<Self>) -> Option<Outgoing> {
        let refused = self.service.refuse_body(*self.translated);
        refused.map(outgoing)
    }
}

/// A body that is checked on its way.
struct Checking(Box<CheckedBody>);

impl Conversion for Checking {
    fn push(&mut self, bytes: Bytes) {
        self.0.push(bytes);
    }

    fn close(&mut self) -> Result<(), ConversionFailed> {
        self.0.close().map_err(|BodyRefused| ConversionFailed)
    }

    fn take(&mut self) -> Result<Option<Bytes>, ConversionFailed> {
        self.0.take().map_err(|BodyRefused| ConversionFailed)
    }

    fn length(&self) -> Option<u64> {
        self.0.length()
    }
}

/// An answer that streams nothing.
fn outgoing(answer: osier_service::Response) -> Outgoing {
    let body = match answer.body {
        ResponseBody::Bytes(bytes) => OutgoingBody::Full(bytes),
        ResponseBody::Empty | ResponseBody::Object(..) => OutgoingBody::Empty,
    };
    Outgoing {
        parts: answer.head,
        body,
    }
}

/// The answer to a load balancer's question is not logged.
fn is_health(line: &AccessLine) -> bool {
    line.site.is_none() && line.error_code.is_none()
}

/// What was asked for, and by whom, as far as logs show it.
struct Asked {
    request: String,
    version: Version,
    host: String,
    referer: String,
    user_agent: String,
    forwarded_for: String,
}

impl Asked {
    fn of(parts: &http::request::Parts) -> Self {
        const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        let text = |name| text_of(&parts.headers, name);
        Self {
            request: format!("{} {}", parts.method, parts.uri.path()),
            version: parts.version,
            host: text(header::HOST),
            referer: text(header::REFERER),
            user_agent: text(header::USER_AGENT),
            forwarded_for: text(FORWARDED_FOR),
        }
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> String {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// What a line needs from before the answer, and where it goes.
struct Log {
    asked: Asked,
    client: IpAddr,
    file: Option<AccessLog>,
    clock: Arc<dyn Clock>,
}

/// A line of the log; written when its answer has ended.
struct Entry {
    log: Log,
    peer: SocketAddr,
    line: AccessLine,
    begun: Instant,
    bytes: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let asked = &self.log.asked;
        if let Some(file) = &self.log.file {
            file.note(&Answered {
                now: self.log.clock.now(),
                client: self.log.client,
                host: &asked.host,
                request: &format!("{} {:?}", asked.request, asked.version),
                referer: &asked.referer,
                user_agent: &asked.user_agent,
                forwarded_for: &asked.forwarded_for,
                bytes: self.bytes,
                took: self.begun.elapsed(),
                line: &self.line,
            });
        }
        let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64());
        tracing::info!(
            target: "access",
            request_id = %self.line.request_id,
            peer = %self.peer,
            host = asked.host,
            site = self.line.site.as_deref(),
            status = self.line.status,
            code = self.line.error_code,
            bytes = self.bytes,
            cache = self.line.cache.as_str(),
            upstream = self.line.upstream.map(tracing::field::display),
            rt = seconds(self.begun.elapsed()),
            uht = self.line.upstream_head.map(seconds),
            referer = asked.referer,
            user_agent = asked.user_agent,
            forwarded_for = asked.forwarded_for,
            "{:?}", asked.request
        );
    }
}

/// A body that is counted for the log.
struct Counted {
    source: Box<dyn Stream>,
    entry: Entry,
}

impl BodySource for Counted {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let next = std::future::poll_fn(|cx| self.source.poll(cx)).await?;
        if let Some(chunk) = &next {
            self.entry.bytes = self.entry.bytes.saturating_add(chunk.len() as u64);
        }
        Ok(next)
    }
}
