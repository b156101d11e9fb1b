//! Which key an object's bytes are encrypted under: from what a request or the bucket says to a
//! data key in its envelope, and back.

use std::borrow::Borrow;

use bytes::Bytes;
use osier_engine::{Batch, Family, TableId};
use osier_types::{
    BucketEncryption, BucketName, CustomerKey, ETag, Encrypted, Encryption, Fault, FaultKind, Md5,
    ObjectKey, ObjectKind, Outcome,
};

use crate::Store;
use crate::failure::fault;
use crate::rows::{self, Object};
use crate::seal::DataKey;
use crate::state::Bucket;
use crate::vault::{Envelope, MasterKeys, WrapUnder};
use serde::{Deserialize, Serialize};

/// A data key, and the envelope that goes into the row.
pub(crate) struct Protection {
    pub(crate) key: DataKey,
    pub(crate) envelope: Envelope,
    /// As answers tell it.
    pub(crate) told: Option<Encrypted>,
}

/// Which master keys were used here: a row of the system table, so that another key of the same
/// name is noticed before anything is encrypted under it.
const MARKS: &[u8] = b"master-keys";

/// One version of a master key, told from others by a digest of it.
#[derive(Serialize, Deserialize)]
struct MasterKeyMark {
    id: String,
    version: u32,
    mark: [u8; 16],
}

/// Master keys that don't go with what is stored.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeysUnfit {
    /// One is not there any more.
    #[error("version {1} of the master key `{0}` is missing: what it encrypts could not be read")]
    Missing(String, u32),
    /// One is another key than before.
    #[error("version {1} of the master key `{0}` is not the key that was used before")]
    Another(String, u32),
    /// What is stored can't be read.
    #[error("the list of master keys in use can't be read")]
    Store(#[from] Fault),
}

/// The parts of a protection that may not be there.
pub(crate) trait OptionalProtection {
    fn key(&self) -> Option<&DataKey>;
    fn told(&self) -> Option<Encrypted>;
    /// As rows keep it.
    fn envelope(&self) -> Option<Box<Envelope>>;
    /// Whether the entity tag is the MD5 of the bytes.
    fn has_md5_etag(&self) -> bool;
}

impl<P: Borrow<Protection>> OptionalProtection for Option<P> {
    fn key(&self) -> Option<&DataKey> {
        self.as_ref().map(|protection| &protection.borrow().key)
    }

    fn told(&self) -> Option<Encrypted> {
        self.as_ref()
            .and_then(|protection| protection.borrow().told.clone())
    }

    fn envelope(&self) -> Option<Box<Envelope>> {
        self.as_ref()
            .map(|protection| Box::new(protection.borrow().envelope.clone()))
    }

    fn has_md5_etag(&self) -> bool {
        self.as_ref()
            .is_none_or(|protection| protection.borrow().envelope.has_md5_etag())
    }
}

impl Store {
    /// Uses these master keys from now on, and remembers which they are, but not the keys. Without
    /// any, objects can be encrypted under clients' own keys only.
    ///
    /// # Errors
    /// When one is missing that was here before, or is not the same.
    pub async fn adopt_master_keys(&mut self, keys: MasterKeys) -> Result<(), MasterKeysUnfit> {
        let mut marks = self.master_key_marks().await?;
        for mark in &marks {
            let (id, version) = (&mark.id, mark.version);
            match keys.mark(id, version)? {
                None => return Err(MasterKeysUnfit::Missing(id.clone(), version)),
                Some(now) if now != mark.mark => {
                    return Err(MasterKeysUnfit::Another(id.clone(), version));
                }
                Some(_) => {}
            }
        }
        let known = marks.len();
        for (id, version) in keys.versions() {
            let is_known = |mark: &MasterKeyMark| mark.id == id && mark.version == version;
            if !marks.iter().any(is_known)
                && let Some(mark) = keys.mark(id, version)?
            {
                let id = id.to_owned();
                marks.push(MasterKeyMark { id, version, mark });
            }
        }
        if marks.len() > known {
            let mut batch = Batch::default();
            let row = (
                Family::Body,
                Bytes::from_static(MARKS),
                rows::encode(&marks)?,
            );
            batch.puts.push(row);
            let kept = self.engine.commit(TableId::SYSTEM, MARKS, batch).await;
            kept.map_err(|error| fault(error, None))?;
        }
        self.master_keys = keys;
        Ok(())
    }

    /// Whether master keys were used here before.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn knows_master_keys(&self) -> Result<bool, Fault> {
        Ok(!self.master_key_marks().await?.is_empty())
    }

    async fn master_key_marks(&self) -> Result<Vec<MasterKeyMark>, Fault> {
        let raw = self.engine.get(TableId::SYSTEM, Family::Body, MARKS).await;
        match raw.map_err(|error| fault(error, None))? {
            None => Ok(Vec::new()),
            Some(raw) => rows::decode(&raw),
        }
    }

    /// A new data key for an object, if its request or its bucket wants it encrypted.
    pub(crate) fn protection(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        asked: Option<&Encryption>,
    ) -> Result<Option<Protection>, Fault> {
        let wanted = asked
            .cloned()
            .or_else(|| bucket.record().encryption.clone().map(Encryption::from));
        wanted
            .map(|wanted| self.wrap(bucket, key, &wanted, DataKey::random(&*self.rng)))
            .transpose()
    }

    /// This data key in an envelope for this object.
    pub(crate) fn wrap(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        wanted: &Encryption,
        data_key: DataKey,
    ) -> Result<Protection, Fault> {
        let (under, customer) = match wanted {
            Encryption::Managed => (WrapUnder::Managed, None),
            Encryption::Kms(kms) => (WrapUnder::Kms(kms), None),
            Encryption::Customer(key) => (WrapUnder::Customer(key), Some(key)),
        };
        let owner = owner(bucket, key);
        let envelope = Envelope::wrap(&data_key, under, &self.master_keys, &owner, &*self.rng)?;
        Ok(Protection {
            key: data_key,
            told: envelope.told(customer),
            envelope,
        })
    }

    /// The data key of what a row says; `None` when it is not encrypted.
    ///
    /// # Errors
    /// When a client's own key is missing, wrong or of no use, or the master key is not there.
    pub(crate) fn unlock(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        envelope: Option<&Envelope>,
        customer: Option<&CustomerKey>,
    ) -> Result<Option<DataKey>, Fault> {
        match (envelope, customer) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(FaultKind::CustomerKeyUnwanted.into()),
            (Some(envelope), customer) => envelope
                .open(customer, &self.master_keys, &owner(bucket, key))
                .map(Some),
        }
    }

    /// As [`Self::unlock`], with the envelope of before.
    pub(crate) fn unlock_again(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        envelope: Option<&Envelope>,
        customer: Option<&CustomerKey>,
    ) -> Result<Option<Protection>, Fault> {
        let data_key = self.unlock(bucket, key, envelope, customer)?;
        Ok(data_key.zip(envelope).map(|(key, envelope)| Protection {
            key,
            told: envelope.told(customer),
            envelope: envelope.clone(),
        }))
    }

    /// What is kept as the digest of bytes: their MD5, or where that must not be told, chance.
    pub(crate) fn tag_bytes(&self, protection: Option<&Protection>, md5: Md5) -> Md5 {
        if protection.has_md5_etag() {
            return md5;
        }
        let mut tag = [0; 16];
        self.rng.fill(&mut tag);
        tag
    }

    /// Sets what an object of these bytes tells of them under this protection.
    pub(crate) fn describe(&self, object: &mut Object, protection: Option<&Protection>, md5: Md5) {
        object.etag = ETag::of_md5(&self.tag_bytes(protection, md5));
        object.md5 = Some(md5).filter(|_| protection.has_md5_etag());
        object.more.encryption = protection.envelope();
    }

    pub(crate) fn bucket_encryption(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let encryption = self.bucket(name)?.encryption.clone();
        encryption
            .map(Outcome::BucketEncryption)
            .ok_or_else(|| FaultKind::NoSuchConfig(osier_types::ConfigKind::Encryption).into())
    }

    pub(crate) async fn put_bucket_encryption(
        &self,
        name: &BucketName,
        encryption: BucketEncryption,
    ) -> Result<Outcome, Fault> {
        // A key that is not there would fail every write from now on.
        let bucket = self.open_bucket(name)?;
        let probe = ObjectKey::parse(b"probe").map_err(|_| Fault::new(FaultKind::Internal))?;
        let wanted = Encryption::from(encryption.clone());
        self.wrap(&bucket, &probe, &wanted, DataKey::random(&*self.rng))?;
        self.change_bucket(name, move |record| record.encryption = Some(encryption))
            .await
    }
}

/// The place that an envelope belongs to: a row moved elsewhere does not open.
fn owner(bucket: &Bucket, key: &ObjectKey) -> Vec<u8> {
    let mut owner = bucket.table.0.to_be_bytes().to_vec();
    owner.extend_from_slice(key.as_bytes());
    owner
}

/// Whether a copy of `source` needs its MD5, which is not known.
pub(crate) fn needs_md5(source: &Object, protection: Option<&Protection>) -> bool {
    protection.has_md5_etag()
        && source.md5.is_none()
        && source.more.encryption.is_some()
        && source.kind == ObjectKind::Normal
}
