//! Documents of encryption, retention and legal hold.

use bytes::Bytes;
use osier_types::{
    BucketEncryption, BucketLock, BucketWorm, LegalHold, Retention, RetentionPeriod, WormState,
};

use super::Xml;

pub(in crate::oss::reply) fn encryption(encryption: &BucketEncryption) -> Bytes {
    Xml::document("ServerSideEncryptionRule", |xml| {
        xml.within("ApplyServerSideEncryptionByDefault", |xml| {
            default_encryption(xml, encryption);
        });
    })
}

/// What `GetBucketEncryption` and `GetBucketInfo` tell.
pub(super) fn default_encryption(xml: &mut Xml, encryption: &BucketEncryption) {
    match encryption {
        BucketEncryption::Managed => xml.text("SSEAlgorithm", "AES256"),
        BucketEncryption::Kms(kms) => {
            xml.text("SSEAlgorithm", "KMS");
            if let Some(key_id) = &kms.key_id {
                xml.text("KMSMasterKeyID", key_id);
            }
        }
    }
}

pub(in crate::oss::reply) fn object_worm(lock: &BucketLock) -> Bytes {
    Xml::document("ObjectWormConfiguration", |xml| {
        xml.text("ObjectWormEnabled", "Enabled");
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

pub(in crate::oss::reply) fn worm(worm: &BucketWorm, state: WormState) -> Bytes {
    Xml::document("WormConfiguration", |xml| {
        xml.text("WormId", &worm.id);
        xml.text("State", state.as_str());
        xml.number("RetentionPeriodInDays", worm.days);
        xml.time("CreationDate", worm.created);
        // When it lapses unless it is locked before.
        xml.time("ExpirationDate", worm.expires());
    })
}

pub(in crate::oss::reply) fn retention(retention: &Retention) -> Bytes {
    Xml::document("Retention", |xml| {
        xml.text("Mode", retention.mode.as_str());
        xml.time("RetainUntilDate", retention.until);
    })
}

pub(in crate::oss::reply) fn legal_hold(hold: LegalHold) -> Bytes {
    Xml::document("LegalHold", |xml| xml.text("Status", hold.as_str()))
}
