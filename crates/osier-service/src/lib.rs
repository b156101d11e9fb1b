//! The verbs of osier: a request is addressed, authenticated, decoded,
//! authorised, carried out and answered here, once for all operations.
//!
//! Knows HTTP messages but no sockets, and objects but no engine.
#![warn(missing_docs)]

mod arrive;
mod authorise;
mod aws_control;
mod body;
mod cdn;
mod chunked;
mod control;
mod elsewhere;
mod explain;
mod form;
mod guard;
mod identities;
mod layers;
mod pace;
mod perform;
mod picture;
mod points;
mod reply;
mod service;
mod source;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use osier_auth::{Decision, Identity};
use osier_store::ByteSource;
use osier_types::{Access, BucketName};

pub use cdn::{Cdn, CdnPending};
pub use elsewhere::{
    Admitted, BodyRefused, CheckedBody, ElsewhereBody, ElsewhereRequest, Translated,
};
pub use explain::{
    AccessReport, ActionReport, Explanation, Grantee, LayerTold, Question, QuestionError,
    RequestTold, SignatureTold, TextsTold,
};
pub use identities::{Identities, IdentitiesError};
pub use service::{Service, ServiceSettings};
pub use source::Surroundings;

/// A request whose body has not been read.
pub struct Request {
    /// Method, target and headers.
    pub head: http::request::Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Where they connected to.
    pub local: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The body, unread.
    pub body: Box<dyn ByteSource>,
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Status and headers, `Content-Length` included where there is one.
    pub head: http::response::Parts,
    /// The body.
    pub body: ResponseBody,
    /// What logs and metrics want to know.
    pub log: RequestLog,
}

/// The body of an answer.
#[derive(Debug)]
pub enum ResponseBody {
    /// None.
    Empty,
    /// In memory.
    Bytes(Bytes),
    /// Streamed from the store; the second field is its length.
    Object(PacedBody, u64),
}

pub use pace::PacedBody;

/// What a request was and what came of it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    /// 24 upper-case hex digits; a UUID where a control API was asked.
    pub request_id: String,
    /// The operation's OSS name; `Unknown` when the request was not understood.
    pub op: &'static str,
    /// The bucket, where one was named.
    pub bucket: Option<BucketName>,
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// Whether the client's connection was encrypted.
    pub secure: bool,
    /// The access key that signed.
    pub access_key_id: Option<String>,
    /// Whom it stands for.
    pub identity: Option<Identity>,
    /// What permission was asked for.
    pub accesses: Vec<Access>,
    /// Whether it was given.
    pub verdict: Verdict,
    /// What a control API was asked for.
    pub control: Option<ControlAccess>,
    /// Which access was refused, and how that came about.
    pub refused: Option<(usize, Box<Decision>)>,
    /// The error code answered.
    pub error_code: Option<&'static str>,
    /// The finer error code answered.
    pub ec: Option<String>,
}

/// What a request to a control API needs permission for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAccess {
    /// The action in policies, e.g. `ram:CreateUser`.
    pub action: &'static str,
    /// What it is done to, as policies name it.
    pub resources: Vec<String>,
}

/// Whether a request had the permissions it needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It failed before, or needs none.
    #[default]
    NotAsked,
    /// It had all of them.
    Granted,
    /// It had not, or nobody knows its sender.
    Refused,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Request")
            .field("method", &self.head.method)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
