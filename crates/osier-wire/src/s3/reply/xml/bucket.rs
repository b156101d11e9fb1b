//! Documents of buckets, and those that buckets and objects share.

use bytes::Bytes;
use osier_types::{
    BucketPage, BucketVersioning, ConfigKind, CorsConfig, ObjectOwnership, Owner,
    PublicAccessBlock, Tags,
};

use super::document;
use crate::request::token;
use crate::s3::acl::{ALL_USERS, Acl};
use crate::xml::write::Xml;

const SCHEMA: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=";

pub(in crate::s3::reply) fn buckets(page: &BucketPage) -> Bytes {
    let bytes = 512 + page.buckets.len() * 200;
    document("ListAllMyBucketsResult", bytes, |xml| {
        xml.owner(&page.owner);
        xml.within("Buckets", |xml| {
            for bucket in &page.buckets {
                xml.within("Bucket", |xml| {
                    xml.text("Name", bucket.name.as_str());
                    xml.time("CreationDate", bucket.created);
                    xml.text("BucketRegion", region_of(&bucket.location));
                });
            }
        });
        if let Some(next) = &page.next_marker {
            xml.text("ContinuationToken", &token::encode(next));
        }
        if !page.asked.prefix.is_empty() {
            xml.text("Prefix", &page.asked.prefix);
        }
    })
}

/// The region that S3 began with has no name here.
pub(crate) fn location(location: &str) -> Bytes {
    let region = match region_of(location) {
        "us-east-1" => "",
        region => region,
    };
    Xml::attributed_leaf("LocationConstraint", super::NAMESPACE, region)
}

/// `cn-beijing` of `oss-cn-beijing`.
fn region_of(location: &str) -> &str {
    location.strip_prefix("oss-").unwrap_or(location)
}

/// Of a bucket or an object: the owner, and what everybody is granted.
pub(crate) fn acl(owner: &Owner, acl: Acl) -> Bytes {
    document("AccessControlPolicy", 1024, |xml| {
        xml.owner(owner);
        xml.within("AccessControlList", |xml| {
            grant(xml, "CanonicalUser", "FULL_CONTROL", |xml| {
                xml.text("ID", &owner.id);
                xml.text("DisplayName", &owner.display_name);
            });
            for permission in acl.permissions() {
                grant(xml, "Group", permission, |xml| xml.text("URI", ALL_USERS));
            }
        });
    })
}

fn grant(xml: &mut Xml, kind: &str, permission: &str, grantee: impl FnOnce(&mut Xml)) {
    xml.within("Grant", |xml| {
        xml.with_attributes("Grantee", &format!("{SCHEMA}\"{kind}\""), grantee);
        xml.text("Permission", permission);
    });
}

/// A bucket that was never configured has an empty root.
pub(in crate::s3::reply) fn versioning(status: Option<BucketVersioning>) -> Bytes {
    document("VersioningConfiguration", 256, |xml| {
        if let Some(status) = status {
            xml.text("Status", status.as_str());
        }
    })
}

/// Of a bucket or an object.
pub(in crate::s3::reply) fn tagging(tags: &Tags) -> Bytes {
    document("Tagging", 512, |xml| {
        xml.within("TagSet", |xml| xml.tags(tags));
    })
}

pub(in crate::s3::reply) fn cors(config: &CorsConfig) -> Bytes {
    document("CORSConfiguration", 1024, |xml| xml.cors_rules(config))
}

/// What reading a document tells when it was never put, where S3 has an answer to that.
pub(in crate::s3::reply) fn never_set(kind: ConfigKind) -> Bytes {
    let root = match kind {
        ConfigKind::RequestPayment => {
            return document("RequestPaymentConfiguration", 256, |xml| {
                xml.text("Payer", "BucketOwner");
            });
        }
        ConfigKind::S3Logging => "BucketLoggingStatus",
        ConfigKind::S3Notification => "NotificationConfiguration",
        ConfigKind::S3Accelerate => "AccelerateConfiguration",
        _ => "Configuration",
    };
    document(root, 256, |_| {})
}

pub(in crate::s3::reply) fn policy_status(is_public: bool) -> Bytes {
    document("PolicyStatus", 128, |xml| xml.flag("IsPublic", is_public))
}

pub(in crate::s3::reply) fn ownership(ownership: ObjectOwnership) -> Bytes {
    document("OwnershipControls", 256, |xml| {
        xml.within("Rule", |xml| {
            xml.text("ObjectOwnership", ownership.as_str());
        });
    })
}

pub(in crate::s3::reply) fn public_access_block(block: PublicAccessBlock) -> Bytes {
    document("PublicAccessBlockConfiguration", 512, |xml| {
        xml.flag("BlockPublicAcls", block.block_acls);
        xml.flag("IgnorePublicAcls", block.ignore_acls);
        xml.flag("BlockPublicPolicy", block.block_policy);
        xml.flag("RestrictPublicBuckets", block.restrict_buckets);
    })
}
