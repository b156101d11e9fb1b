//! The headers of a read that are the same in every dialect.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPIRES, HeaderName, LAST_MODIFIED,
};
use osier_types::{ContentHeaders, HeaderBytes, Md5, ObjectRead};

use super::head::{CONTENT_MD5, Head};

impl Head {
    /// Length, range, tag and date; and the status of a part.
    pub(crate) fn read(&mut self, read: &ObjectRead) {
        let info = &read.info;
        self.fixed(ACCEPT_RANGES, "bytes");
        match read.range {
            None => self.number(CONTENT_LENGTH, info.size),
            Some(range) => {
                self.status = StatusCode::PARTIAL_CONTENT;
                let last = range.end.saturating_sub(1);
                self.text(
                    CONTENT_RANGE,
                    &format!("bytes {}-{last}/{}", range.start, info.size),
                );
                self.number(CONTENT_LENGTH, range.length());
            }
        }
        self.etag(&info.etag);
        self.date(LAST_MODIFIED, info.last_modified);
    }

    pub(crate) fn content_md5(&mut self, md5: &Md5) {
        self.owned(CONTENT_MD5, STANDARD.encode(md5));
    }

    pub(crate) fn content_headers(&mut self, kept: &ContentHeaders, overrides: &ContentHeaders) {
        let mut put = |name: HeaderName, kept: &Option<HeaderBytes>, over: &Option<HeaderBytes>| {
            if let Some(value) = over.as_ref().or(kept.as_ref()) {
                self.bytes(name, value);
            }
        };
        put(CACHE_CONTROL, &kept.cache_control, &overrides.cache_control);
        put(
            CONTENT_DISPOSITION,
            &kept.content_disposition,
            &overrides.content_disposition,
        );
        put(
            CONTENT_ENCODING,
            &kept.content_encoding,
            &overrides.content_encoding,
        );
        put(
            CONTENT_LANGUAGE,
            &kept.content_language,
            &overrides.content_language,
        );
        put(CONTENT_TYPE, &kept.content_type, &overrides.content_type);
        put(EXPIRES, &kept.expires, &overrides.expires);
        if !self.headers.contains_key(CONTENT_TYPE) {
            self.fixed(CONTENT_TYPE, "application/octet-stream");
        }
    }

    /// Under names that begin with `prefix`, with the values that `told` makes of those kept.
    pub(crate) fn user_meta<'a>(
        &mut self,
        prefix: &str,
        meta: &'a [(String, HeaderBytes)],
        told: impl Fn(&'a [u8]) -> Cow<'a, [u8]>,
    ) {
        for (name, value) in meta {
            let name = format!("{prefix}{name}");
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                self.bytes(name, &told(value));
            }
        }
    }

    /// Kept headers of any name. They never replace one of ours, and can neither change how
    /// the answer is framed nor grant what the bucket's CORS rules don't.
    pub(crate) fn persistent(&mut self, kept: &[(String, HeaderBytes)]) {
        for (name, value) in kept {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                continue;
            };
            if !self.headers.contains_key(&name) && !is_reserved(name.as_str()) {
                self.bytes(name, value);
            }
        }
    }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("x-oss-")
        || name.starts_with("x-amz-")
        || name.starts_with("access-control-")
        || name.starts_with("proxy-")
        || matches!(
            name,
            "connection"
                | "content-length"
                | "content-range"
                | "keep-alive"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}
