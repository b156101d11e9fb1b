//! What a bucket's owner says about who may come, besides the access-control list: policy,
//! Block Public Access, referers, access points. Documents are text here; `osier-auth` reads them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::{ACCESS_POINT_NAME_MAX, ACCESS_POINT_NAME_MIN};
use crate::{BucketName, Timestamp};

/// The end of every access point's alias. No bucket's name may end so.
pub const ALIAS_END: &str = "-ossalias";

/// All of a bucket's settings that decide about access, but its access-control list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketAccess {
    /// The bucket policy, as it was put.
    pub policy: Option<Arc<str>>,
    /// Block Public Access of the bucket; `None` where nobody ever said anything.
    pub block_public_access: Option<PublicAccessBlock>,
    /// Whose pages may refer to its objects.
    pub referer: Option<RefererConfig>,
    /// In order of names.
    pub access_points: Vec<AccessPoint>,
}

/// What of public access is blocked. OSS has one switch for all four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Lists that would open something are refused.
    pub block_acls: bool,
    /// Lists that open something grant nothing.
    pub ignore_acls: bool,
    /// Policies that would open something are refused.
    pub block_policy: bool,
    /// Policies that open something grant nothing to the public.
    pub restrict_buckets: bool,
}

/// Who owns objects in a bucket that several accounts write to, as S3 has it. Here they are always
/// the bucket owner's; what differs is whether access-control lists count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObjectOwnership {
    /// The bucket's owner. Lists grant nothing and can't be set.
    BucketOwnerEnforced,
    /// The bucket's owner, where the writer grants everything to them.
    BucketOwnerPreferred,
    /// Who wrote them.
    ObjectWriter,
}

impl ObjectOwnership {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::BucketOwnerEnforced,
        Self::BucketOwnerPreferred,
        Self::ObjectWriter,
    ];

    /// As S3 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    /// The one of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

impl PublicAccessBlock {
    /// All of it, or nothing.
    pub const fn whole(block: bool) -> Self {
        Self {
            block_acls: block,
            ignore_acls: block,
            block_policy: block,
            restrict_buckets: block,
        }
    }

    /// Everything is blocked.
    pub fn is_whole(self) -> bool {
        self == Self::whole(true)
    }
}

/// Hotlink protection: which pages may refer to a bucket's objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefererConfig {
    /// Requests without a referer pass.
    pub allow_empty: bool,
    /// What follows `?` in a referer does not count.
    pub allow_truncate_query: bool,
    /// Of a referer only scheme and host count.
    pub truncate_path: bool,
    /// Patterns with `*` and `?`, of which one must match; empty lets all pass.
    pub allowed: Vec<String>,
    /// Patterns of which none may match.
    pub denied: Vec<String>,
}

/// What a bucket has that never had a configuration.
impl Default for RefererConfig {
    fn default() -> Self {
        Self {
            allow_empty: true,
            allow_truncate_query: true,
            truncate_path: false,
            allowed: Vec::new(),
            denied: Vec::new(),
        }
    }
}

/// Why a referer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefererDenial {
    /// There is none, and there must be one.
    Empty,
    /// It is on the list of those that may not.
    Denied,
    /// It is not on the list of those that may.
    NotAllowed,
}

/// An access point's name: 3 to 19 of `[a-z0-9-]`, with a letter or digit at both ends, not
/// ending like an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccessPointName(Arc<str>);

/// The text can't be an access point's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an access point name: 3 to 19 of a-z, 0-9 and `-`, not at the ends")]
pub struct InvalidAccessPointName(pub String);

impl AccessPointName {
    /// Checks `text` against the naming rules of OSS.
    ///
    /// # Errors
    /// When a rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidAccessPointName> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (ACCESS_POINT_NAME_MIN..=ACCESS_POINT_NAME_MAX).contains(&text.len());
        let ends = !text.starts_with('-') && !text.ends_with('-') && !text.ends_with(ALIAS_END);
        if fits && ends && text.bytes().all(inner) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAccessPointName(text.chars().take(100).collect()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccessPointName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// A door to a bucket with a policy of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    /// Unique in the account.
    pub name: AccessPointName,
    /// Usable wherever a bucket's name is; unique in the server, and never used again.
    pub alias: BucketName,
    /// When it was created.
    pub created: Timestamp,
    /// The only network it answers; `None` is the internet.
    pub vpc: Option<Arc<str>>,
    /// Its policy, as it was put.
    pub policy: Option<Arc<str>>,
    /// Its own Block Public Access.
    pub block_public_access: bool,
}

impl AccessPoint {
    /// `acs:oss:<region>:<account>:accesspoint/<name>`.
    pub fn arn(&self, region: &str, account: &str) -> String {
        format!("acs:oss:{region}:{account}:accesspoint/{}", self.name)
    }

    /// `internet` or `vpc`.
    pub fn network_origin(&self) -> &'static str {
        if self.vpc.is_some() {
            "vpc"
        } else {
            "internet"
        }
    }
}

impl BucketAccess {
    /// The access point of this name.
    pub fn point(&self, name: &AccessPointName) -> Option<&AccessPoint> {
        self.access_points.iter().find(|point| point.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["abc", "ap-01", "0a0", &"a".repeat(19)] {
            assert!(AccessPointName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "-ab",
            "ab-",
            "Abc",
            "a.b",
            "ap-ossalias",
            &"a".repeat(20),
        ] {
            assert!(AccessPointName::parse(bad).is_err(), "{bad}");
        }
    }
}
