//! Faults as OSS writes them: the error document, its headers, and the words.
//!
//! `words` is total without a wildcard: a new kind does not compile until it
//! has a status, a code and a sentence here.

mod detail;
#[cfg(test)]
mod tests;
mod words;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LAST_MODIFIED, RETRY_AFTER,
};
use http::{HeaderValue, Method, StatusCode};
use osier_types::{Fault, FaultKind};

pub use words::{FaultWords, words};

use super::head::{DELETE_MARKER, EC, ERR, Head, NEXT_APPEND_POSITION, VERSION_ID, head};
use crate::xml::write::Xml;
use crate::{Encoded, ReplyContext};

/// A document larger than this leaves out what is only for the eye when it has to travel in a
/// header: clients and proxies limit those (Python at 64 KiB, many proxies at 8 KiB).
const HEADER_DOCUMENT_BYTES_MAX: usize = 4 * 1024;
/// Such a document still has the message, if that is not longer than this.
const HEADER_MESSAGE_BYTES_MAX: usize = 1024;

pub(super) fn encode(context: &ReplyContext<'_>, fault: &Fault, method: &Method) -> Encoded {
    let words = words(&fault.kind);
    let mut head = head(context, words.status);
    head.fixed(EC, words.ec);
    kind_headers(&mut head, &fault.kind);
    if words.status == StatusCode::NOT_MODIFIED {
        return head.bare();
    }
    let whole = document(context, fault, &words, true);
    if method == Method::HEAD {
        let short = if whole.len() > HEADER_DOCUMENT_BYTES_MAX {
            document(context, fault, &words, false)
        } else {
            whole
        };
        if short.len() <= HEADER_DOCUMENT_BYTES_MAX {
            head.text(ERR, &STANDARD.encode(&short));
        }
        head.fixed(CONTENT_TYPE, "application/xml");
        // What the same request as GET would be answered with is not said: some clients wait
        // for that many bytes.
        head.fixed(CONTENT_LENGTH, "0");
        return head.finish(Bytes::new());
    }
    head.xml(whole)
}

fn kind_headers(head: &mut Head, kind: &FaultKind) {
    match kind {
        FaultKind::NoSuchKey {
            marker: Some(version),
        } => {
            head.fixed(DELETE_MARKER, "true");
            head.version(VERSION_ID, Some(*version));
        }
        FaultKind::VersionIsMarker { version } => {
            head.fixed(DELETE_MARKER, "true");
            head.version(VERSION_ID, Some(*version));
            head.fixed(ALLOW, "DELETE");
        }
        FaultKind::PositionNotEqualToLength { length } => {
            head.number(NEXT_APPEND_POSITION, *length);
        }
        FaultKind::NotModified {
            etag,
            last_modified,
            ..
        } => {
            head.etag(etag);
            head.date(LAST_MODIFIED, *last_modified);
        }
        FaultKind::InvalidRange { length } => {
            head.text(CONTENT_RANGE, &format!("bytes */{length}"));
        }
        FaultKind::Unavailable { .. } => {
            head.headers.insert(RETRY_AFTER, HeaderValue::from(1));
        }
        _ => {}
    }
}

/// `complete` says whether code-specific elements are in it.
fn document(
    context: &ReplyContext<'_>,
    fault: &Fault,
    words: &FaultWords,
    complete: bool,
) -> Bytes {
    let message = if complete || words.message.len() <= HEADER_MESSAGE_BYTES_MAX {
        &words.message
    } else {
        "The details are too long for a header."
    };
    Xml::sized("Error", 1024, |xml| {
        xml.text("Code", words.code);
        xml.text("Message", message);
        xml.text("RequestId", context.request_id);
        xml.text("HostId", context.host);
        if complete {
            detail::write(xml, fault);
        }
        xml.text("EC", words.ec);
        if words.documented {
            xml.text(
                "RecommendDoc",
                &format!("https://api.aliyun.com/troubleshoot?q={}", words.ec),
            );
        }
    })
}
