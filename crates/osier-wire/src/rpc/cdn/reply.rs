//! Heads and documents of the CDN's answers.

use http::StatusCode;
use osier_cdn::{CdnFault, CdnOutcome};

use super::outcome;
use crate::Encoded;
use crate::rpc::RpcContext;
use crate::rpc::document::Fields;
use crate::rpc::reply::answer;

/// The answer to an operation that went well.
pub fn encode_cdn(context: &RpcContext<'_>, action: &str, outcome: &CdnOutcome) -> Encoded {
    let document = Fields::default().text("RequestId", context.request_id);
    let document = outcome::write(document, outcome, context.now);
    let root = format!("{action}Response");
    answer(context, StatusCode::OK, &root, &document)
}

/// The answer to an operation that was refused or failed.
pub fn encode_cdn_fault(context: &RpcContext<'_>, fault: &CdnFault) -> Encoded {
    let document = Fields::default()
        .text("RequestId", context.request_id)
        .text("HostId", context.host)
        .text("Code", fault.code())
        .text("Message", fault.to_string())
        .text("Recommend", "");
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(context, status, "Error", &document)
}
