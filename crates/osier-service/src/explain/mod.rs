//! Explanations: why a request was refused, whether one would be, and who may do what.
//!
//! Refused requests are kept in a bounded ring, with what their explanation needs; it is put
//! together when somebody asks. Whoever asks is the operator: a client gets no more than the
//! details in its own answer. Secrets are in no explanation, and neither are the signatures
//! and tokens of requests.

mod question;
mod signature;
mod told;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{HOST, HeaderMap, REFERER, USER_AGENT};
use http::request::Parts;
use http::{Method, StatusCode};
use osier_auth::{Decision, Identity};
use osier_types::limits::{REFUSAL_BYTES_MAX, REFUSALS_MAX, REFUSED_HEAD_BYTES_MAX};
use osier_types::{Access, AccessDenial, FaultKind, Timestamp};
use osier_wire::Dialect;

pub use question::{Question, QuestionError};
pub use told::{
    AccessReport, ActionReport, Explanation, Grantee, LayerTold, RequestTold, SignatureTold,
    TextsTold,
};

use crate::service::Service;
use crate::{RequestLog, Verdict, arrive::text_of};

/// A request that was refused, with what explains it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) at: Timestamp,
    pub(crate) request_id: String,
    pub(crate) op: &'static str,
    pub(crate) method: Method,
    pub(crate) host: String,
    /// As received, but for signatures and tokens.
    pub(crate) target: String,
    pub(crate) source: Option<IpAddr>,
    pub(crate) access_key_id: Option<String>,
    /// As policies name it.
    pub(crate) caller: Option<String>,
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) ec: Option<String>,
    pub(crate) message: String,
    /// What conditions of policies could see.
    pub(crate) circumstances: Vec<(&'static str, String)>,
    pub(crate) why: Why,
}

/// What a refusal is about.
#[derive(Debug)]
pub(crate) enum Why {
    /// The signature: the head as it was received.
    Signature(Box<RefusedRequest>),
    /// A permission.
    Permission(Access, Box<Decision>),
    /// Something that its message tells in full.
    Plain,
}

/// A request head whose signature was refused. Never shown as it is.
#[derive(Debug)]
pub(crate) struct RefusedRequest {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) target: String,
}

/// The newest refused requests.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<(usize, Arc<Refusal>)>,
    bytes: usize,
}

impl Refusals {
    /// Keeps a refusal; the oldest ones make room.
    pub(crate) fn keep(&self, refusal: Refusal) {
        let bytes = refusal.bytes();
        if bytes > REFUSAL_BYTES_MAX {
            return;
        }
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while ring.entries.len() >= REFUSALS_MAX || ring.bytes + bytes > REFUSAL_BYTES_MAX {
            let Some((gone, _)) = ring.entries.pop_front() else {
                break;
            };
            ring.bytes = ring.bytes.saturating_sub(gone);
        }
        ring.bytes += bytes;
        ring.entries.push_back((bytes, Arc::new(refusal)));
    }

    /// The refusal of the request of this id.
    pub(crate) fn find(&self, request_id: &str) -> Option<Arc<Refusal>> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest_first = ring.entries.iter().rev();
        newest_first
            .find(|(_, refusal)| refusal.request_id.eq_ignore_ascii_case(request_id))
            .map(|(_, refusal)| Arc::clone(refusal))
    }
}

impl Service {
    /// Keeps what explains a refused request. Faults that are no refusals are none of this.
    pub(crate) fn note_refusal(
        &self,
        head: &Parts,
        log: &RequestLog,
        caller: Option<&Identity>,
        fault: &FaultKind,
        dialect: Dialect,
    ) {
        let Some(by_signature) = refuses(fault) else {
            return;
        };
        let words = dialect.told(fault);
        let target = target_of(head);
        let why = match &log.refused {
            Some((index, decision)) => match log.accesses.get(*index) {
                Some(access) => Why::Permission(access.clone(), decision.clone()),
                None => Why::Plain,
            },
            None if by_signature && is_signed(head) => signature(head, &target),
            None => Why::Plain,
        };
        self.refusals.keep(Refusal {
            at: self.now(),
            request_id: log.request_id.clone(),
            op: log.op,
            method: head.method.clone(),
            host: short(&text_of(&head.headers, &HOST).unwrap_or_default()),
            target: short(&without_secrets(&target)),
            source: log.source,
            access_key_id: log.access_key_id.clone(),
            caller: caller.map(Identity::arn),
            status: words.status,
            code: words.code,
            ec: words.ec.map(str::to_owned),
            message: short(&words.message),
            circumstances: circumstances(head, log, self.now()),
            why,
        });
    }

    /// As [`Self::note_refusal`], of a request to a control API. What its message says is all
    /// there is: the permission and what it lacks, or what the server signed. The codes are those
    /// of the log.
    pub(crate) fn note_control_refusal(
        &self,
        head: &Parts,
        log: &RequestLog,
        caller: Option<&Identity>,
        (status, message): (StatusCode, String),
    ) {
        if log.verdict != Verdict::Refused {
            return;
        }
        self.refusals.keep(Refusal {
            at: self.now(),
            request_id: log.request_id.clone(),
            op: log.op,
            method: head.method.clone(),
            host: short(&text_of(&head.headers, &HOST).unwrap_or_default()),
            target: short(&without_secrets(&target_of(head))),
            source: log.source,
            access_key_id: log.access_key_id.clone(),
            caller: caller.map(Identity::arn),
            status,
            code: log.error_code.unwrap_or_default(),
            ec: log.ec.clone(),
            message: short(&message),
            circumstances: circumstances(head, log, self.now()),
            why: Why::Plain,
        });
    }

    /// Why the request of this id was refused; `None` when it was not, or too long ago.
    pub fn explain(&self, request_id: &str) -> Option<Explanation> {
        let refusal = self.refusals.find(request_id.trim())?;
        Some(match &refusal.why {
            Why::Signature(request) => {
                let diagnosis = self.diagnose(request, refusal.at);
                Explanation::of_signature(&refusal, &diagnosis)
            }
            Why::Permission(access, decision) => {
                Explanation::of_permission(&refusal, access, decision)
            }
            Why::Plain => Explanation::plain(&refusal),
        })
    }
}

impl Refusal {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let texts = self.host.len() + self.target.len() + self.message.len();
        let own = match &self.why {
            Why::Plain => 0,
            Why::Signature(request) => request.target.len() + head_bytes(&request.headers),
            Why::Permission(_, decision) => {
                let cited = decision.trace.iter().filter_map(|step| step.cited.as_ref());
                let cited: usize = cited.map(|cited| cited.to_string().len() * 2).sum();
                let nearest = decision.nearest.as_ref();
                2048 + cited + nearest.map_or(0, |miss| miss.to_string().len() * 2)
            }
        };
        1024 + texts + own
    }
}

/// Whether a fault refuses its sender, and then whether because of the signature.
fn refuses(kind: &FaultKind) -> Option<bool> {
    match kind {
        FaultKind::SignatureDoesNotMatch(_)
        | FaultKind::InvalidAccessKeyId { .. }
        | FaultKind::InvalidSecurityToken
        | FaultKind::SecurityTokenExpired
        | FaultKind::RequestTimeTooSkewed { .. }
        | FaultKind::AccessDenied(
            AccessDenial::Expired { .. }
            | AccessDenial::NotYetValid
            | AccessDenial::MalformedSignature { .. },
        ) => Some(true),
        FaultKind::AccessDenied(_) | FaultKind::CorsForbidden => Some(false),
        _ => None,
    }
}

/// Whether the head carries a signature; those of forms are in the body.
fn is_signed(head: &Parts) -> bool {
    head.headers.contains_key(http::header::AUTHORIZATION)
        || head.uri.query().is_some_and(|query| {
            SECRET_PARAMETERS
                .iter()
                .any(|name| query.contains(&format!("{name}=")))
        })
}

fn signature(head: &Parts, target: &str) -> Why {
    if head_bytes(&head.headers) + target.len() > REFUSED_HEAD_BYTES_MAX {
        return Why::Plain;
    }
    Why::Signature(Box::new(RefusedRequest {
        method: head.method.clone(),
        headers: head.headers.clone(),
        target: target.to_owned(),
    }))
}

fn head_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 64)
        .sum()
}

fn circumstances(head: &Parts, log: &RequestLog, now: Timestamp) -> Vec<(&'static str, String)> {
    let text = |name| text_of(&head.headers, name).map(|text| short(&text));
    let all = [
        ("acs:SourceIp", log.source.map(|source| source.to_string())),
        ("acs:SecureTransport", Some(log.secure.to_string())),
        ("acs:CurrentTime", Some(now.iso8601())),
        ("acs:UserAgent", text(&USER_AGENT)),
        ("acs:Referer", text(&REFERER)),
    ];
    all.into_iter()
        .filter_map(|(key, value)| value.map(|value| (key, value)))
        .collect()
}

/// The target as received.
fn target_of(head: &Parts) -> String {
    match (head.uri.authority(), head.uri.path_and_query()) {
        (None, Some(target)) => target.as_str().to_owned(),
        _ => head.uri.to_string(),
    }
}

/// A target without the values of parameters that would let others do the same.
fn without_secrets(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if SECRET_PARAMETERS.contains(&name) => format!("{name}=(hidden)"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

const SECRET_PARAMETERS: [&str; 7] = [
    "Signature",
    "x-oss-signature",
    "security-token",
    "x-oss-security-token",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "SecurityToken",
];

/// Characters of one text that a client chose.
const TEXT_CHARS_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str, message: usize) -> Refusal {
        Refusal {
            at: Timestamp::from_seconds(0),
            request_id: id.to_owned(),
            op: "GetObject",
            method: Method::GET,
            host: String::new(),
            target: String::new(),
            source: None,
            access_key_id: None,
            caller: None,
            status: StatusCode::FORBIDDEN,
            code: "AccessDenied",
            ec: None,
            message: "x".repeat(message),
            circumstances: Vec::new(),
            why: Why::Plain,
        }
    }

    #[test]
    fn s36_the_ring_is_bounded_by_count_and_bytes() {
        let ring = Refusals::default();
        for nth in 0..REFUSALS_MAX + 10 {
            ring.keep(refusal(&format!("id{nth}"), 0));
        }
        assert!(ring.find("id0").is_none() && ring.find("id9").is_none());
        assert!(ring.find("ID10").is_some());
        for nth in 0..20 {
            ring.keep(refusal(&format!("large{nth}"), REFUSAL_BYTES_MAX / 10));
        }
        assert!(ring.0.lock().unwrap().bytes <= REFUSAL_BYTES_MAX);
        assert!(ring.find("large19").is_some() && ring.find("large0").is_none());
        ring.keep(refusal("huge", REFUSAL_BYTES_MAX));
        assert!(ring.find("huge").is_none() && ring.find("large19").is_some());
    }

    #[test]
    fn s19_targets_are_shown_without_signatures() {
        let target = "/b/k?OSSAccessKeyId=id&Expires=1&Signature=abc%3D&security-token=t&acl";
        assert_eq!(
            without_secrets(target),
            "/b/k?OSSAccessKeyId=id&Expires=1&Signature=(hidden)&security-token=(hidden)&acl"
        );
    }
}
