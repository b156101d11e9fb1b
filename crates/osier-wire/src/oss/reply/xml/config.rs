//! What reading a configuration document tells when it was never put.
//!
//! Kinds whose absence is an error of its own (`NoSuchLifecycle` and the like)
//! come here only if a caller prefers an answer over that error; they get an
//! empty root, since old parsers fail on an empty body.

use bytes::Bytes;
use osier_types::ConfigKind;

use super::Xml;
use crate::{ReplyContext, ReplyFacts};

pub(in crate::oss::reply) fn never_set(
    kind: ConfigKind,
    context: &ReplyContext<'_>,
    facts: &ReplyFacts,
) -> Bytes {
    let empty = |root| Xml::document(root, |_| {});
    let flag = |root, element| Xml::document(root, |xml| xml.flag(element, false));
    let text = |root, element, text| Xml::document(root, |xml| xml.text(element, text));
    match kind {
        ConfigKind::AccessMonitor => text("AccessMonitorConfiguration", "Status", "Disabled"),
        ConfigKind::ArchiveDirectRead => flag("ArchiveDirectReadConfiguration", "Enabled"),
        ConfigKind::Cname => Xml::document("ListCnameResult", |xml| {
            let bucket = facts.bucket.as_ref().map_or("", |bucket| bucket.as_str());
            xml.text("Bucket", bucket);
            xml.text("Owner", context.owner_id);
        }),
        ConfigKind::Cors => empty("CORSConfiguration"),
        ConfigKind::Encryption => empty("ServerSideEncryptionRule"),
        ConfigKind::HttpsConfig => Xml::document("HttpsConfiguration", |xml| {
            xml.within("TLS", |xml| xml.flag("Enable", false));
            xml.within("CipherSuite", |xml| xml.flag("Enable", false));
        }),
        ConfigKind::Inventory => flag("ListInventoryConfigurationsResult", "IsTruncated"),
        ConfigKind::Lifecycle => empty("LifecycleConfiguration"),
        ConfigKind::Logging => empty("BucketLoggingStatus"),
        ConfigKind::ObjectWorm => empty("ObjectWormConfiguration"),
        ConfigKind::OverwriteConfig => empty("OverwriteConfiguration"),
        // The one document that is JSON.
        ConfigKind::Policy => Bytes::from_static(br#"{"Version":"1","Statement":[]}"#),
        ConfigKind::PolicyStatus => flag("PolicyStatus", "IsPublic"),
        ConfigKind::PublicAccessBlock => {
            flag("PublicAccessBlockConfiguration", "BlockPublicAccess")
        }
        // As in `BucketUserQos`, -1 is no limit.
        ConfigKind::Quota => text("QuotaConfiguration", "StorageQuota", "-1"),
        ConfigKind::Referer => Xml::document("RefererConfiguration", |xml| {
            xml.flag("AllowEmptyReferer", true);
            xml.flag("AllowTruncateQueryString", true);
            xml.flag("TruncatePath", false);
            xml.text("RefererList", "");
        }),
        ConfigKind::Replication => empty("ReplicationConfiguration"),
        ConfigKind::RequestPayment => text("RequestPaymentConfiguration", "Payer", "BucketOwner"),
        ConfigKind::ResourceGroup => {
            text("BucketResourceGroupConfiguration", "ResourceGroupId", "")
        }
        // No request of this dialect asks for them.
        ConfigKind::S3Accelerate
        | ConfigKind::S3Lifecycle
        | ConfigKind::S3Logging
        | ConfigKind::S3Notification
        | ConfigKind::S3OwnershipControls
        | ConfigKind::S3Website => empty("Configuration"),
        ConfigKind::Style => empty("StyleList"),
        ConfigKind::Tagging => Xml::document("Tagging", |xml| xml.text("TagSet", "")),
        ConfigKind::TransferAcceleration => flag("TransferAccelerationConfiguration", "Enabled"),
        ConfigKind::UserDefinedLogFields => {
            Xml::document("UserDefinedLogFieldsConfiguration", |xml| {
                xml.text("HeaderSet", "");
                xml.text("ParamSet", "");
            })
        }
        ConfigKind::Website => empty("WebsiteConfiguration"),
        ConfigKind::Worm => empty("WormConfiguration"),
    }
}
