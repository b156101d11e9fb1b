//! Documents of encryption, retention and legal hold.

use bytes::Bytes;
use osier_types::{BucketEncryption, BucketLock, LegalHold, Retention, RetentionPeriod};

use super::document;

pub(in crate::s3::reply) fn encryption(encryption: &BucketEncryption) -> Bytes {
    document("ServerSideEncryptionConfiguration", 512, |xml| {
        xml.within("Rule", |xml| {
            let bucket_key = match encryption {
                BucketEncryption::Managed => {
                    xml.within("ApplyServerSideEncryptionByDefault", |xml| {
                        xml.text("SSEAlgorithm", "AES256");
                    });
                    false
                }
                BucketEncryption::Kms(kms) => {
                    xml.within("ApplyServerSideEncryptionByDefault", |xml| {
                        xml.text("SSEAlgorithm", "aws:kms");
                        if let Some(key_id) = &kms.key_id {
                            xml.text("KMSMasterKeyID", key_id);
                        }
                    });
                    kms.bucket_key
                }
            };
            xml.flag("BucketKeyEnabled", bucket_key);
        });
    })
}

pub(in crate::s3::reply) fn object_lock(lock: &BucketLock) -> Bytes {
    document("ObjectLockConfiguration", 512, |xml| {
        xml.text("ObjectLockEnabled", "Enabled");
        if let Some(default) = lock.default {
            xml.within("Rule", |xml| {
                xml.within("DefaultRetention", |xml| {
                    xml.text("Mode", default.mode.as_str());
                    match default.period {
                        RetentionPeriod::Days(days) => xml.number("Days", days),
                        RetentionPeriod::Years(years) => xml.number("Years", years),
                    }
                });
            });
        }
    })
}

pub(in crate::s3::reply) fn retention(retention: &Retention) -> Bytes {
    document("Retention", 256, |xml| {
        xml.text("Mode", retention.mode.as_str());
        xml.time("RetainUntilDate", retention.until);
    })
}

pub(in crate::s3::reply) fn legal_hold(hold: LegalHold) -> Bytes {
    document("LegalHold", 256, |xml| xml.text("Status", hold.as_str()))
}
