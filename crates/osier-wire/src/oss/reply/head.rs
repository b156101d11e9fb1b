//! The head of an answer: the headers that every answer has, and how to add others.
//!
//! Values that no header can carry (control characters in what a client once
//! stored) are left out rather than failing the answer.

use std::cell::RefCell;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, HeaderValue, SERVER};
use http::{HeaderMap, Response, StatusCode};
use osier_types::{ETag, Timestamp, VersionId};

use super::{Encoded, ReplyContext, date};

/// One constant per header of OSS that answers carry.
macro_rules! oss_headers {
    ($($name:ident = $text:literal;)+) => {
        $(pub(super) const $name: HeaderName = HeaderName::from_static($text);)+
    };
}

oss_headers! {
    REQUEST_ID = "x-oss-request-id";
    SERVER_TIME = "x-oss-server-time";
    EC = "x-oss-ec";
    ERR = "x-oss-err";
    CRC64 = "x-oss-hash-crc64ecma";
    VERSION_ID = "x-oss-version-id";
    SOURCE_VERSION_ID = "x-oss-copy-source-version-id";
    DELETE_MARKER = "x-oss-delete-marker";
    OBJECT_TYPE = "x-oss-object-type";
    STORAGE_CLASS = "x-oss-storage-class";
    TAGGING_COUNT = "x-oss-tagging-count";
    NEXT_APPEND_POSITION = "x-oss-next-append-position";
    SEALED_TIME = "x-oss-sealed-time";
    SYMLINK_TARGET = "x-oss-symlink-target";
    ENCRYPTION = "x-oss-server-side-encryption";
    ENCRYPTION_KEY_ID = "x-oss-server-side-encryption-key-id";
    WORM_ID = "x-oss-worm-id";
    LOCK_MODE = "x-oss-object-worm-mode";
    LOCK_UNTIL = "x-oss-object-worm-retain-until-date";
    LEGAL_HOLD = "x-oss-object-worm-legal-hold";
    CONTENT_MD5 = "content-md5";
}

/// An answer in the making.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl Head {
    /// With the headers that every answer has, but `Content-Length`.
    pub(super) fn new(context: &ReplyContext<'_>, status: StatusCode) -> Self {
        let mut head = Self {
            status,
            headers: HeaderMap::with_capacity(24),
        };
        head.fixed(SERVER, "AliyunOSS");
        head.headers.insert(DATE, http_date(context.now));
        head.text(REQUEST_ID, context.request_id);
        head.number(SERVER_TIME, context.elapsed_ms);
        head
    }

    pub(super) fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.headers.insert(name, HeaderValue::from_static(value));
    }

    pub(super) fn number(&mut self, name: HeaderName, value: u64) {
        self.headers.insert(name, HeaderValue::from(value));
    }

    pub(super) fn text(&mut self, name: HeaderName, value: &str) {
        self.bytes(name, value.as_bytes());
    }

    /// As `text`, without a copy.
    pub(super) fn owned(&mut self, name: HeaderName, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
    }

    pub(super) fn bytes(&mut self, name: HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.headers.insert(name, value);
        }
    }

    pub(super) fn etag(&mut self, etag: &ETag) {
        let mut quoted = String::with_capacity(etag.as_str().len() + 2);
        quoted.push('"');
        quoted.push_str(etag.as_str());
        quoted.push('"');
        self.owned(ETAG, quoted);
    }

    pub(super) fn date(&mut self, name: HeaderName, time: Timestamp) {
        self.owned(name, date::http_date(time));
    }

    pub(super) fn version(&mut self, name: HeaderName, version: Option<VersionId>) {
        match version {
            None => {}
            Some(VersionId::Null) => self.fixed(name, "null"),
            Some(version) => self.text(name, &version.to_string()),
        }
    }

    /// The answer without a body. 204 and 304 have no length, all else is 0 bytes long unless
    /// a length is set already (reads of objects).
    pub(super) fn bare(mut self) -> Encoded {
        let lengthless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status);
        if !lengthless && !self.headers.contains_key(CONTENT_LENGTH) {
            self.fixed(CONTENT_LENGTH, "0");
        }
        self.finish(Bytes::new())
    }

    /// The answer with a document.
    pub(super) fn document(mut self, media_type: &'static str, document: Bytes) -> Encoded {
        self.fixed(CONTENT_TYPE, media_type);
        self.length(&document);
        self.finish(document)
    }

    pub(super) fn xml(self, document: Bytes) -> Encoded {
        self.document("application/xml", document)
    }

    pub(super) fn length(&mut self, document: &Bytes) {
        self.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    }

    pub(super) fn finish(self, body: Bytes) -> Encoded {
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
