//! The store of the same process, as far as sites need one. Sites that need none work without.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use http::request;
use osier_http::Outgoing;

use crate::Request;

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
    /// The account that owns it; nothing means that of the root key.
    pub account: Option<&'a str>,
}

/// What answers for buckets and identities of our own.
pub trait LocalStore: fmt::Debug + Send + Sync + 'static {
    /// Answers a request for a bucket of ours. The path is the key, the request's own signature
    /// and the store's rules decide.
    fn serve<'a>(&'a self, request: Request, bucket: &'a str) -> Pending<'a, Outgoing>;

    /// Whether the sender, as its signature proves it, may do what it asks with a bucket that
    /// belongs to an account here, wherever it is.
    ///
    /// # Errors
    /// The answer that refuses.
    fn admit<'a>(&'a self, visit: Visit<'a>) -> Pending<'a, Result<(), Box<Outgoing>>>;
}
