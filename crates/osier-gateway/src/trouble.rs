//! Why the gateway itself refuses or fails, in words: status, code, cause, and the
//! `Proxy-Status` of RFC 9209.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use osier_auth::{UrlRefusal, VisitorRefusal};
use osier_http::{ClientError, Outgoing, OutgoingBody};
use osier_types::{Fault, FaultKind};

use crate::credentials::NoKey;

/// What went wrong before or instead of the origin's answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No site has this host.
    NoSite,
    /// The connection was made for another site.
    Misdirected,
    /// The site does not answer this path.
    NoPath,
    /// The path means one site as it is written, and another as others read it.
    AmbiguousPath,
    /// The site does not let this method pass.
    Method,
    /// The request's body is larger than the site allows.
    BodyTooLarge,
    /// The request went through too many proxies: it is led in a circle.
    Loop,
    /// Only a kept answer was wanted, and there is none.
    OnlyIfCached,
    /// A request that can't be sent on.
    BadRequest,
    /// The visitor is not wanted.
    Visitor(VisitorRefusal),
    /// The URL proves nothing.
    Url(UrlRefusal),
    /// A folder is not shown, because its bucket says so.
    NotListed(StatusCode),
    /// Signed for strangers, only objects are read.
    NotAnObject,
    /// The site needs the store of this process, and there is none.
    NoStore,
    /// There is no key to sign with.
    NoKey(NoKey),
    /// The key to sign with can't be sent.
    UnusableKey,
    /// The origin has no address.
    Unresolved(io::Error),
    /// The origin did not answer.
    Origin(ClientError),
    /// A picture can't be made.
    Picture(Fault),
    /// Nobody, or nobody without a style, gets this picture.
    PictureDenied,
}

impl Trouble {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoSite | Self::NoPath => StatusCode::NOT_FOUND,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::OnlyIfCached => StatusCode::GATEWAY_TIMEOUT,
            Self::BadRequest | Self::AmbiguousPath => StatusCode::BAD_REQUEST,
            Self::NotAnObject | Self::PictureDenied | Self::Visitor(_) | Self::Url(_) => {
                StatusCode::FORBIDDEN
            }
            Self::NotListed(status) => *status,
            Self::NoStore => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoKey(_) | Self::UnusableKey | Self::Unresolved(_) => StatusCode::BAD_GATEWAY,
            Self::Origin(error) => match error {
                ClientError::ConnectTimeout
                | ClientError::SendTimeout
                | ClientError::ReadTimeout => StatusCode::GATEWAY_TIMEOUT,
                ClientError::Request(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::BAD_GATEWAY,
            },
            Self::Picture(fault) => match fault.kind {
                FaultKind::Picture { .. } | FaultKind::NotImplemented { .. } => {
                    StatusCode::BAD_REQUEST
                }
                FaultKind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// For programs: one word for each cause.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoSite => "NoSuchSite",
            Self::Misdirected => "MisdirectedRequest",
            Self::NoPath => "NoSuchPath",
            Self::Method => "MethodNotAllowed",
            Self::BodyTooLarge => "EntityTooLarge",
            Self::Loop => "LoopDetected",
            Self::OnlyIfCached => "NotCached",
            Self::BadRequest => "InvalidRequest",
            Self::AmbiguousPath => "AmbiguousPath",
            Self::NotListed(StatusCode::FORBIDDEN) => "ListDenied",
            Self::NotListed(StatusCode::NOT_FOUND) => "NoSuchFolder",
            Self::NotListed(_) => "OriginListMalformed",
            Self::NotAnObject => "OnlyObjects",
            Self::Visitor(VisitorRefusal::Address) => "AddressDenied",
            Self::Visitor(VisitorRefusal::Referer) => "RefererDenied",
            Self::Visitor(VisitorRefusal::Agent) => "UserAgentDenied",
            Self::Url(UrlRefusal::Missing) => "UrlAuthMissing",
            Self::Url(UrlRefusal::Expired) => "UrlAuthExpired",
            Self::Url(UrlRefusal::Wrong) => "UrlAuthWrong",
            Self::NoStore => "NoStore",
            Self::NoKey(_) | Self::UnusableKey => "OriginCredentialsUnavailable",
            Self::Unresolved(_) => "OriginUnresolved",
            Self::Origin(error) => match error {
                ClientError::Connect(_) => "OriginUnreachable",
                ClientError::ConnectTimeout => "OriginConnectTimeout",
                ClientError::Tls(_) => "OriginTlsFailed",
                ClientError::SendTimeout => "OriginSendTimeout",
                ClientError::ReadTimeout => "OriginReadTimeout",
                ClientError::Closed => "OriginClosedConnection",
                ClientError::Malformed(_) => "OriginAnswerMalformed",
                ClientError::Request(_) => "IncompleteBody",
                _ => "OriginFailed",
            },
            Self::PictureDenied => "AccessDenied",
            // As the store words them.
            Self::Picture(fault) => match &fault.kind {
                FaultKind::Picture { kind, .. } => kind.code(),
                FaultKind::NotImplemented { .. } => "NotImplemented",
                FaultKind::Unavailable { .. } => "ServiceUnavailable",
                _ => "InternalError",
            },
        }
    }

    /// For people. Never tells more of the origin than that it exists.
    fn message(&self) -> Cow<'_, str> {
        if let Self::Picture(fault) = self {
            return match &fault.kind {
                FaultKind::Picture { message, .. } => escaped(message),
                FaultKind::NotImplemented { what } => {
                    escaped(&format!("This server does not implement {what}."))
                }
                FaultKind::Unavailable { reason } => escaped(reason),
                _ => "The picture can't be made.".into(),
            };
        }
        Cow::Borrowed(match self {
            Self::Misdirected => "The connection was made for another site.",
            Self::NoSite => "No site is configured for this host.",
            Self::NoPath => "The site does not serve this path.",
            Self::Method => "The site does not allow this method.",
            Self::BodyTooLarge => "The request body is larger than the site allows.",
            Self::Loop => "The request was forwarded too many times.",
            Self::OnlyIfCached => "A cached answer was asked for, and there is none.",
            Self::AmbiguousPath => "The path can be read in two ways.",
            Self::BadRequest => "The request can't be forwarded.",
            Self::Visitor(VisitorRefusal::Address) => "The site does not serve this address.",
            Self::Visitor(VisitorRefusal::Referer) => "The referring page may not use this site.",
            Self::Visitor(VisitorRefusal::Agent) => "The site does not serve this program.",
            Self::Url(UrlRefusal::Missing) => "The URL carries no proof, or a malformed one.",
            Self::Url(UrlRefusal::Expired) => "The URL has expired.",
            Self::Url(UrlRefusal::Wrong) => "The proof of the URL is wrong.",
            Self::NotListed(StatusCode::FORBIDDEN) => "The bucket does not show its list.",
            Self::NotListed(StatusCode::NOT_FOUND) => "There is no such folder.",
            Self::NotListed(_) => "The origin's list can't be understood.",
            Self::NotAnObject => "The site serves objects only.",
            Self::NoStore => "The site's bucket is in no store of this server.",
            Self::NoKey(_) | Self::UnusableKey => "There is no key to sign the request with.",
            Self::Unresolved(_) => "The origin's name has no address.",
            Self::Origin(error) => match error {
                ClientError::Connect(_) => "The origin can't be reached.",
                ClientError::ConnectTimeout => "The origin did not accept a connection in time.",
                ClientError::Tls(_) => {
                    "The origin's certificate is not trusted, or it does not speak TLS."
                }
                ClientError::SendTimeout => "The origin did not take the request in time.",
                ClientError::ReadTimeout => "The origin did not answer in time.",
                ClientError::Closed => "The origin closed the connection without an answer.",
                ClientError::Malformed(_) => "The origin's answer is not HTTP.",
                ClientError::Request(_) => "The request body ended early.",
                _ => "The origin failed.",
            },
            Self::PictureDenied => "The picture is not made for strangers.",
            Self::Picture(_) => "The picture can't be made.",
        })
    }

    /// The error type of RFC 9209 where the origin is to blame.
    fn proxy_error(&self) -> Option<&'static str> {
        match self {
            Self::Unresolved(_) => Some("dns_error"),
            Self::Loop => Some("proxy_loop_detected"),
            Self::Origin(error) => Some(match error {
                ClientError::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    "connection_refused"
                }
                ClientError::Connect(_) => "destination_unavailable",
                ClientError::ConnectTimeout => "connection_timeout",
                ClientError::Tls(error) if is_certificate(error) => "tls_certificate_error",
                ClientError::Tls(_) => "tls_protocol_error",
                ClientError::SendTimeout => "connection_write_timeout",
                ClientError::ReadTimeout => "http_response_timeout",
                ClientError::Closed => "connection_terminated",
                ClientError::Malformed(_) => "http_protocol_error",
                ClientError::Request(_) => return None,
                _ => "proxy_internal_error",
            }),
            _ => None,
        }
    }

    /// The answer, in the form in which object storage words its errors.
    pub(crate) fn answer(&self, request_id: &str) -> Outgoing {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = self.status();
        let headers = &mut parts.headers;
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/xml"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if parts.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(error) = self.proxy_error()
            && let Ok(value) = HeaderValue::from_str(&format!("osier; error={error}"))
        {
            headers.insert("proxy-status", value);
        }
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            text,
            "<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n  <RequestId>{request_id}</RequestId>\n</Error>",
            self.code(),
            self.message(),
        );
        Outgoing {
            parts,
            body: OutgoingBody::Full(Bytes::from(text)),
        }
    }

    /// What lies beneath, for our own log.
    pub(crate) fn causes(&self) -> String {
        let mut cause: Option<&dyn std::error::Error> = match self {
            Self::Unresolved(error) => Some(error),
            Self::Origin(error) => Some(error),
            Self::NoKey(error) => Some(error),
            _ => None,
        };
        let mut text = String::new();
        while let Some(error) = cause {
            let _ = write!(text, "{}{error}", if text.is_empty() { "" } else { ": " });
            cause = error.source();
        }
        text
    }

    /// Whether a kept answer may stand in for it.
    pub(crate) fn is_of_origin(&self) -> bool {
        match self {
            Self::Unresolved(_) | Self::NoKey(_) => true,
            Self::Origin(error) => !matches!(error, ClientError::Request(_)),
            _ => false,
        }
    }
}

/// Whether TLS failed by the other side's certificate. rustls says so in words only.
fn is_certificate(error: &io::Error) -> bool {
    error.to_string().contains("certificate")
}

/// Text that may stand in XML.
fn escaped(text: &str) -> Cow<'static, str> {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    Cow::Owned(text.replace('>', "&gt;"))
}
