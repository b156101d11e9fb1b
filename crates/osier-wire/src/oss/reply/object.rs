//! The headers of objects, as reads tell them.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, HeaderValue, LAST_MODIFIED};
use osier_types::{Encrypted, ObjectInfo, ObjectKind, ObjectLock, ObjectRead, percent_encode};

use super::head::{
    CRC64, ENCRYPTION, ENCRYPTION_KEY_ID, Head, LEGAL_HOLD, LOCK_MODE, LOCK_UNTIL,
    NEXT_APPEND_POSITION, OBJECT_TYPE, SEALED_TIME, STORAGE_CLASS, SYMLINK_TARGET, TAGGING_COUNT,
    VERSION_ID,
};

impl Head {
    /// All headers of a read: `GetObject` and `HeadObject`.
    pub(super) fn object_read(&mut self, read: &ObjectRead) {
        let info = &read.info;
        self.read(read);
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
        self.user_meta("x-oss-meta-", &info.user_meta, Cow::Borrowed);
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
        self.user_meta("x-oss-meta-", &info.user_meta, Cow::Borrowed);
    }
}
