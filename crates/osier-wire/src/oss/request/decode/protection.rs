//! Encryption, retention and legal hold: their operations, and their headers on writes.

use osier_types::limits::KMS_KEY_ID_CHARS_MAX;
use osier_types::{
    BucketEncryption, Encryption, Fault, FaultKind, KmsEncryption, LegalHold, ObjectLock, Op,
    PutObjectRetention, Retention,
};

use crate::oss::request::xml;
use crate::request::fields::{Fields, missing};
use crate::request::input::Input;
use crate::xml::protection::{self, retention_mode, retention_time};

type Decoded = Result<Op, Fault>;

pub(crate) fn put_encryption(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketEncryption {
        bucket: input.bucket()?,
        encryption: xml::encryption(input.document)?,
    })
}

pub(crate) fn put_object_worm(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketObjectLock {
        bucket: input.bucket()?,
        lock: protection::object_lock(
            input.document,
            "ObjectWormConfiguration",
            "ObjectWormEnabled",
        )?,
    })
}

pub(crate) fn initiate_worm(input: &Input<'_>) -> Decoded {
    Ok(Op::InitiateBucketWorm {
        bucket: input.bucket()?,
        days: protection::worm_days(input.document, "InitiateWormConfiguration")?,
    })
}

pub(crate) fn abort_worm(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::AbortBucketWorm { bucket })
}

pub(crate) fn complete_worm(input: &Input<'_>) -> Decoded {
    Ok(Op::CompleteBucketWorm {
        bucket: input.bucket()?,
        worm_id: input.required("wormId")?.to_owned(),
    })
}

pub(crate) fn extend_worm(input: &Input<'_>) -> Decoded {
    Ok(Op::ExtendBucketWorm {
        bucket: input.bucket()?,
        worm_id: input.required("wormId")?.to_owned(),
        days: protection::worm_days(input.document, "ExtendWormConfiguration")?,
    })
}

pub(crate) fn worm(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketWorm { bucket })
}

pub(crate) fn put_retention(input: &Input<'_>) -> Decoded {
    Ok(Op::PutObjectRetention(PutObjectRetention {
        object: input.object_ref()?,
        retention: protection::retention(input.document)?,
        bypass_governance: input.fields().bypass_governance()?,
    }))
}

impl Fields<'_> {
    /// `x-oss-bypass-governance-retention`.
    pub(crate) fn bypass_governance(self) -> Result<bool, Fault> {
        self.flag("x-oss-bypass-governance-retention")
    }

    /// `x-oss-server-side-encryption` and its companions.
    pub(crate) fn encryption(self) -> Result<Option<Encryption>, Fault> {
        let key_id = self.text("x-oss-server-side-encryption-key-id")?;
        let data = self.text("x-oss-server-side-data-encryption")?;
        match self.text("x-oss-server-side-encryption")? {
            Some(word) => Ok(Some(bucket_encryption(word, key_id, data)?.into())),
            None if key_id.is_none() && data.is_none() => Ok(None),
            None => Err(FaultKind::InvalidEncryptionRequest {
                reason: "x-oss-server-side-encryption is missing".to_owned(),
            }
            .into()),
        }
    }

    /// `x-oss-object-worm-*`.
    pub(crate) fn object_lock(self) -> Result<ObjectLock, Fault> {
        const MODE: &str = "x-oss-object-worm-mode";
        const UNTIL: &str = "x-oss-object-worm-retain-until-date";
        const HOLD: &str = "x-oss-object-worm-legal-hold";
        let retention = match (self.text(MODE)?, self.text(UNTIL)?) {
            (None, None) => None,
            (Some(mode), Some(until)) => Some(Retention {
                mode: retention_mode(MODE, mode)?,
                until: retention_time(UNTIL, until)?,
            }),
            (mode, _) => {
                let name = if mode.is_none() { MODE } else { UNTIL };
                return Err(missing(name));
            }
        };
        let legal_hold = self
            .text(HOLD)?
            .map(|word| {
                LegalHold::parse(word).map_err(|_| Fault::argument(HOLD, word, "ON or OFF"))
            })
            .transpose()?;
        Ok(ObjectLock {
            retention,
            legal_hold,
        })
    }
}

/// `AES256`, or `KMS` with a key. SM4 is the other cipher of OSS, and is not here.
pub(crate) fn bucket_encryption(
    algorithm: &str,
    key_id: Option<&str>,
    data: Option<&str>,
) -> Result<BucketEncryption, Fault> {
    let unknown = |word: &str| FaultKind::InvalidEncryptionAlgorithm {
        algorithm: word.chars().take(100).collect(),
    };
    let wrong = |reason: &str| {
        Err(FaultKind::InvalidEncryptionRequest {
            reason: reason.to_owned(),
        }
        .into())
    };
    match algorithm {
        "AES256" if key_id.is_some() => wrong("a master key goes with KMS only"),
        "AES256" if data.is_some() => wrong("a data encryption goes with KMS only"),
        "AES256" => Ok(BucketEncryption::Managed),
        "KMS" => {
            if let Some(data) = data.filter(|data| *data != "AES256") {
                return Err(unknown(data).into());
            }
            if key_id.is_some_and(|id| id.chars().count() > KMS_KEY_ID_CHARS_MAX) {
                return wrong("the master key's id is too long");
            }
            Ok(BucketEncryption::Kms(KmsEncryption {
                key_id: key_id.map(str::to_owned),
                ..KmsEncryption::default()
            }))
        }
        other => Err(unknown(other).into()),
    }
}
