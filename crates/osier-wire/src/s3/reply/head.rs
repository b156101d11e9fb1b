//! The headers that every answer of S3 has, and the names of the others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ETAG, SERVER};
use http::{HeaderName, StatusCode};
use osier_types::{Checksum, ETag, Encrypted, ObjectChecksum, ObjectLock};

use super::ReplyContext;
pub(super) use crate::reply::head::Head;
use crate::reply::head::header_names;

header_names! {
    REQUEST_ID = "x-amz-request-id";
    ID_2 = "x-amz-id-2";
    VERSION_ID = "x-amz-version-id";
    SOURCE_VERSION_ID = "x-amz-copy-source-version-id";
    DELETE_MARKER = "x-amz-delete-marker";
    STORAGE_CLASS = "x-amz-storage-class";
    TAGGING_COUNT = "x-amz-tagging-count";
    PARTS_COUNT = "x-amz-mp-parts-count";
    BUCKET_REGION = "x-amz-bucket-region";
    ENCRYPTION = "x-amz-server-side-encryption";
    ENCRYPTION_KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id";
    ENCRYPTION_CONTEXT = "x-amz-server-side-encryption-context";
    BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled";
    CUSTOMER_ALGORITHM = "x-amz-server-side-encryption-customer-algorithm";
    CUSTOMER_KEY_MD5 = "x-amz-server-side-encryption-customer-key-md5";
    LOCK_MODE = "x-amz-object-lock-mode";
    LOCK_UNTIL = "x-amz-object-lock-retain-until-date";
    LEGAL_HOLD = "x-amz-object-lock-legal-hold";
    CHECKSUM_TYPE = "x-amz-checksum-type";
    CHECKSUM_ALGORITHM = "x-amz-checksum-algorithm";
}

/// A head with the headers that every answer has, but `Content-Length`.
pub(super) fn head(context: &ReplyContext<'_>, status: StatusCode) -> Head {
    let mut head = Head::begin(context, status);
    head.fixed(SERVER, "AmazonS3");
    head.text(REQUEST_ID, context.request_id);
    head.text(ID_2, context.request_id);
    head
}

/// As S3 writes a tag: in lower case, without quotes.
pub(super) fn tag(etag: &ETag) -> String {
    etag.as_str().to_ascii_lowercase()
}

impl Head {
    pub(super) fn s3_etag(&mut self, etag: &ETag) {
        self.owned(ETAG, format!("\"{}\"", tag(etag)));
    }

    /// How an object is encrypted.
    pub(super) fn s3_encryption(&mut self, encryption: Option<&Encrypted>) {
        match encryption {
            None => {}
            Some(Encrypted::Managed) => self.fixed(ENCRYPTION, "AES256"),
            Some(Encrypted::Kms(kms)) => {
                self.fixed(ENCRYPTION, "aws:kms");
                if let Some(key_id) = &kms.key_id {
                    self.text(ENCRYPTION_KEY_ID, key_id);
                }
                if let Some(context) = &kms.context {
                    self.text(ENCRYPTION_CONTEXT, context);
                }
                if kms.bucket_key {
                    self.fixed(BUCKET_KEY, "true");
                }
            }
            Some(Encrypted::Customer { key_md5 }) => {
                self.fixed(CUSTOMER_ALGORITHM, "AES256");
                self.owned(CUSTOMER_KEY_MD5, STANDARD.encode(key_md5));
            }
        }
    }

    pub(super) fn s3_lock(&mut self, lock: &ObjectLock) {
        if let Some(retention) = &lock.retention {
            self.fixed(LOCK_MODE, retention.mode.as_str());
            self.owned(LOCK_UNTIL, retention.until.iso8601());
        }
        if let Some(hold) = lock.legal_hold {
            self.fixed(LEGAL_HOLD, hold.as_str());
        }
    }

    /// The checksum of a body or a part.
    pub(super) fn checksum(&mut self, checksum: Option<&Checksum>) {
        if let Some(checksum) = checksum {
            let name = HeaderName::from_static(checksum.algorithm().header());
            self.owned(name, checksum.base64());
        }
    }

    /// The checksum of an object, and what it covers.
    pub(super) fn object_checksum(&mut self, checksum: Option<&ObjectChecksum>) {
        if let Some(checksum) = checksum {
            let name = HeaderName::from_static(checksum.checksum.algorithm().header());
            self.owned(name, checksum.text());
            self.fixed(CHECKSUM_TYPE, checksum.kind().name());
        }
    }
}
