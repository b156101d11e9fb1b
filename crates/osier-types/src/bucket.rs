//! Buckets: their names and the words that describe them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::{BUCKET_NAME_MAX, BUCKET_NAME_MIN};

/// A bucket's name: 3 to 63 of `[a-z0-9-]`, with a letter or digit at both ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketName(Arc<str>);

/// The text can't be a bucket's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a bucket name: 3 to 63 of a-z, 0-9 and `-`, not at the ends")]
pub struct InvalidBucketName(pub String);

impl BucketName {
    /// Checks `text` against the naming rules of OSS.
    ///
    /// # Errors
    /// When a rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidBucketName> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (BUCKET_NAME_MIN..=BUCKET_NAME_MAX).contains(&text.len());
        let ends = !text.starts_with('-') && !text.ends_with('-');
        if fits && ends && text.bytes().all(inner) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidBucketName(text.chars().take(100).collect()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// A word that is none of an enumeration's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown value `{0}`")]
pub struct UnknownWord(pub String);

/// An enumeration whose variants have fixed words on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant of a word on the wire; case counts.
            ///
            /// # Errors
            /// When the word is none of the enumeration's.
            pub fn parse(text: &str) -> Result<Self, $crate::UnknownWord> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|variant| variant.as_str() == text)
                    .ok_or_else(|| $crate::UnknownWord(text.chars().take(100).collect()))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Who may use a bucket without further permission.
    BucketAcl {
        /// Only the owner.
        Private = "private",
        /// Everybody may read and list.
        PublicRead = "public-read",
        /// Everybody may read, list, write and delete.
        PublicReadWrite = "public-read-write",
    }
}

words! {
    /// How warm data is kept.
    StorageClass {
        /// Frequent access.
        Standard = "Standard",
        /// Infrequent access.
        Ia = "IA",
        /// Archive.
        Archive = "Archive",
        /// Cold archive.
        ColdArchive = "ColdArchive",
        /// Deep cold archive.
        DeepColdArchive = "DeepColdArchive",
    }
}

words! {
    /// How many zones hold the data.
    DataRedundancy {
        /// One zone.
        Lrs = "LRS",
        /// Several zones.
        Zrs = "ZRS",
    }
}

words! {
    /// Whether new writes keep old versions. A bucket that was never configured has none of these.
    BucketVersioning {
        /// Every write adds a version.
        Enabled = "Enabled",
        /// Every write replaces the null version.
        Suspended = "Suspended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["abc", "a-b", "0a0", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "-ab",
            "ab-",
            "Abc",
            "a_b",
            "a.b",
            "a/b",
            "äbc",
            &"a".repeat(64),
        ] {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_exact() {
        assert_eq!(StorageClass::parse("IA"), Ok(StorageClass::Ia));
        assert!(StorageClass::parse("ia").is_err());
    }
}
