//! The nouns of osier: buckets, keys, versions, operations, outcomes, faults.
//!
//! Everything above this crate speaks these words, whatever dialect a client
//! used. No I/O, no async, no HTTP: a dialect turns bytes into an [`Op`] and an
//! [`Outcome`] or a [`Fault`] back into bytes.
#![warn(missing_docs)]

mod access;
mod bucket;
mod bucket_access;
mod checksum;
mod clock;
mod config;
mod cors;
mod digest;
mod encryption;
mod fault;
mod key;
pub mod limits;
mod lock;
mod object;
mod op;
mod outcome;
mod path;
mod process;
mod query;
mod range;
mod time;
mod version;

pub use access::{ACTIONS, Access, AccessKind, Resource, action};
pub use bucket::{
    BucketAcl, BucketName, BucketVersioning, DataRedundancy, InvalidBucketName, StorageClass,
    UnknownWord,
};
pub use bucket_access::{
    ALIAS_END, AccessPoint, AccessPointName, BucketAccess, InvalidAccessPointName, ObjectOwnership,
    PublicAccessBlock, RefererConfig, RefererDenial,
};
pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumPlan, ChecksumType, ObjectChecksum};
pub use clock::{Clock, ManualClock, Rng, SeededRng};
pub use config::{ConfigKind, ConfigSupport};
pub use cors::{CorsConfig, CorsRule, Preflight};
pub use digest::{ChecksumPromise, Crc64, ETag, Expected, Md5};
pub use encryption::{BucketEncryption, CustomerKey, Encrypted, Encryption, KmsEncryption};
pub use fault::{
    AccessDenial, AuthorizationPlace, DenialKind, DeniedBy, DeniedPrincipal, Fault, FaultKind,
    PictureFault, PolicyDenial, PrincipalKind, SignatureMismatch,
};
pub use key::{InvalidObjectKey, ObjectKey};
pub use lock::{
    BucketLock, BucketWorm, DefaultRetention, LegalHold, LockedBy, ObjectLock, Retention,
    RetentionMode, RetentionPeriod, WormState,
};
pub use object::{
    ContentHeaders, HeaderBytes, InvalidTags, NewObject, ObjectAcl, ObjectInfo, ObjectKind, Owner,
    ReadConditions, ResponseOverrides, Tag, Tags, WriteConditions,
};
pub use op::*;
pub use outcome::*;
pub use path::PlainPath;
pub use process::*;
pub use query::{Query, QueryPair, percent_decode, percent_encode};
pub use range::{ByteRange, RangeRequest, RangeSpec, ResolvedRange};
pub use time::{InvalidTime, Timestamp};
pub use version::{InvalidVersionId, VersionId};
