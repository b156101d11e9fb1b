//! Faults as S3 writes them: the error document, its headers, and the words.
//!
//! `words` is total without a wildcard: a new kind does not compile until it
//! has a status, a code and a sentence here.

mod detail;
mod words;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LAST_MODIFIED, RETRY_AFTER,
};
use http::{HeaderValue, Method, StatusCode};
use osier_types::{Fault, FaultKind};

pub use words::{FaultWords, words};

use super::head::{DELETE_MARKER, Head, VERSION_ID, head};
use crate::xml::write::Xml;
use crate::{Encoded, ReplyContext};

pub(super) fn encode(context: &ReplyContext<'_>, fault: &Fault, method: &Method) -> Encoded {
    if let FaultKind::NotModified { condition, .. } = &fault.kind
        && method != Method::GET
        && method != Method::HEAD
    {
        // Of a copy's source: whoever writes is not told "not modified".
        let fault = FaultKind::PreconditionFailed { condition };
        return encode(context, &fault.into(), method);
    }
    let words = words(&fault.kind);
    let mut head = head(context, words.status);
    kind_headers(&mut head, &fault.kind);
    if words.status == StatusCode::NOT_MODIFIED {
        return head.bare();
    }
    if method == Method::HEAD {
        // There is nowhere to put the document: SDKs go by the status.
        head.fixed(CONTENT_TYPE, "application/xml");
        head.fixed(CONTENT_LENGTH, "0");
        return head.finish(Bytes::new());
    }
    head.xml(document(context, fault, &words))
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
        FaultKind::NotModified {
            etag,
            last_modified,
            ..
        } => {
            head.s3_etag(etag);
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

fn document(context: &ReplyContext<'_>, fault: &Fault, words: &FaultWords) -> Bytes {
    Xml::sized("Error", 1024, |xml| {
        xml.text("Code", words.code);
        xml.text("Message", &words.message);
        detail::write(xml, fault);
        xml.text("RequestId", context.request_id);
        xml.text("HostId", context.request_id);
    })
}
