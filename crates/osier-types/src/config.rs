//! A bucket's configuration documents: which there are, and what osier does with each.

use serde::{Deserialize, Serialize};

use crate::bucket::words;

words! {
    /// A configuration document, named by its sub-resource.
    ConfigKind {
        /// Access tracking.
        AccessMonitor = "accessmonitor",
        /// Reading archived objects without restore.
        ArchiveDirectRead = "bucketArchiveDirectRead",
        /// Own domain names.
        Cname = "cname",
        /// Cross-origin rules.
        Cors = "cors",
        /// Default encryption.
        Encryption = "encryption",
        /// TLS versions and ciphers.
        HttpsConfig = "httpsConfig",
        /// Inventory reports.
        Inventory = "inventory",
        /// Lifecycle rules.
        Lifecycle = "lifecycle",
        /// Access logging.
        Logging = "logging",
        /// Object retention defaults.
        ObjectWorm = "objectWorm",
        /// Rules that forbid overwriting.
        OverwriteConfig = "overwriteConfig",
        /// Bucket policy (JSON).
        Policy = "policy",
        /// Whether the policy makes the bucket public.
        PolicyStatus = "policyStatus",
        /// Block public access.
        PublicAccessBlock = "publicAccessBlock",
        /// Storage quota.
        Quota = "quota",
        /// Hotlink protection.
        Referer = "referer",
        /// Replication rules.
        Replication = "replication",
        /// Who pays for requests.
        RequestPayment = "requestPayment",
        /// Resource group.
        ResourceGroup = "resourceGroup",
        /// S3: faster transfers.
        S3Accelerate = "s3-accelerate",
        /// S3: rules by age. Its document is not that of OSS.
        S3Lifecycle = "s3-lifecycle",
        /// S3: access logs.
        S3Logging = "s3-logging",
        /// S3: events.
        S3Notification = "s3-notification",
        /// S3: who owns objects that others write.
        S3OwnershipControls = "s3-ownershipControls",
        /// S3: static website.
        S3Website = "s3-website",
        /// Image styles.
        Style = "style",
        /// Bucket tags.
        Tagging = "tagging",
        /// Transfer acceleration.
        TransferAcceleration = "transferAcceleration",
        /// Fields of access logs.
        UserDefinedLogFields = "userDefinedLogFieldsConfig",
        /// Static website.
        Website = "website",
        /// Retention policy of the bucket.
        Worm = "worm",
    }
}

/// What osier does with a configuration document today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSupport {
    /// Kept, returned and in effect.
    Effective,
    /// Kept and returned; it changes nothing here, and nobody relies on it doing so.
    Stored,
    /// Refused with `NotImplemented`: someone would rely on it. Reading answers as if never set.
    Refused,
}

impl ConfigKind {
    /// What osier does with this document.
    pub const fn support(self) -> ConfigSupport {
        match self {
            Self::Cors
            | Self::Encryption
            | Self::ObjectWorm
            | Self::Policy
            | Self::S3OwnershipControls
            | Self::PolicyStatus
            | Self::PublicAccessBlock
            | Self::Referer
            | Self::Style
            | Self::Tagging
            | Self::Worm => ConfigSupport::Effective,
            Self::RequestPayment
            | Self::ResourceGroup
            | Self::TransferAcceleration
            | Self::S3Accelerate
            | Self::S3Lifecycle
            | Self::S3Logging
            | Self::S3Notification
            | Self::S3Website
            | Self::ArchiveDirectRead => ConfigSupport::Stored,
            _ => ConfigSupport::Refused,
        }
    }

    /// Whether only S3 has it, or has it in a form of its own.
    pub const fn is_of_s3(self) -> bool {
        matches!(
            self,
            Self::S3Accelerate
                | Self::S3Lifecycle
                | Self::S3Logging
                | Self::S3Notification
                | Self::S3OwnershipControls
                | Self::S3Website
        )
    }
}
