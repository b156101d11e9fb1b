//! Exchanges with origins over HTTP/1.1: connections kept alive, one pool per thread.
//!
//! A request whose connection turns out to be closed before anything was sent goes out again
//! on a new one; nothing else is tried twice here. What may be repeated, and where, is for
//! the caller to say, who gets the reason of every failure.

mod body;
mod pool;
mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, response};
use hyper::client::conn::http1::{self, SendRequest};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use body::{Conversion, ConversionFailed, Converted, OriginBody, RequestBody};
pub use tls::{OriginTls, TrustedRoots};

use self::body::Sending;
use self::pool::Place;
pub(crate) use self::stream::OriginStream;
use crate::BodyError;
use crate::transport::Transport;

/// How long and how much an exchange may. The defaults are those of nginx's examples for
/// object storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time in which the origin takes no byte of a request.
    pub send_timeout: Duration,
    /// Time in which the origin sends no byte of an answer.
    pub read_timeout: Duration,
    /// Idle connections of one thread to one address.
    pub idle_max: usize,
    /// Time after which an idle connection is not used again.
    pub idle_timeout: Duration,
    /// Bytes of an answer's head.
    pub head_bytes_max: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
            idle_max: 64,
            idle_timeout: Duration::from_mins(1),
            head_bytes_max: 64 << 10,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The origin refuses the connection or can't be reached.
    #[error("can't connect")]
    Connect(#[source] io::Error),
    /// It does not answer to the attempt.
    #[error("no connection in time")]
    ConnectTimeout,
    /// There is no TLS with it: its certificate is not believed, or it speaks something else.
    #[error("no TLS")]
    Tls(#[source] io::Error),
    /// It takes no more of the request.
    #[error("the request was not taken in time")]
    SendTimeout,
    /// It does not answer.
    #[error("no answer in time")]
    ReadTimeout,
    /// It closed the connection without a whole answer.
    #[error("the connection was closed before the answer")]
    Closed,
    /// What it sent is no HTTP.
    #[error("the answer can't be understood")]
    Malformed(#[source] hyper::Error),
    /// The client's body could not be read to its end.
    #[error("the request's body could not be read")]
    Request(#[source] BodyError),
}

/// An origin's answer.
#[derive(Debug)]
pub struct Answered {
    /// Which address answered.
    pub address: SocketAddr,
    /// Status and headers, as they came.
    pub parts: response::Parts,
    /// What follows them.
    pub body: OriginBody,
}

/// Sends requests to origins. Cheap to copy; connections belong to threads.
#[derive(Clone, Debug, Default)]
pub struct Client {
    settings: ClientSettings,
    tls: Option<OriginTls>,
}

impl Client {
    /// A client with these limits.
    pub fn new(settings: ClientSettings) -> Self {
        Self {
            settings,
            tls: None,
        }
    }

    /// The same, over TLS.
    #[must_use]
    pub fn over(self, tls: OriginTls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// Sends one request to the first of `addresses` that takes a connection, and waits for
    /// the head of the answer.
    ///
    /// # Errors
    /// Who failed, and how.
    pub async fn exchange(
        &self,
        addresses: &[SocketAddr],
        request: Request<RequestBody>,
    ) -> Result<Answered, ClientError> {
        let (parts, body) = request.into_parts();
        let (body, watch) = Sending::new(body);
        let mut request = Request::from_parts(parts, body);
        let mut refused = ClientError::Connect(io::ErrorKind::NotFound.into());
        for address in addresses.iter().copied() {
            let place = Place {
                address,
                tls: self.tls.as_ref().map(|tls| Arc::clone(&tls.pool)),
            };
            while let Some(sender) = pool::take(&place, self.settings.idle_timeout) {
                match self.send(&place, sender, request, &watch).await {
                    Ok(answered) => return Ok(answered),
                    Err(Unanswered { unsent, error }) => match unsent {
                        Some(unsent) => request = unsent,
                        None => return Err(error),
                    },
                }
            }
            match Box::pin(self.connect(address)).await {
                Ok(sender) => {
                    let sent = self.send(&place, sender, request, &watch).await;
                    return sent.map_err(|unanswered| unanswered.error);
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    async fn send(
        &self,
        place: &Place,
        mut sender: SendRequest<Sending>,
        request: Request<Sending>,
        watch: &body::Watch,
    ) -> Result<Answered, Unanswered> {
        if sender.ready().await.is_err() {
            return Err(Unanswered {
                unsent: Some(request),
                error: ClientError::Closed,
            });
        }
        let mut answering = std::pin::pin!(sender.try_send_request(request));
        let answer = loop {
            let moved = watch.bytes();
            let wait = if watch.is_sent() {
                self.settings.read_timeout
            } else {
                self.settings.send_timeout
            };
            match timeout(wait, answering.as_mut()).await {
                Ok(answer) => break answer,
                // A long body may take longer than any timeout, as long as it moves.
                Err(_) if watch.bytes() != moved => {}
                Err(_) => {
                    let error = if watch.is_sent() {
                        ClientError::ReadTimeout
                    } else {
                        ClientError::SendTimeout
                    };
                    return Err(Unanswered {
                        unsent: None,
                        error,
                    });
                }
            }
        };
        match answer {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let idle_max = self.settings.idle_max;
                let (place, address) = (place.clone(), place.address);
                let body = OriginBody::new(body, self.settings.read_timeout, move || {
                    pool::give(place, sender, idle_max);
                });
                Ok(Answered {
                    address,
                    parts,
                    body,
                })
            }
            Err(mut failed) => {
                let unsent = failed.take_message();
                let error = failed.into_error();
                let error = if let Some(error) = watch.failure() {
                    ClientError::Request(error)
                } else if error.is_parse() || error.is_parse_too_large() {
                    ClientError::Malformed(error)
                } else {
                    ClientError::Closed
                };
                Err(Unanswered { unsent, error })
            }
        }
    }

    async fn connect(&self, address: SocketAddr) -> Result<SendRequest<Sending>, ClientError> {
        let stream = timeout(self.settings.connect_timeout, TcpStream::connect(address))
            .await
            .map_err(|_| ClientError::ConnectTimeout)?
            .map_err(ClientError::Connect)?;
        stream.set_nodelay(true).map_err(ClientError::Connect)?;
        let stream = match &self.tls {
            None => Transport::Plain(stream),
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(&tls.config));
                let secured = connector.connect(tls.name.clone(), stream);
                let secured = timeout(self.settings.connect_timeout, secured).await;
                let secured = secured.map_err(|_| ClientError::ConnectTimeout)?;
                Transport::Tls(Box::new(secured.map_err(ClientError::Tls)?.into()))
            }
        };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(self.settings.head_bytes_max.max(128 << 10))
            .handshake(OriginStream::new(stream))
            .await
            .map_err(|_| ClientError::Closed)?;
        // Ends when its sender is dropped: by the pool, or by the exchange.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %address, "connection to an origin ended");
            }
        });
        Ok(sender)
    }
}

/// No answer; with the request, where nothing of it was sent.
struct Unanswered {
    unsent: Option<Request<Sending>>,
    error: ClientError,
}
