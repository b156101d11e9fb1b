//! Encryption at rest: what a request asks for, and what is told of an object.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Md5;

/// How a new object is to be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Under a key that the server keeps for itself: `AES256`.
    Managed,
    /// Under a named master key: `KMS` in OSS, `aws:kms` in S3.
    Kms(KmsEncryption),
    /// Under a key that comes with every request and is never kept (SSE-C).
    Customer(CustomerKey),
}

/// What is said of encryption under a named master key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsEncryption {
    /// Which; absent means the default one. Told of objects it is never absent.
    pub key_id: Option<String>,
    /// `x-amz-server-side-encryption-context` as sent. Data keys are bound to it.
    pub context: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`: kept and told, changes nothing here.
    pub bucket_key: bool,
}

/// What objects get when their request says nothing of encryption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BucketEncryption {
    /// As [`Encryption::Managed`].
    Managed,
    /// As [`Encryption::Kms`].
    Kms(KmsEncryption),
}

/// How an object is encrypted, as answers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encrypted {
    /// Under a key that the server keeps for itself.
    Managed,
    /// Under a named master key.
    Kms(KmsEncryption),
    /// Under the key that came with this very request.
    Customer {
        /// Its digest, as sent.
        key_md5: Md5,
    },
}

/// A client's own 256-bit key. It is never printed, and wiped from memory after use.
#[derive(Clone)]
pub struct CustomerKey {
    key: Zeroizing<[u8; 32]>,
    md5: Md5,
}

impl CustomerKey {
    /// A key with its digest, which the caller has compared.
    pub fn new(key: [u8; 32], md5: Md5) -> Self {
        Self {
            key: Zeroizing::new(key),
            md5,
        }
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Its digest.
    pub fn md5(&self) -> Md5 {
        self.md5
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CustomerKey")
    }
}

/// Looks at all bytes, wherever the first difference is.
impl PartialEq for CustomerKey {
    fn eq(&self, other: &Self) -> bool {
        let differing = self.key.iter().zip(other.key.iter());
        differing.fold(0, |seen, (one, two)| seen | (one ^ two)) == 0
    }
}

impl Eq for CustomerKey {}

impl Encrypted {
    /// Whether the entity tag is the MD5 of the object, as clients expect of `AES256`.
    pub fn has_md5_etag(&self) -> bool {
        matches!(self, Self::Managed)
    }
}

impl From<BucketEncryption> for Encryption {
    fn from(encryption: BucketEncryption) -> Self {
        match encryption {
            BucketEncryption::Managed => Self::Managed,
            BucketEncryption::Kms(kms) => Self::Kms(kms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_printed() {
        let key = CustomerKey::new([0x41; 32], [0; 16]);
        assert_eq!(format!("{key:?}"), "CustomerKey");
        assert_eq!(key, key.clone());
        assert_ne!(key, CustomerKey::new([0x42; 32], [0; 16]));
    }
}
