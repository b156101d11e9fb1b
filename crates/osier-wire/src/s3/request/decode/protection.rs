//! Encryption, retention and legal hold: their operations, and their headers on writes.

use md5::{Digest as _, Md5};
use osier_types::limits::KMS_KEY_ID_CHARS_MAX;
use osier_types::{
    BucketEncryption, CustomerKey, Encryption, Fault, FaultKind, KmsEncryption, LegalHold,
    ObjectLock, Op, PutObjectRetention, Retention,
};

use super::headers::bypass_governance;
use crate::request::fields::{Fields, base64_decode, missing};
use crate::request::input::Input;
use crate::s3::request::xml;
use crate::xml::protection::{self, retention_mode, retention_time};

type Decoded = Result<Op, Fault>;

pub(crate) fn put_encryption(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketEncryption {
        bucket: input.bucket()?,
        encryption: xml::encryption(input.document)?,
    })
}

pub(crate) fn put_object_lock(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketObjectLock {
        bucket: input.bucket()?,
        lock: protection::object_lock(
            input.document,
            "ObjectLockConfiguration",
            "ObjectLockEnabled",
        )?,
    })
}

pub(crate) fn put_retention(input: &Input<'_>) -> Decoded {
    Ok(Op::PutObjectRetention(PutObjectRetention {
        object: input.object_ref()?,
        retention: protection::retention(input.document)?,
        bypass_governance: bypass_governance(input.fields())?,
    }))
}

/// The three headers of a customer's key.
#[derive(Clone, Copy)]
pub(crate) struct KeyHeaders {
    algorithm: &'static str,
    key: &'static str,
    md5: &'static str,
}

/// Of the object that the request is about.
pub(crate) const OWN: KeyHeaders = KeyHeaders {
    algorithm: "x-amz-server-side-encryption-customer-algorithm",
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
};

/// Of the source of a copy.
pub(crate) const SOURCE: KeyHeaders = KeyHeaders {
    algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    key: "x-amz-copy-source-server-side-encryption-customer-key",
    md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
};

/// A key of the client's own. Its value never becomes part of a fault.
pub(crate) fn customer_key(
    fields: Fields<'_>,
    names: KeyHeaders,
) -> Result<Option<CustomerKey>, Fault> {
    let algorithm = fields.text(names.algorithm)?;
    let key = fields.text(names.key)?;
    let md5 = fields.text(names.md5)?;
    let (Some(algorithm), Some(key), Some(md5)) = (algorithm, key, md5) else {
        if algorithm.is_none() && key.is_none() && md5.is_none() {
            return Ok(None);
        }
        return Err(wrong_request(
            "a customer's key needs its algorithm, the key and the digest of the key",
        ));
    };
    if algorithm != "AES256" {
        return Err(FaultKind::InvalidEncryptionAlgorithm {
            algorithm: algorithm.chars().take(100).collect(),
        }
        .into());
    }
    let wrong = || {
        Fault::argument(
            names.key,
            "",
            "the secret key was invalid for the specified algorithm",
        )
    };
    let key: [u8; 32] = base64_decode(key.as_bytes())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(wrong)?;
    let digest: [u8; 16] = Md5::digest(key).into();
    let sent = base64_decode(md5.as_bytes()).unwrap_or_default();
    if sent != digest {
        return Err(Fault::argument(
            names.md5,
            "",
            "the calculated MD5 hash of the key did not match the hash that was provided",
        ));
    }
    Ok(Some(CustomerKey::new(key, digest)))
}

/// How a new object is to be encrypted.
pub(crate) fn of_new(fields: Fields<'_>) -> Result<Option<Encryption>, Fault> {
    const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
    const CONTEXT: &str = "x-amz-server-side-encryption-context";
    const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
    let word = fields.text("x-amz-server-side-encryption")?;
    let key_id = fields.text(KEY_ID)?;
    let context = fields.text(CONTEXT)?;
    let customer = customer_key(fields, OWN)?;
    match (word, customer) {
        (Some(_), Some(_)) => Err(wrong_request(
            "a customer's key and a key of the server can't go together",
        )),
        (None, Some(key)) => Ok(Some(Encryption::Customer(key))),
        (None, None) if key_id.is_some() || context.is_some() => {
            Err(wrong_request("x-amz-server-side-encryption is missing"))
        }
        (None, None) => Ok(None),
        (Some(word), None) => {
            let mut encryption = bucket_encryption(word, key_id)?;
            if let BucketEncryption::Kms(kms) = &mut encryption {
                kms.context = context.map(str::to_owned);
                kms.bucket_key = fields.flag(BUCKET_KEY)?;
            }
            Ok(Some(encryption.into()))
        }
    }
}

/// `AES256`, or `aws:kms` with a key.
pub(crate) fn bucket_encryption(
    algorithm: &str,
    key_id: Option<&str>,
) -> Result<BucketEncryption, Fault> {
    match algorithm {
        "AES256" if key_id.is_some() => Err(wrong_request("a master key goes with aws:kms only")),
        "AES256" => Ok(BucketEncryption::Managed),
        "aws:kms" => {
            if key_id.is_some_and(|id| id.chars().count() > KMS_KEY_ID_CHARS_MAX) {
                return Err(wrong_request("the master key's id is too long"));
            }
            Ok(BucketEncryption::Kms(KmsEncryption {
                key_id: key_id.map(str::to_owned),
                ..KmsEncryption::default()
            }))
        }
        other => Err(FaultKind::InvalidEncryptionAlgorithm {
            algorithm: other.chars().take(100).collect(),
        }
        .into()),
    }
}

/// `x-amz-object-lock-*`.
pub(crate) fn lock_of_new(fields: Fields<'_>) -> Result<ObjectLock, Fault> {
    const MODE: &str = "x-amz-object-lock-mode";
    const UNTIL: &str = "x-amz-object-lock-retain-until-date";
    const HOLD: &str = "x-amz-object-lock-legal-hold";
    let retention = match (fields.text(MODE)?, fields.text(UNTIL)?) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(Retention {
            mode: retention_mode(MODE, mode)?,
            until: retention_time(UNTIL, until)?,
        }),
        (mode, _) => return Err(missing(if mode.is_none() { MODE } else { UNTIL })),
    };
    let legal_hold = fields
        .text(HOLD)?
        .map(|word| LegalHold::parse(word).map_err(|_| Fault::argument(HOLD, word, "ON or OFF")))
        .transpose()?;
    Ok(ObjectLock {
        retention,
        legal_hold,
    })
}

fn wrong_request(reason: &str) -> Fault {
    FaultKind::InvalidEncryptionRequest {
        reason: reason.to_owned(),
    }
    .into()
}
