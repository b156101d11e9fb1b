//! A request on its way to a store elsewhere, and what that store answers, in the words of the
//! client.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Method, StatusCode, response};
use osier_types::{Checksum, DeletionRefused, Fault, ObjectKey, Op, percent_encode};
use osier_wire::translation::{
    OriginFault, document_root, tell_document, tell_fault, tell_headers, with_checksum,
};
use osier_wire::{AddressStyle, Dialect};

use super::body::{CheckedBody, Findings};
use super::reading::host;
use super::{ElsewhereRequest, Translation};
use crate::service::Learnt;

/// A request in the words of the store that has its bucket.
pub struct Translated {
    op: Op,
    /// As the client sent it.
    head: Parts,
    peer: SocketAddr,
    learnt: Learnt,
    begun: Instant,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: ElsewhereBody,
    findings: Findings,
    checksum: Option<Checksum>,
    spared: Vec<DeletionRefused>,
    origin: Dialect,
    /// Where this client reaches what is written.
    location: String,
}

/// What is sent along.
#[derive(Debug)]
pub enum ElsewhereBody {
    /// This, and nothing of what the client sends.
    Document(Bytes),
    /// Nothing: the client's body was empty, perhaps with this checksum.
    Empty(Option<Checksum>),
    /// The client's body, checked on its way.
    Checked(Box<CheckedBody>),
    /// The client's body.
    AsItComes,
}

impl std::fmt::Debug for Translated {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Translated")
            .field("op", &self.op.name())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Translated {
    pub(super) fn new(
        request: &ElsewhereRequest<'_>,
        translation: Translation,
        learnt: Learnt,
        begun: Instant,
    ) -> Self {
        let Translation {
            op,
            asked,
            body,
            spared,
        } = translation;
        let key = learnt.address.as_ref();
        let key = key.and_then(|address| address.key.as_deref());
        let path = format!("/{}", percent_encode(key.unwrap_or_default(), true));
        let mut headers = asked.headers;
        if !matches!(op, Op::GetObject(_) | Op::HeadObject(_)) {
            // What comes back is read here.
            headers.remove(ACCEPT_ENCODING);
        }
        let sends_nothing = match &body {
            ElsewhereBody::Document(document) => document.is_empty(),
            ElsewhereBody::Empty(_) => true,
            ElsewhereBody::Checked(_) | ElsewhereBody::AsItComes => false,
        };
        if sends_nothing && matches!(asked.method, Method::PUT | Method::POST) {
            // A store waits for a length even where there is nothing.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let host = host(request.head);
        let scheme = if learnt.source.secure {
            "https"
        } else {
            "http"
        };
        let by_path = learnt.address.as_ref().map(|address| address.style);
        let location = if by_path == Some(AddressStyle::Path) {
            format!("{scheme}://{host}/{}{path}", request.bucket)
        } else {
            format!("{scheme}://{host}{path}")
        };
        let mut head = http::Request::new(()).into_parts().0;
        head.method = request.head.method.clone();
        head.uri = request.head.uri.clone();
        head.headers = request.head.headers.clone();
        Self {
            op,
            head,
            peer: request.peer,
            learnt,
            begun,
            method: asked.method,
            target: if asked.query.is_empty() {
                path
            } else {
                format!("{path}?{}", asked.query)
            },
            headers,
            findings: match &body {
                ElsewhereBody::Checked(body) => body.findings(),
                _ => Findings::default(),
            },
            checksum: match &body {
                ElsewhereBody::Empty(checksum) => *checksum,
                _ => None,
            },
            body,
            spared,
            origin: request.origin,
            location,
        }
    }

    /// What the origin is asked: method, path and query, headers. To be asked once.
    pub fn question(&mut self) -> (Method, String, HeaderMap) {
        let headers = std::mem::take(&mut self.headers);
        (self.method.clone(), self.target.clone(), headers)
    }

    /// What is sent along. To be asked once.
    pub fn body(&mut self) -> ElsewhereBody {
        std::mem::replace(&mut self.body, ElsewhereBody::AsItComes)
    }

    /// Whether it reads an object by its name alone, so that a kept answer may serve it. One that
    /// a customer's key opened is for those who have that key.
    pub fn reads_object(&self) -> bool {
        match &self.op {
            Op::GetObject(read) | Op::HeadObject(read) => {
                read.part.is_none() && read.customer_key.is_none()
            }
            _ => false,
        }
    }

    /// The paths of objects that it changes, besides the one that it asks for.
    pub fn changes(&self) -> Vec<String> {
        let path = |key: &ObjectKey| format!("/{}", percent_encode(key.as_bytes(), true));
        match &self.op {
            Op::DeleteObjects(delete) => delete.objects.iter().map(|one| path(&one.key)).collect(),
            _ => Vec::new(),
        }
    }

    /// How much of an answer's body is to be read before it can be told; none where it passes as
    /// it is.
    pub fn document_bytes_max(&self, status: StatusCode) -> Option<usize> {
        if self.learnt.dialect == Dialect::Oss {
            return None;
        }
        let is_read = match self.kind(status) {
            Kind::Refusal => true,
            Kind::NotModified => false,
            Kind::Success => match &self.op {
                // The keys that the caller may not delete are told besides.
                Op::DeleteObjects(_) | Op::HeadBucket { .. } => true,
                op => self.origin == Dialect::Oss && document_root(op).is_some(),
            },
        };
        is_read.then_some(DOCUMENT_BYTES_MAX)
    }

    /// Tells the answer as its client's dialect does. `document` is its body, where that was to be read; the new
    /// one comes back. Without it the body passes as it is.
    pub fn tell(&self, head: &mut response::Parts, document: Option<&[u8]>) -> Option<Bytes> {
        if self.learnt.dialect == Dialect::Oss {
            return None;
        }
        let id = self.learnt.log.request_id.as_str();
        if self.origin == Dialect::Oss {
            tell_headers(&mut head.headers, id);
        }
        let kind = self.kind(head.status);
        let checksum = self.checksum.or_else(|| self.findings.checksum());
        if let (Some(checksum), Kind::Success) = (checksum, kind) {
            with_checksum(&mut head.headers, &checksum);
        }
        let document = document?;
        let told = match kind {
            // Caches and answers to HEAD leave the document out.
            Kind::Refusal if self.origin == Dialect::S3 && !document.is_empty() => {
                Bytes::copy_from_slice(document)
            }
            Kind::Refusal => {
                let fault = OriginFault::read(head.status, document);
                head.status = fault.status;
                tell_fault(&fault, id)
            }
            Kind::NotModified | Kind::Success => {
                let told = tell_document(&self.op, document, &self.location, &self.spared);
                told.unwrap_or_else(|fault| {
                    tracing::error!(%fault, "an origin's document can't be understood");
                    head.status = StatusCode::BAD_GATEWAY;
                    tell_fault(&OriginFault::malformed(), id)
                })
            }
        };
        for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        if !told.is_empty() {
            let xml = HeaderValue::from_static("application/xml");
            head.headers.insert(CONTENT_TYPE, xml);
        }
        Some(if self.head.method == Method::HEAD {
            Bytes::new()
        } else {
            told
        })
    }

    fn kind(&self, status: StatusCode) -> Kind {
        if status == StatusCode::NOT_MODIFIED {
            // OSS says so of a copy's source, too; S3 tells only readers.
            let reads = matches!(self.head.method, Method::GET | Method::HEAD);
            return if reads {
                Kind::NotModified
            } else {
                Kind::Refusal
            };
        }
        if status.is_success() {
            Kind::Success
        } else {
            Kind::Refusal
        }
    }

    /// Why the body was not sent to its end, if it was its own fault.
    pub(super) fn refusal(&self) -> Option<Fault> {
        self.findings.fault()
    }

    pub(super) fn into_request(self) -> (Parts, SocketAddr, Learnt, Instant) {
        (self.head, self.peer, self.learnt, self.begun)
    }
}

/// What sort of an answer came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Success,
    NotModified,
    Refusal,
}

/// A thousand entries of the longest keys, percent-encoded, and what is told beside each.
const DOCUMENT_BYTES_MAX: usize = 8 << 20;
