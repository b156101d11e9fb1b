//! The head of an answer, and how to add headers to it.
//!
//! Values that no header can carry (control characters in what a client once
//! stored) are left out rather than failing the answer.

use std::cell::RefCell;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use osier_types::{ETag, Timestamp, VersionId};

use super::{Encoded, ReplyContext};
use crate::date;

/// One constant per header that answers carry.
macro_rules! header_names {
    ($($name:ident = $text:literal;)+) => {
        $(pub(crate) const $name: http::HeaderName = http::HeaderName::from_static($text);)+
    };
}
pub(crate) use header_names;

header_names! {
    CONTENT_MD5 = "content-md5";
}

/// An answer in the making.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Head {
    /// With what every dialect tells.
    pub(crate) fn begin(context: &ReplyContext<'_>, status: StatusCode) -> Self {
        let mut headers = HeaderMap::with_capacity(24);
        headers.insert(DATE, http_date(context.now));
        Self { status, headers }
    }

    pub(crate) fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.headers.insert(name, HeaderValue::from_static(value));
    }

    pub(crate) fn number(&mut self, name: HeaderName, value: u64) {
        self.headers.insert(name, HeaderValue::from(value));
    }

    pub(crate) fn text(&mut self, name: HeaderName, value: &str) {
        self.bytes(name, value.as_bytes());
    }

    /// As `text`, without a copy.
    pub(crate) fn owned(&mut self, name: HeaderName, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
    }

    pub(crate) fn bytes(&mut self, name: HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.headers.insert(name, value);
        }
    }

    pub(crate) fn etag(&mut self, etag: &ETag) {
        let mut quoted = String::with_capacity(etag.as_str().len() + 2);
        quoted.push('"');
        quoted.push_str(etag.as_str());
        quoted.push('"');
        self.owned(ETAG, quoted);
    }

    pub(crate) fn date(&mut self, name: HeaderName, time: Timestamp) {
        self.owned(name, date::http_date(time));
    }

    pub(crate) fn version(&mut self, name: HeaderName, version: Option<VersionId>) {
        match version {
            None => {}
            Some(VersionId::Null) => self.fixed(name, "null"),
            Some(version) => self.text(name, &version.to_string()),
        }
    }

    /// The answer without a body. 204 and 304 have no length, all else is 0 bytes long unless
    /// a length is set already (reads of objects).
    pub(crate) fn bare(mut self) -> Encoded {
        let lengthless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status);
        if !lengthless && !self.headers.contains_key(CONTENT_LENGTH) {
            self.fixed(CONTENT_LENGTH, "0");
        }
        self.finish(Bytes::new())
    }

    /// The answer with a document.
    pub(crate) fn document(mut self, media_type: &'static str, document: Bytes) -> Encoded {
        self.fixed(CONTENT_TYPE, media_type);
        self.length(&document);
        self.finish(document)
    }

    pub(crate) fn xml(self, document: Bytes) -> Encoded {
        self.document("application/xml", document)
    }

    pub(crate) fn length(&mut self, document: &Bytes) {
        self.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    }

    pub(crate) fn finish(self, body: Bytes) -> Encoded {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = self.status;
        head.headers = self.headers;
        Encoded { head, body }
    }
}

/// The value of `Date` for this time. Remembers the last second, since all answers of a second
/// share it.
pub fn http_date(now: Timestamp) -> HeaderValue {
    thread_local! {
        static LAST: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
    }
    let second = now.as_seconds();
    LAST.with_borrow_mut(|last| match last {
        Some((known, value)) if *known == second => value.clone(),
        _ => {
            let value = HeaderValue::try_from(date::http_date(now))
                .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"));
            *last = Some((second, value.clone()));
            value
        }
    })
}
