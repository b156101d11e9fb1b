//! The headers of objects, as reads tell them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPIRES, HeaderName, HeaderValue, LAST_MODIFIED,
};
use osier_types::{
    ContentHeaders, Encrypted, HeaderBytes, Md5, ObjectInfo, ObjectKind, ObjectLock, ObjectRead,
    percent_encode,
};

use super::head::{
    CONTENT_MD5, CRC64, ENCRYPTION, ENCRYPTION_KEY_ID, Head, LEGAL_HOLD, LOCK_MODE, LOCK_UNTIL,
    NEXT_APPEND_POSITION, OBJECT_TYPE, SEALED_TIME, STORAGE_CLASS, SYMLINK_TARGET, TAGGING_COUNT,
    VERSION_ID,
};

impl Head {
    /// All headers of a read: `GetObject` and `HeadObject`.
    pub(super) fn object_read(&mut self, read: &ObjectRead) {
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
        self.fixed(OBJECT_TYPE, info.kind.as_str());
        self.fixed(STORAGE_CLASS, info.storage_class.as_str());
        if let Some(crc64) = info.crc64 {
            self.number(CRC64, crc64);
        }
        if info.kind == ObjectKind::Normal
            && let Some(md5) = &info.md5
        {
            self.content_md5(md5);
        }
        self.version(VERSION_ID, info.version);
        let tags = info.tags.as_slice().len();
        if tags > 0 {
            self.headers.insert(TAGGING_COUNT, HeaderValue::from(tags));
        }
        match (info.kind, info.sealed) {
            (_, Some(sealed)) => self.date(SEALED_TIME, sealed),
            (ObjectKind::Appendable, None) => self.number(NEXT_APPEND_POSITION, info.size),
            (_, None) => {}
        }
        self.encryption(info.encryption.as_ref());
        self.lock(&info.lock);
        self.content_headers(&info.headers, &read.overrides);
        self.user_meta(&info.user_meta);
        self.persistent(&info.persistent_headers);
    }

    /// How an object is encrypted. OSS has no words for keys of the client's own.
    pub(super) fn encryption(&mut self, encryption: Option<&Encrypted>) {
        match encryption {
            None | Some(Encrypted::Customer { .. }) => {}
            Some(Encrypted::Managed) => self.fixed(ENCRYPTION, "AES256"),
            Some(Encrypted::Kms(kms)) => {
                self.fixed(ENCRYPTION, "KMS");
                if let Some(key_id) = &kms.key_id {
                    self.text(ENCRYPTION_KEY_ID, key_id);
                }
            }
        }
    }

    fn lock(&mut self, lock: &ObjectLock) {
        if let Some(retention) = &lock.retention {
            self.fixed(LOCK_MODE, retention.mode.as_str());
            self.owned(LOCK_UNTIL, retention.until.iso8601());
        }
        if let Some(hold) = lock.legal_hold {
            self.fixed(LEGAL_HOLD, hold.as_str());
        }
    }

    /// The few headers of `GetObjectMeta`.
    pub(super) fn object_meta(&mut self, info: &ObjectInfo) {
        self.number(CONTENT_LENGTH, info.size);
        self.etag(&info.etag);
        self.date(LAST_MODIFIED, info.last_modified);
        if let Some(crc64) = info.crc64 {
            self.number(CRC64, crc64);
        }
        self.version(VERSION_ID, info.version);
    }

    /// What `GetSymlink` tells. The target is percent-encoded but for its slashes, so that
    /// clients that don't decode it (alibabacloud-oss-v2) see plain keys as they are.
    pub(super) fn symlink(&mut self, info: &ObjectInfo) {
        self.etag(&info.etag);
        self.date(LAST_MODIFIED, info.last_modified);
        if let Some(target) = &info.symlink_target {
            self.text(SYMLINK_TARGET, &percent_encode(target.as_bytes(), true));
        }
        self.version(VERSION_ID, info.version);
        self.user_meta(&info.user_meta);
    }

    pub(super) fn content_md5(&mut self, md5: &Md5) {
        self.owned(CONTENT_MD5, STANDARD.encode(md5));
    }

    fn content_headers(&mut self, kept: &ContentHeaders, overrides: &ContentHeaders) {
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

    fn user_meta(&mut self, meta: &[(String, HeaderBytes)]) {
        for (name, value) in meta {
            let name = format!("x-oss-meta-{name}");
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                self.bytes(name, value);
            }
        }
    }

    /// Kept headers of any name. They never replace one of ours, and can neither change how
    /// the answer is framed nor grant what the bucket's CORS rules don't.
    fn persistent(&mut self, kept: &[(String, HeaderBytes)]) {
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
