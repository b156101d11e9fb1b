//! The store of the same process, as far as sites need one. Sites that need none work without.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use http::request;
use osier_http::{IncomingBody, Outgoing};

use crate::{Request, Translation};

/// A future that is not named.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request that its sender's permissions are checked for.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// As the client sent it.
    pub head: &'a request::Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The bucket that it is for, wherever that is.
    pub bucket: &'a str,
    /// Whether the host is known to name the bucket, and not only where buckets are.
    pub host_names_bucket: bool,
    /// Whether the bucket's store speaks S3; otherwise it speaks OSS.
    pub origin_is_s3: bool,
    /// The account that owns it; nothing means that of the root key.
    pub account: Option<&'a str>,
}

/// What becomes of a request whose sender's permissions were checked.
#[derive(Debug)]
pub enum Admission {
    /// It goes on as it is.
    AsItIs,
    /// It goes on in other words.
    Translated(Box<dyn Translation>),
    /// It is answered, mostly refused.
    Answered(Box<Outgoing>),
}

/// What answers for buckets and identities of our own.
pub trait LocalStore: fmt::Debug + Send + Sync + 'static {
    /// Answers a request for a bucket of ours. The path is the key, the request's own signature
    /// and the store's rules decide.
    fn serve<'a>(&'a self, request: Request, bucket: &'a str) -> Pending<'a, Outgoing>;

    /// Whether the sender, as its signature proves it, may do what it asks with a bucket that
    /// belongs to an account here, wherever it is. Of `body` is read what that depends on.
    fn admit<'a>(&'a self, visit: Visit<'a>, body: &'a mut IncomingBody) -> Pending<'a, Admission>;
}
