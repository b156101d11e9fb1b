//! Heads and documents of answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use http::{Response, StatusCode};
use osier_auth::Identity;
use osier_auth::control::AwsService;
use osier_auth::directory::{ControlFault, ControlOutcome};
use osier_types::Timestamp;

use super::{Asked, Operation, outcome, words};
use crate::rpc::Fields;
use crate::{Encoded, http_date};

/// What an answer needs to know of its request and of the server.
#[derive(Clone, Copy, Debug)]
pub struct AwsContext<'a> {
    /// A UUID.
    pub request_id: &'a str,
    /// When the answer is written.
    pub now: Timestamp,
}

/// The answer to an operation that went well; `outcomes` are those of what was asked, in order.
pub fn encode(
    context: &AwsContext<'_>,
    operation: &Operation,
    asked: &Asked,
    outcomes: &[ControlOutcome],
    caller: &Identity,
) -> Encoded {
    let action = operation.action;
    let result = format!("{action}Result");
    let mut document = Fields::default();
    if operation.answers {
        document = document.named(result, outcome::result(operation, asked, outcomes, caller));
    }
    let document = document.fields(
        "ResponseMetadata",
        Fields::default().text("RequestId", context.request_id),
    );
    let root = format!("{action}Response");
    let text = document.xml_in(&root, namespace(operation.service));
    answer(context, StatusCode::OK, text)
}

/// The answer to a request that was refused or failed. `operation` and `caller` are given as
/// far as they were known.
pub fn encode_fault(
    context: &AwsContext<'_>,
    fault: &ControlFault,
    operation: Option<&Operation>,
    caller: Option<&Identity>,
) -> Encoded {
    let words = words(fault, operation, caller);
    let to_blame = if words.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let error = Fields::default()
        .text("Type", to_blame)
        .text("Code", words.code)
        .text("Message", &words.message);
    let document = Fields::default()
        .fields("Error", error)
        .text("RequestId", context.request_id);
    let service = operation.map_or(AwsService::Sts, |operation| operation.service);
    let text = document.xml_in("ErrorResponse", namespace(service));
    answer(context, words.status, text)
}

const fn namespace(service: AwsService) -> &'static str {
    match service {
        AwsService::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        AwsService::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
    }
}

fn answer(context: &AwsContext<'_>, status: StatusCode, text: String) -> Encoded {
    let body = Bytes::from(text);
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    let headers = &mut head.headers;
    headers.insert(DATE, http_date(context.now));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // Answers may hold secrets.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(context.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    Encoded { head, body }
}
