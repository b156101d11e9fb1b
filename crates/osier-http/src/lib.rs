//! The connection driver for HTTP/1.1 and HTTP/2: listeners, connections, request framing and bodies.
//!
//! It turns sockets into calls of a [`Handler`] and knows no bucket, no dialect
//! and no settings file. hyper parses and writes messages; around it this crate
//! adds what hyper leaves to its user: the framing rules against request
//! smuggling, limits that the handler can word, timeouts, lingering close,
//! panics that stay in one request, and idle connections that cost almost nothing.
#![warn(missing_docs)]

mod acceptor;
mod body;
mod client;
mod connection;
mod exchange;
mod files;
mod framing;
mod handler;
mod multiplexed;
mod proxy_protocol;
mod settings;
mod slice;
mod socket;
mod stats;
mod tls;
mod transport;

pub use acceptor::{Listeners, Running, start, start_tls};
pub use body::{BodyError, BodySource, IncomingBody, OutgoingBody, SourceFailed, Stream};
pub use client::{
    Answered, Client, ClientError, ClientSettings, Conversion, ConversionFailed, Converted,
    OriginBody, OriginTls, RequestBody, TrustedRoots,
};
pub use files::raise_open_file_limit;
pub use handler::{Handler, Incoming, Outgoing, Refusal};
pub use proxy_protocol::{NotProxied, Proxied, ProxyPeers};
pub use settings::ConnectionSettings;
pub use slice::{Chunk, FileSlice};
pub use stats::HttpStats;
pub use tls::{CertificateFiles, NamedCertificate, Tls, TlsError, TlsProof};
