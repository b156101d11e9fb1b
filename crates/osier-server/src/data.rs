//! Requests of clients: from the connection driver to the service and back, with
//! one log line and one measurement for each.

use std::borrow::BorrowMut;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, header, request};
use osier_http::{
    BodyError, BodySource, Chunk, FileSlice, Handler, Incoming, IncomingBody, Outgoing,
    OutgoingBody, Refusal, SourceFailed,
};
use osier_service::{PacedBody, Request, RequestLog, ResponseBody, Service};
use osier_store::{ByteSource, ObjectChunk};
use osier_types::{Clock, Fault, FaultKind, Rng};
use osier_wire::{ReplyContext, oss};

use crate::audit::AuditQueue;
use crate::metrics::Metrics;

/// Answers on the store's listeners.
pub(crate) struct Data {
    pub(crate) service: Arc<Service>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) audit: Option<AuditQueue>,
}

impl Handler for Data {
    async fn handle(&self, incoming: Incoming) -> Outgoing {
        let begun = Instant::now();
        let Incoming {
            parts,
            peer,
            local,
            secure,
            server_name: _,
            body,
        } = incoming;
        // The query stays out of the log: it may hold a signature.
        let asked = tracing::enabled!(target: "access", tracing::Level::INFO)
            .then(|| format!("{} {}", parts.method, parts.uri.path()));
        let response = self
            .service
            .handle(Request {
                head: parts,
                peer,
                local,
                secure,
                body: Box::new(Upload(body)),
            })
            .await;
        let mut account = Account {
            metrics: Arc::clone(&self.metrics),
            begun,
            asked,
            peer,
            status: response.head.status.as_u16(),
            bytes: 0,
            length: 0,
            log: response.log,
            audit: self
                .audit
                .clone()
                .map(|queue| (queue, Arc::clone(&self.clock))),
        };
        let body = match response.body {
            ResponseBody::Empty => OutgoingBody::Empty,
            ResponseBody::Bytes(bytes) => {
                account.bytes = bytes.len() as u64;
                account.length = account.bytes;
                OutgoingBody::Full(bytes)
            }
            ResponseBody::Object(body, length) => {
                let first = Download::begin(body, account, length).await;
                return Outgoing {
                    parts: response.head,
                    body: first,
                };
            }
        };
        Outgoing {
            parts: response.head,
            body,
        }
    }

    fn refuse(&self, refusal: Refusal, head: &request::Parts) -> Outgoing {
        let kind = match refusal {
            Refusal::Panicked => FaultKind::Internal,
            Refusal::NotAProxy => FaultKind::MethodNotAllowed,
            Refusal::AmbiguousLength
            | Refusal::BareLineFeed
            | Refusal::Host
            | Refusal::TargetTooLong
            | Refusal::HeadTooLarge => FaultKind::InvalidRequest {
                reason: refusal.reason().to_owned(),
            },
        };
        let mut id = [0; 12];
        self.rng.fill(&mut id);
        let mut request_id = String::with_capacity(24);
        for byte in id {
            let _ = write!(request_id, "{byte:02X}");
        }
        let host = head.headers.get(header::HOST).map(HeaderValue::to_str);
        let host = host.and_then(Result::ok).unwrap_or_default();
        let context = ReplyContext {
            region: "",
            request_id: &request_id,
            host,
            bucket_in_host: false,
            endpoint: host,
            scheme: "http",
            owner_id: "",
            now: self.clock.now(),
            elapsed_ms: 0,
        };
        let answer = oss::encode_fault(&context, &Fault::new(kind), &head.method);
        let mut parts = answer.head;
        parts.status = refusal.status();
        self.metrics.answered(
            "Unknown",
            parts.status.as_u16(),
            0,
            std::time::Duration::ZERO,
        );
        if let Some(audit) = &self.audit {
            let log = RequestLog {
                request_id: request_id.clone(),
                op: "Unknown",
                ..RequestLog::default()
            };
            audit.note(&log, self.clock.now(), parts.status.as_u16(), 0);
        }
        tracing::info!(target: "access", request_id, status = parts.status.as_u16(), refusal = refusal.reason());
        Outgoing {
            parts,
            body: match head.method {
                Method::HEAD => OutgoingBody::Empty,
                _ => OutgoingBody::Full(answer.body),
            },
        }
    }
}

/// A client's body as the store reads it.
pub(crate) struct Upload<B>(pub(crate) B);

#[async_trait]
impl<B: BorrowMut<IncomingBody> + Send> ByteSource for Upload<B> {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        self.0.borrow_mut().next().await.map_err(|error| {
            let kind = match error {
                BodyError::Incomplete => FaultKind::IncompleteBody,
                BodyError::TooSlow => FaultKind::RequestTimeout,
                BodyError::Malformed | BodyError::TooLarge | BodyError::Refused => {
                    FaultKind::InvalidRequest {
                        reason: error.to_string(),
                    }
                }
            };
            Fault::new(kind)
        })
    }
}

/// An object's body as the connection driver takes it.
struct Download {
    first: Option<ObjectChunk>,
    body: PacedBody,
    account: Account,
}

impl Download {
    /// Reads the first bytes, so that a small object leaves with its head at once.
    async fn begin(mut body: PacedBody, mut account: Account, length: u64) -> OutgoingBody {
        account.length = length;
        let first = match body.next().await {
            Ok(first) => first,
            Err(fault) => {
                account.failed(&fault);
                return OutgoingBody::stream(Some(length), Broken);
            }
        };
        match first {
            Some(ObjectChunk::Bytes(bytes)) if bytes.len() as u64 == length => {
                account.bytes = length;
                OutgoingBody::Full(bytes)
            }
            first => OutgoingBody::stream(
                Some(length),
                Self {
                    first,
                    body,
                    account,
                },
            ),
        }
    }
}

impl BodySource for Download {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let next = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.body.next().await,
        };
        match next {
            Ok(None) => Ok(None),
            Ok(Some(chunk)) => {
                let chunk = chunk_of(chunk);
                self.account.bytes = self.account.bytes.saturating_add(chunk.len() as u64);
                Ok(Some(chunk))
            }
            Err(fault) => {
                self.account.failed(&fault);
                Err(SourceFailed)
            }
        }
    }
}

fn chunk_of(chunk: ObjectChunk) -> Chunk {
    match chunk {
        ObjectChunk::Bytes(bytes) => Chunk::Memory(bytes),
        ObjectChunk::File(slice) => Chunk::File(FileSlice {
            file: slice.file,
            offset: slice.offset,
            length: usize::try_from(slice.length).unwrap_or(usize::MAX),
            keep: Arc::new(slice.reader),
        }),
    }
}

/// A body that fails before its first byte: the head is not sent either.
struct Broken;

impl BodySource for Broken {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        Err(SourceFailed)
    }
}

/// What is known of a request; told when its answer has ended.
struct Account {
    metrics: Arc<Metrics>,
    begun: Instant,
    asked: Option<String>,
    peer: std::net::SocketAddr,
    status: u16,
    bytes: u64,
    /// What the body's length should be.
    length: u64,
    log: RequestLog,
    audit: Option<(AuditQueue, Arc<dyn Clock>)>,
}

impl Account {
    fn failed(&self, fault: &Fault) {
        tracing::error!(
            request_id = self.log.request_id,
            op = self.log.op,
            bucket = self.log.bucket.as_ref().map(tracing::field::display),
            %fault,
            source = fault.source.as_ref().map(tracing::field::display),
            "an answer was cut because its object can't be read"
        );
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        if let Some((audit, clock)) = &self.audit {
            audit.note(&self.log, clock.now(), self.status, self.bytes);
        }
        self.metrics
            .answered(self.log.op, self.status, self.bytes, took);
        if let Some(asked) = &self.asked {
            tracing::info!(
                target: "access",
                request_id = self.log.request_id,
                peer = %self.peer,
                op = self.log.op,
                bucket = self.log.bucket.as_ref().map(tracing::field::display),
                key_id = self.log.access_key_id,
                status = self.status,
                code = self.log.error_code,
                ec = self.log.ec,
                bytes = self.bytes,
                us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                complete = self.bytes == self.length,
                "{asked:?}"
            );
        }
    }
}
