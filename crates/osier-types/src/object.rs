//! Objects: what is set when they are written and told when they are read.

use serde::{Deserialize, Serialize};

use crate::bucket::words;
use crate::limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX};
use crate::{
    Crc64, ETag, Encrypted, Encryption, Md5, ObjectChecksum, ObjectKey, ObjectLock, StorageClass,
    Timestamp, VersionId,
};

/// The value of a header as the client sent it: mostly ASCII, sometimes raw UTF-8 or Latin-1.
pub type HeaderBytes = Vec<u8>;

words! {
    /// Who may use an object without further permission.
    #[derive(Default)]
    ObjectAcl {
        /// As the bucket says.
        #[default]
        Default = "default",
        /// Only the owner.
        Private = "private",
        /// Everybody may read.
        PublicRead = "public-read",
        /// Everybody may read and write.
        PublicReadWrite = "public-read-write",
    }
}

words! {
    /// How an object came to be (`x-oss-object-type`).
    ObjectKind {
        /// In one piece.
        Normal = "Normal",
        /// From parts.
        Multipart = "Multipart",
        /// By appending.
        Appendable = "Appendable",
        /// A link to another key.
        Symlink = "Symlink",
    }
}

/// The account that owns something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Account id: 16 digits.
    pub id: String,
    /// What people call it.
    pub display_name: String,
}

/// Standard response headers kept with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<HeaderBytes>,
    /// `Content-Disposition`.
    pub content_disposition: Option<HeaderBytes>,
    /// `Content-Encoding`.
    pub content_encoding: Option<HeaderBytes>,
    /// `Content-Language`.
    pub content_language: Option<HeaderBytes>,
    /// `Content-Type`; objects without one answer `application/octet-stream`.
    pub content_type: Option<HeaderBytes>,
    /// `Expires`.
    pub expires: Option<HeaderBytes>,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 128 characters.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

/// Checked tags: unique keys, allowed characters, not too many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(Vec<Tag>);

/// Why a set of tags was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// More than allowed.
    #[error("more than {0} tags")]
    TooMany(usize),
    /// Empty, too long or with a character outside letters, digits, space and `+-=._:/@`.
    #[error("tag key or value `{0}` is not allowed")]
    Text(String),
    /// The same key twice.
    #[error("tag key `{0}` appears twice")]
    Duplicate(String),
}

impl Tags {
    /// Checks a set of at most `max` tags.
    ///
    /// # Errors
    /// When a rule is broken.
    pub fn new(tags: Vec<Tag>, max: usize) -> Result<Self, InvalidTags> {
        if tags.len() > max {
            return Err(InvalidTags::TooMany(max));
        }
        let allowed = |text: &str| {
            text.chars()
                .all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c))
        };
        for (index, tag) in tags.iter().enumerate() {
            let key_chars = tag.key.chars().count();
            if key_chars == 0 || key_chars > TAG_KEY_CHARS_MAX || !allowed(&tag.key) {
                return Err(InvalidTags::Text(tag.key.chars().take(200).collect()));
            }
            if tag.value.chars().count() > TAG_VALUE_CHARS_MAX || !allowed(&tag.value) {
                return Err(InvalidTags::Text(tag.value.chars().take(300).collect()));
            }
            if tags.iter().take(index).any(|other| other.key == tag.key) {
                return Err(InvalidTags::Duplicate(tag.key.clone()));
            }
        }
        Ok(Self(tags))
    }

    /// The tags in the order given.
    pub fn as_slice(&self) -> &[Tag] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Everything a client may say of an object when it creates one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewObject {
    /// Standard headers to keep.
    pub headers: ContentHeaders,
    /// `x-oss-meta-*`: lower-case names without the prefix, values as sent.
    pub user_meta: Vec<(String, HeaderBytes)>,
    /// `x-oss-persistent-headers`: arbitrary response headers, lower-case names.
    pub persistent_headers: Vec<(String, HeaderBytes)>,
    /// `x-oss-tagging`.
    pub tags: Option<Tags>,
    /// `x-oss-object-acl`; absent means `default`.
    pub acl: Option<ObjectAcl>,
    /// What `acl` is when it is absent.
    pub unsaid_acl: ObjectAcl,
    /// `x-oss-storage-class`; absent means the bucket's.
    pub storage_class: Option<StorageClass>,
    /// `x-oss-forbid-overwrite: true`.
    pub forbid_overwrite: bool,
    /// What must hold of the object that it replaces.
    pub conditions: WriteConditions,
    /// How to encrypt it; absent means as the bucket says.
    pub encryption: Option<Encryption>,
    /// Retention and legal hold; without a retention the bucket's default counts.
    pub lock: ObjectLock,
}

/// Everything that can be told of one version of an object, but its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key it was asked by (for a symlink followed: the link's).
    pub key: ObjectKey,
    /// Present when the bucket was ever versioned.
    pub version: Option<VersionId>,
    /// How it came to be.
    pub kind: ObjectKind,
    /// Bytes.
    pub size: u64,
    /// Entity tag.
    pub etag: ETag,
    /// `Content-MD5`, for objects written in one piece.
    pub md5: Option<Md5>,
    /// Checksum of all bytes.
    pub crc64: Option<Crc64>,
    /// The checksum that S3 clients sent, or that was reckoned for them.
    pub checksum: Option<ObjectChecksum>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// How warm it is kept.
    pub storage_class: StorageClass,
    /// Its own access-control list.
    pub acl: ObjectAcl,
    /// Kept headers.
    pub headers: ContentHeaders,
    /// `x-oss-meta-*` without the prefix.
    pub user_meta: Vec<(String, HeaderBytes)>,
    /// Further kept response headers.
    pub persistent_headers: Vec<(String, HeaderBytes)>,
    /// Tags.
    pub tags: Tags,
    /// Where a symlink points, as decoded key.
    pub symlink_target: Option<ObjectKey>,
    /// When an appendable object was sealed.
    pub sealed: Option<Timestamp>,
    /// How it is encrypted.
    pub encryption: Option<Encrypted>,
    /// Retention and legal hold.
    pub lock: ObjectLock,
    /// Of how many parts it was put together, where that is known.
    pub parts: Option<u16>,
}

/// `If-Match` and `If-None-Match` of a write: what must hold of the newest version that it
/// replaces. They are checked in the commit itself. A delete marker is no object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    /// `If-Match`, the whole value: an object must be there and have one of these tags.
    pub if_match: Option<String>,
    /// `If-None-Match`, the whole value: no object with one of these tags may be there.
    pub if_none_match: Option<String>,
}

/// `If-*` headers of a read, or `x-oss-copy-source-if-*` of a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadConditions {
    /// `If-Match`, the whole value.
    pub if_match: Option<String>,
    /// `If-None-Match`, the whole value.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

impl WriteConditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }
}

/// `response-*` parameters: headers that replace the kept ones in one answer.
pub type ResponseOverrides = ContentHeaders;

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: key.into(),
            value: value.into(),
        }
    }

    #[test]
    fn tags_are_checked() {
        assert!(Tags::new(vec![tag("a", ""), tag("中文", "1 +-=._:/")], 10).is_ok());
        assert_eq!(
            Tags::new(vec![tag("a", ""), tag("a", "x")], 10),
            Err(InvalidTags::Duplicate("a".into()))
        );
        assert!(Tags::new(vec![tag("", "x")], 10).is_err());
        assert!(Tags::new(vec![tag("a", "\u{1}")], 10).is_err());
        assert!(Tags::new(vec![tag(&"k".repeat(129), "")], 10).is_err());
        assert_eq!(
            Tags::new(vec![tag("a", ""), tag("b", "")], 1),
            Err(InvalidTags::TooMany(1))
        );
    }
}
