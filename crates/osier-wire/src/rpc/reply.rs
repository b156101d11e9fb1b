//! Heads and documents of answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use osier_auth::directory::{ControlFault, ControlOutcome, Denial};
use osier_auth::{Identity, Principal};
use osier_types::{Query, Timestamp};

use super::document::Fields;
use super::outcome;
use crate::{Encoded, http_date};

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As JSON.
    Json,
    /// As XML.
    Xml,
}

/// What an answer needs to know of its request and of the server.
#[derive(Clone, Copy, Debug)]
pub struct RpcContext<'a> {
    /// A UUID in upper case.
    pub request_id: &'a str,
    /// `Host` as the client sent it: `HostId` of errors.
    pub host: &'a str,
    /// How the client wants its documents.
    pub format: Format,
    /// When the answer is written.
    pub now: Timestamp,
}

impl Format {
    /// What the client wants: `Format` says it; without one, requests that name their action in
    /// headers get JSON, as their `Accept` says, and those of old get XML.
    pub fn wanted(raw_query: &str, form: &[u8], headers: &HeaderMap) -> Self {
        let form = std::str::from_utf8(form).unwrap_or_default();
        let (query, form) = (Query::parse(raw_query), Query::parse(form));
        match query.text("Format").or_else(|| form.text("Format")) {
            Some(format) if format.eq_ignore_ascii_case("json") => Self::Json,
            Some(format) if format.eq_ignore_ascii_case("xml") => Self::Xml,
            _ if headers.contains_key("x-acs-action") => Self::Json,
            _ => Self::Xml,
        }
    }
}

/// The answer to an operation that went well.
pub fn encode(context: &RpcContext<'_>, action: &str, outcome: &ControlOutcome) -> Encoded {
    let document = Fields::default().text("RequestId", context.request_id);
    let document = outcome::write(document, outcome);
    answer(
        context,
        StatusCode::OK,
        &format!("{action}Response"),
        &document,
    )
}

/// The answer to a request that was refused or failed. `caller` is known once the signature was
/// found right.
pub fn encode_fault(
    context: &RpcContext<'_>,
    fault: &ControlFault,
    caller: Option<&Identity>,
) -> Encoded {
    let mut document = Fields::default()
        .text("RequestId", context.request_id)
        .text("HostId", context.host)
        .text("Code", fault.code())
        .text("Message", fault.to_string())
        // The real APIs give an address of their troubleshooter, which knows nothing of us.
        .text("Recommend", "");
    if let ControlFault::NoPermission { action, denial, .. } = fault {
        document = document.fields("AccessDeniedDetail", detail(action, *denial, caller));
    }
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(context, status, "Error", &document)
}

/// The first word of a fault's code, for logs and metrics: `EntityNotExist`.
pub fn family(fault: &ControlFault) -> &'static str {
    match fault {
        ControlFault::NotExist { .. } => "EntityNotExist",
        ControlFault::AlreadyExists { .. } => "EntityAlreadyExists",
        ControlFault::DeleteConflict { .. } | ControlFault::DefaultVersion => "DeleteConflict",
        ControlFault::LimitExceeded { .. } => "LimitExceeded",
        ControlFault::InvalidParameter { .. }
        | ControlFault::RepeatedParameter { .. }
        | ControlFault::UnexpectedParameter { .. }
        | ControlFault::SessionPolicyGrammar { .. }
        | ControlFault::SessionPolicySize { .. } => "InvalidParameter",
        ControlFault::MissingParameter { .. } | ControlFault::NotSigned => "MissingParameter",
        ControlFault::MalformedPolicyDocument { .. } => "MalformedPolicyDocument",
        ControlFault::NoPermission { .. } => "NoPermission",
        ControlFault::UnknownVersion { .. } => "InvalidVersion",
        ControlFault::UnknownAction { .. } => "InvalidAction",
        ControlFault::IncompleteSignature { .. } => "IncompleteSignature",
        ControlFault::SignatureDoesNotMatch { .. } => "SignatureDoesNotMatch",
        ControlFault::UnknownAccessKey | ControlFault::InactiveAccessKey => "InvalidAccessKeyId",
        ControlFault::SecurityToken(_) => "InvalidSecurityToken",
        ControlFault::MalformedTimestamp | ControlFault::TimestampExpired { .. } => {
            "InvalidTimeStamp"
        }
        ControlFault::NonceUsed => "SignatureNonceUsed",
        ControlFault::Throttled => "Throttling",
        ControlFault::Internal => "InternalError",
    }
}

/// Whose policies refused whom, named as in the errors of OSS.
fn detail<'a>(action: &'a str, denial: Denial, caller: Option<&'a Identity>) -> Fields<'a> {
    let mut fields = Fields::default().text("AuthAction", action);
    if let Some(caller) = caller {
        let (kind, name) = match &caller.principal {
            Principal::Root => ("Account", caller.account.id.clone()),
            Principal::User { id, .. } => ("SubUser", id.to_string()),
            Principal::AssumedRole { role, session, .. } => {
                ("AssumedRoleUser", format!("{role}:{session}"))
            }
            _ => ("Account", String::new()),
        };
        fields = fields
            .text("AuthPrincipalDisplayName", name)
            .text("AuthPrincipalOwnerId", &caller.account.id)
            .text("AuthPrincipalType", kind);
    }
    let kind = if denial.is_explicit() {
        "ExplicitDeny"
    } else {
        "ImplicitDeny"
    };
    let policy = match denial {
        Denial::SessionDenies | Denial::SessionSilent => "SessionPolicy",
        Denial::TrustDenies | Denial::TrustSilent => "AssumeRolePolicy",
        Denial::CallerGone
        | Denial::OtherAccount
        | Denial::PolicyDenies
        | Denial::PoliciesSilent
        | Denial::SessionKey
        | Denial::RootAssumes => "AccountLevelIdentityBasedPolicy",
    };
    fields
        .text("NoPermissionType", kind)
        .text("PolicyType", policy)
}

pub(super) fn answer(
    context: &RpcContext<'_>,
    status: StatusCode,
    root: &str,
    document: &Fields<'_>,
) -> Encoded {
    let (kind, text) = match context.format {
        Format::Json => ("application/json;charset=utf-8", document.json()),
        Format::Xml => ("text/xml;charset=utf-8", document.xml(root)),
    };
    let body = Bytes::from(text);
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    let headers = &mut head.headers;
    headers.insert(DATE, http_date(context.now));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // Answers to GET may hold secrets.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(context.request_id) {
        headers.insert("x-acs-request-id", id);
    }
    Encoded { head, body }
}
