//! Requests to the authority, over the connections that origins are reached with.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::Scheme;
use http::{HeaderValue, Request};
use http_body::Body as _;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use osier_http::{Client, ClientSettings, OriginTls, RequestBody, TrustedRoots};

/// Bytes of an answer at most; a chain of certificates is the longest.
const ANSWER_BYTES_MAX: usize = 1 << 20;

type Answering = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// Asks an authority whose own certificate is believed by public authorities, or by those in a
/// file.
pub(super) struct AuthorityClient {
    roots: TrustedRoots,
}

impl AuthorityClient {
    pub(super) fn new(ca: Option<&Path>) -> Self {
        Self {
            roots: ca.map_or(TrustedRoots::Public, |ca| {
                TrustedRoots::File(PathBuf::from(ca))
            }),
        }
    }
}

impl HttpClient for AuthorityClient {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answering {
        let roots = self.roots.clone();
        Box::pin(async move { exchange(request, &roots).await })
    }
}

async fn exchange(
    request: Request<BodyWrapper<Bytes>>,
    roots: &TrustedRoots,
) -> Result<BytesResponse, Error> {
    let (mut parts, mut body) = request.into_parts();
    let authority = parts.uri.authority().cloned();
    let authority = authority.ok_or(Error::Str("the authority names no host"))?;
    if parts.uri.scheme() != Some(&Scheme::HTTPS) {
        // Its keys sign what it says, but nothing of it is to be read by others either.
        return Err(Error::Str("the authority must be asked by HTTPS"));
    }
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let port = authority.port_u16().unwrap_or(443);
    let addresses = tokio::net::lookup_host((host.as_str(), port)).await;
    let addresses: Vec<_> = addresses.map_err(other)?.collect();
    let tls = OriginTls::new(&host, roots).map_err(other)?;
    let client = Client::new(ClientSettings {
        idle_timeout: Duration::from_secs(5),
        ..ClientSettings::default()
    });
    let client = client.over(tls);
    // It is all in one piece.
    let body = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
    let body = body
        .and_then(Result::ok)
        .and_then(|frame| frame.into_data().ok());
    let body = body.unwrap_or_default();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    parts.uri = target.parse().map_err(other)?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(other)?;
    parts.headers.insert(HOST, host);
    if !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let request = Request::from_parts(parts, RequestBody::Full(body));
    let answered = client.exchange(&addresses, request);
    let mut answered = answered.await.map_err(other)?;
    let mut read = BytesMut::new();
    while let Some(bytes) = answered.body.read().await.map_err(other)? {
        if read.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(Error::Str("the authority's answer is too long"));
        }
        read.extend_from_slice(&bytes);
    }
    Ok(BytesResponse {
        parts: answered.parts,
        body: Box::new(read.freeze()),
    })
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}
