//! Master keys, and the envelopes in which they keep the data keys of objects.
//!
//! Where master keys come from is not known here: whoever opens the store hands them in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::aead::{Aad, Nonce};
use osier_types::limits::KMS_KEY_ID_CHARS_MAX;
use osier_types::{BucketEncryption, CustomerKey, Encrypted, Fault, FaultKind, KmsEncryption, Rng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::rows::unreadable;
use crate::seal::{DataKey, cipher, derived};

/// The master key of objects that ask for no named one.
const MANAGED: &str = "managed";
/// The named master key of objects that name none.
const DEFAULT: &str = "default";
/// Bytes of a sealed data key: the key and a tag.
const WRAPPED: usize = 48;
const PURPOSE: &[u8] = b"osier data key 1";

/// Master keys by name, each in one or more versions. The newest version wraps new data keys,
/// older ones open those of before.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MasterKeys(BTreeMap<String, BTreeMap<u32, Zeroizing<[u8; 32]>>>);

/// Names and versions only: keys are never printed.
impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let versions = self
            .0
            .iter()
            .map(|(id, all)| (id, all.keys().collect::<Vec<_>>()));
        out.debug_map().entries(versions).finish()
    }
}

/// Text that is no list of master keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct InvalidMasterKeys {
    /// Counted from 1; the line itself may hold a secret.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// A master key of this name exists, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyRefused {
    /// There is one.
    #[error("there is a master key of this name already")]
    Exists,
    /// There is none.
    #[error("there is no master key of this name")]
    Missing,
    /// The name is none.
    #[error("a name has 1 to 256 letters, digits and `-_./:`")]
    Name,
}

impl MasterKeys {
    /// The two keys that every store needs, made anew.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut keys = Self::default();
        for id in [MANAGED, DEFAULT] {
            keys.push(id, rng);
        }
        keys
    }

    /// Reads lines of name, version and key in 64 hexadecimal digits; `#` begins a comment.
    ///
    /// # Errors
    /// With the number of the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKeys> {
        let mut keys = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |what| InvalidMasterKeys {
                line: index.saturating_add(1),
                what,
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let [id, version, secret] = words[..] else {
                return Err(wrong("a name, a version and a key are needed"));
            };
            if !is_name(id) {
                return Err(wrong("this can't be a name"));
            }
            let version = version
                .parse()
                .ok()
                .filter(|version| *version > 0)
                .ok_or_else(|| wrong("a version is a number from 1"))?;
            let secret =
                key_of_hex(secret).ok_or_else(|| wrong("a key has 64 hexadecimal digits"))?;
            let versions = keys.0.entry(id.to_owned()).or_default();
            if versions.insert(version, secret).is_some() {
                return Err(wrong("this version was there before"));
            }
        }
        for id in [MANAGED, DEFAULT] {
            if !keys.0.contains_key(id) {
                return Err(InvalidMasterKeys {
                    line: text.lines().count(),
                    what: "the keys `managed` and `default` are needed",
                });
            }
        }
        Ok(keys)
    }

    /// What [`Self::parse`] reads. It holds every key.
    pub fn to_text(&self) -> Zeroizing<String> {
        let lines: usize = self.0.values().map(BTreeMap::len).sum();
        // Of this size from the beginning, so that no part of it is left in freed memory.
        let mut text = Zeroizing::new(String::with_capacity(lines * (KMS_KEY_ID_CHARS_MAX + 80)));
        for (id, versions) in &self.0 {
            for (version, secret) in versions {
                // Writing to a String can't fail.
                let _ = write!(text, "{id} {version} ");
                for byte in secret.iter() {
                    let _ = write!(text, "{byte:02x}");
                }
                text.push('\n');
            }
        }
        text
    }

    /// Every key's name, and its newest version.
    pub fn list(&self) -> Vec<(&str, u32)> {
        self.0
            .iter()
            .filter_map(|(id, versions)| Some((id.as_str(), *versions.last_key_value()?.0)))
            .collect()
    }

    /// Makes a key of a new name.
    ///
    /// # Errors
    /// When there is one, or the name is none.
    pub fn add(&mut self, id: &str, rng: &dyn Rng) -> Result<(), MasterKeyRefused> {
        if !is_name(id) {
            return Err(MasterKeyRefused::Name);
        }
        if self.0.contains_key(id) {
            return Err(MasterKeyRefused::Exists);
        }
        self.push(id, rng);
        Ok(())
    }

    /// Makes a new version of a key, for all that is written from now on.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn rotate(&mut self, id: &str, rng: &dyn Rng) -> Result<(), MasterKeyRefused> {
        if !self.0.contains_key(id) {
            return Err(MasterKeyRefused::Missing);
        }
        self.push(id, rng);
        Ok(())
    }

    /// Every version of every key.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().flat_map(|(id, versions)| {
            let id = id.as_str();
            versions.keys().map(move |version| (id, *version))
        })
    }

    /// What tells a key from others of its name, and not the key.
    pub(crate) fn mark(&self, id: &str, version: u32) -> Result<Option<[u8; 16]>, Fault> {
        self.version(id, version)
            .map(|secret| derived(secret, id.as_bytes(), b"osier master key mark 1"))
            .transpose()
    }

    fn push(&mut self, id: &str, rng: &dyn Rng) {
        let versions = self.0.entry(id.to_owned()).or_default();
        let newest = versions.last_key_value().map_or(0, |(version, _)| *version);
        versions.insert(
            newest.saturating_add(1),
            Zeroizing::new(*DataKey::random(rng).bytes()),
        );
    }

    fn newest(&self, id: &str) -> Option<(u32, &[u8; 32])> {
        let (version, secret) = self.0.get(id)?.last_key_value()?;
        Some((*version, secret))
    }

    fn version(&self, id: &str, version: u32) -> Option<&[u8; 32]> {
        self.0.get(id)?.get(&version).map(|secret| &**secret)
    }
}

fn is_name(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    (1..=KMS_KEY_ID_CHARS_MAX).contains(&id.len()) && id.chars().all(allowed)
}

fn key_of_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    }
    Some(key)
}

/// How an object is encrypted, as its row says: a data key that only the right master key opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    scheme: Scheme,
    /// Of the key that wraps: no two envelopes share one, whatever the master key.
    salt: [u8; 16],
    wrapped: Vec<u8>,
}

/// Which key opens an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Scheme {
    /// This version of the master key for objects that name none.
    Managed(u32),
    /// This version of a named master key; the name is always there.
    Kms(u32, KmsEncryption),
    /// A client's own, which is not kept.
    Customer,
}

/// The key to wrap with, as a request names it.
#[derive(Clone, Copy)]
pub(crate) enum WrapUnder<'a> {
    Managed,
    Kms(&'a KmsEncryption),
    Customer(&'a CustomerKey),
}

impl Envelope {
    /// Puts `key` into an envelope that opens only for `owner`, the object's place.
    pub(crate) fn wrap(
        key: &DataKey,
        under: WrapUnder<'_>,
        keys: &MasterKeys,
        owner: &[u8],
        rng: &dyn Rng,
    ) -> Result<Self, Fault> {
        let no_key = |id: &str| FaultKind::NoSuchMasterKey {
            key_id: id.chars().take(200).collect(),
        };
        let (scheme, master) = match under {
            WrapUnder::Managed => {
                let (version, master) = keys.newest(MANAGED).ok_or_else(|| no_key(MANAGED))?;
                (Scheme::Managed(version), master)
            }
            WrapUnder::Kms(kms) => {
                let id = kms.key_id.as_deref().unwrap_or(DEFAULT);
                // The key of those that name none is nobody's to name.
                let (version, master) = keys
                    .newest(id)
                    .filter(|_| id != MANAGED)
                    .ok_or_else(|| no_key(id))?;
                let kms = KmsEncryption {
                    key_id: Some(id.to_owned()),
                    ..kms.clone()
                };
                (Scheme::Kms(version, kms), master)
            }
            WrapUnder::Customer(key) => (Scheme::Customer, key.bytes()),
        };
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        // Of this size from the beginning, so that no copy is left in freed memory.
        let mut wrapped = Zeroizing::new(Vec::with_capacity(WRAPPED));
        wrapped.extend_from_slice(key.bytes());
        cipher(master, &salt, PURPOSE)?
            .seal_in_place_append_tag(once(), Aad::from(scheme.bound_to(owner)), &mut *wrapped)
            .map_err(|_| Fault::new(FaultKind::Internal))?;
        Ok(Self {
            scheme,
            salt,
            wrapped: wrapped.to_vec(),
        })
    }

    /// Opens the envelope. `customer` is the key that came with the request.
    ///
    /// # Errors
    /// When the key is missing, wrong or of no use, or the envelope is damaged.
    pub(crate) fn open(
        &self,
        customer: Option<&CustomerKey>,
        keys: &MasterKeys,
        owner: &[u8],
    ) -> Result<DataKey, Fault> {
        let absent = |id: &str, version: u32| {
            Fault::new(FaultKind::Unavailable {
                reason: format!("version {version} of the master key `{id}` is not here"),
            })
        };
        let (master, refusal) = match (&self.scheme, customer) {
            (Scheme::Customer, None) => return Err(FaultKind::CustomerKeyMissing.into()),
            (Scheme::Customer, Some(key)) => (key.bytes(), FaultKind::CustomerKeyWrong.into()),
            (_, Some(_)) => return Err(FaultKind::CustomerKeyUnwanted.into()),
            (Scheme::Managed(version), None) => (
                keys.version(MANAGED, *version)
                    .ok_or_else(|| absent(MANAGED, *version))?,
                unreadable("the envelope of a data key does not open"),
            ),
            (Scheme::Kms(version, kms), None) => {
                let id = kms.key_id.as_deref().unwrap_or(DEFAULT);
                (
                    keys.version(id, *version)
                        .ok_or_else(|| absent(id, *version))?,
                    unreadable("the envelope of a data key does not open"),
                )
            }
        };
        let mut wrapped = Zeroizing::new(self.wrapped.clone());
        let opened = cipher(master, &self.salt, PURPOSE)?.open_in_place(
            once(),
            Aad::from(self.scheme.bound_to(owner)),
            &mut wrapped,
        );
        let opened = opened
            .ok()
            .and_then(|key| <&[u8; 32]>::try_from(&*key).ok());
        opened
            .map(|key| DataKey::new(Zeroizing::new(*key)))
            .ok_or(refusal)
    }

    /// What is told of it to whoever has its key; of a client's own key only with that key.
    pub(crate) fn told(&self, customer: Option<&CustomerKey>) -> Option<Encrypted> {
        match &self.scheme {
            Scheme::Managed(_) => Some(Encrypted::Managed),
            Scheme::Kms(_, kms) => Some(Encrypted::Kms(kms.clone())),
            Scheme::Customer => customer.map(|key| Encrypted::Customer { key_md5: key.md5() }),
        }
    }

    /// Whether the entity tag of what is so encrypted is the MD5 of its bytes.
    pub(crate) fn has_md5_etag(&self) -> bool {
        matches!(self.scheme, Scheme::Managed(_))
    }

    /// The same request again, for a copy onto itself; `None` for a client's own key.
    pub(crate) fn again(&self) -> Option<BucketEncryption> {
        match &self.scheme {
            Scheme::Managed(_) => Some(BucketEncryption::Managed),
            Scheme::Kms(_, kms) => Some(BucketEncryption::Kms(kms.clone())),
            Scheme::Customer => None,
        }
    }
}

impl Scheme {
    /// What an envelope is bound to: the object's place and, for KMS, the context it was given.
    fn bound_to(&self, owner: &[u8]) -> Vec<u8> {
        let mut bound = owner.to_vec();
        if let Self::Kms(_, kms) = self {
            let context = kms.context.as_deref().unwrap_or_default();
            bound.extend_from_slice(context.as_bytes());
            bound.extend_from_slice(&(context.len() as u64).to_be_bytes());
        }
        bound
    }
}

/// The nonce of a key that is used once.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
