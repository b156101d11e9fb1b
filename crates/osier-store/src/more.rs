//! Fields that rows were given after their first layout.
//!
//! A row that has one of them is of layout 2: all that layout 1 says, then a list of fields. A row
//! without any is written as ever, so that data of before is read as it is. A field that this
//! program does not know makes the row unreadable: it may say that the bytes are encrypted, or
//! that they must be kept.

use std::sync::Arc;

use osier_types::{
    BucketAccess, BucketEncryption, BucketLock, BucketWorm, Checksum, ChecksumPlan, Fault,
    FaultKind, ObjectChecksum, ObjectLock, ObjectOwnership, ProcessingConfig, Style,
};
use serde::{Deserialize, Serialize};

use crate::rows::{AccountRecord, Object, PartRecord, Record, UploadRecord, unreadable};
use crate::state::BucketRecord;
use crate::vault::Envelope;

/// Declares the later fields of one kind of row. Their order is a file format: only append.
macro_rules! later_fields {
    ($(#[$doc:meta])* $name:ident by $field:ident {
        $($(#[$field_doc:meta])* $slot:ident: $variant:ident($type:ty),)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub(crate) $slot: Option<$type>,)*
        }

        #[derive(Serialize, Deserialize)]
        enum $field {
            $($variant($type),)*
        }

        impl $name {
            /// As bytes behind a row; none when no field is set.
            fn encode(&self) -> Result<Vec<u8>, Fault> {
                let mut fields: Vec<$field> = Vec::new();
                $(fields.extend(self.$slot.clone().map($field::$variant));)*
                if fields.is_empty() {
                    return Ok(Vec::new());
                }
                postcard::to_stdvec(&fields)
                    .map_err(|error| Fault::new(FaultKind::Internal).because(error))
            }

            /// From the bytes behind a row.
            fn decode(bytes: &[u8]) -> Result<Self, Fault> {
                let (fields, rest) = postcard::take_from_bytes::<Vec<$field>>(bytes)
                    .map_err(|error| unreadable(&error.to_string()))?;
                if !rest.is_empty() {
                    return Err(unreadable("more than its fields"));
                }
                let mut all = Self::default();
                for field in fields {
                    match field {
                        $($field::$variant(value) => all.$slot = Some(value),)*
                    }
                }
                Ok(all)
            }
        }
    };
}

later_fields! {
    /// Of an object.
    ObjectMore by ObjectField {
        /// How its bytes are encrypted.
        encryption: Encryption(Box<Envelope>),
        /// Retention and legal hold.
        lock: Lock(ObjectLock),
        /// Of how many parts it was put together; their sizes are in a `Body` row.
        parts: Parts(u16),
        /// The checksum that an S3 client sent, or that was reckoned for it.
        checksum: Checksum(ObjectChecksum),
        /// The id of the upload that S3 completed to it: the same completion may come again.
        upload: Upload([u8; 16]),
    }
}

later_fields! {
    /// Of an upload: what its object will get.
    UploadMore by UploadField {
        /// How its parts are encrypted.
        encryption: Encryption(Box<Envelope>),
        /// Retention and legal hold.
        lock: Lock(ObjectLock),
        /// The checksum that the object will have.
        checksum: Checksum(ChecksumPlan),
    }
}

later_fields! {
    /// Of a part.
    PartMore by PartField {
        /// The checksum that an S3 client sent, or that was reckoned for it.
        checksum: Checksum(Checksum),
    }
}

later_fields! {
    /// Of a bucket.
    BucketMore by BucketField {
        /// What objects get that say nothing of encryption.
        encryption: Encryption(BucketEncryption),
        /// Object lock.
        lock: Lock(BucketLock),
        /// The retention policy.
        worm: Worm(BucketWorm),
        /// Policy, referers, access points and the like.
        access: Access(Arc<BucketAccess>),
        /// Whether access-control lists count.
        ownership: Ownership(ObjectOwnership),
    }
}

/// A row's value, with what its later fields are.
pub(crate) trait Row: Sized {
    /// The later fields as bytes; none when there are none.
    fn later(&self) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    /// Takes the later fields in.
    fn take_later(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let _ = bytes;
        Err(unreadable("a row of this kind has no later fields"))
    }
}

/// A delete marker has no object, and no later fields.
impl Row for Record {
    fn later(&self) -> Result<Vec<u8>, Fault> {
        self.object
            .as_ref()
            .map_or(Ok(Vec::new()), |object| object.more.encode())
    }

    fn take_later(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let object: &mut Object = self
            .object
            .as_mut()
            .ok_or_else(|| unreadable("a delete marker has later fields"))?;
        object.more = ObjectMore::decode(bytes)?;
        Ok(())
    }
}

impl Row for UploadRecord {
    fn later(&self) -> Result<Vec<u8>, Fault> {
        self.more.encode()
    }

    fn take_later(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.more = UploadMore::decode(bytes)?;
        Ok(())
    }
}

impl Row for BucketRecord {
    fn later(&self) -> Result<Vec<u8>, Fault> {
        BucketMore {
            encryption: self.encryption.clone(),
            lock: self.lock,
            worm: self.worm.clone(),
            access: Some(Arc::clone(&self.access))
                .filter(|access| **access != BucketAccess::default()),
            ownership: self.ownership,
        }
        .encode()
    }

    fn take_later(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let BucketMore {
            encryption,
            lock,
            worm,
            access,
            ownership,
        } = BucketMore::decode(bytes)?;
        self.encryption = encryption;
        self.lock = lock;
        self.worm = worm;
        self.access = access.unwrap_or_default();
        self.ownership = ownership;
        Ok(())
    }
}

impl Row for PartRecord {
    fn later(&self) -> Result<Vec<u8>, Fault> {
        self.more.encode()
    }

    fn take_later(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.more = PartMore::decode(bytes)?;
        Ok(())
    }
}

impl Row for AccountRecord {}
impl Row for Style {}
impl Row for ProcessingConfig {}
impl<T> Row for Vec<T> {}
