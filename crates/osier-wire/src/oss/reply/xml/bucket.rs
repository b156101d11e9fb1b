//! Documents of one bucket, and those that buckets and objects share.

use bytes::Bytes;
use osier_types::{
    BucketInfo, BucketStat, BucketVersioning, CorsConfig, Owner, StorageClass, Tags,
};

use super::Xml;
use crate::ReplyContext;

/// What osier does not have (acceleration, replication) is told as switched
/// off, since consoles and tools read these elements.
pub(in crate::oss::reply) fn info(context: &ReplyContext<'_>, info: &BucketInfo) -> Bytes {
    let entry = &info.entry;
    Xml::sized("BucketInfo", 2048, |xml| {
        xml.within("Bucket", |xml| {
            xml.text("AccessMonitor", "Disabled");
            xml.within("AccessControlList", |xml| {
                xml.text("Grant", info.acl.as_str());
            });
            xml.flag("BlockPublicAccess", info.block_public_access);
            xml.within("BucketPolicy", |xml| {
                xml.text("LogBucket", "");
                xml.text("LogPrefix", "");
            });
            xml.text("Comment", "");
            xml.time("CreationDate", entry.created);
            xml.text("CrossRegionReplication", "Disabled");
            xml.text("DataRedundancyType", info.redundancy.as_str());
            xml.text("ExtranetEndpoint", context.endpoint);
            xml.text("IntranetEndpoint", context.endpoint);
            xml.text("Location", &entry.location);
            xml.text("Name", entry.name.as_str());
            xml.owner(&info.owner);
            xml.text("ResourceGroupId", "");
            xml.within("ServerSideEncryptionRule", |xml| match &info.encryption {
                None => xml.text("SSEAlgorithm", "None"),
                Some(encryption) => super::protection::default_encryption(xml, encryption),
            });
            xml.text("StorageClass", entry.storage_class.as_str());
            xml.text("TransferAcceleration", "Disabled");
            if let Some(versioning) = info.versioning {
                xml.text("Versioning", versioning.as_str());
            }
        });
    })
}

/// Billed and stored bytes are the same here: nobody is billed for more than there is.
pub(in crate::oss::reply) fn stat(stat: &BucketStat) -> Bytes {
    Xml::sized("BucketStat", 2048, |xml| {
        xml.number("Storage", sum(stat.classes.iter().map(|class| class.bytes)));
        xml.number(
            "ObjectCount",
            sum(stat.classes.iter().map(|class| class.objects)),
        );
        xml.number("MultipartUploadCount", stat.uploads);
        xml.number("LiveChannelCount", 0_u64);
        let seconds = u64::try_from(stat.as_of.as_seconds()).unwrap_or(0);
        xml.number("LastModifiedTime", seconds);
        for (class, numbers) in StorageClass::ALL.iter().zip(&stat.classes) {
            let (prefix, has_real) = match class {
                StorageClass::Standard => ("Standard", false),
                StorageClass::Ia => ("InfrequentAccess", true),
                StorageClass::Archive => ("Archive", true),
                StorageClass::ColdArchive => ("ColdArchive", true),
                StorageClass::DeepColdArchive => ("DeepColdArchive", true),
            };
            xml.number(&format!("{prefix}Storage"), numbers.bytes);
            if has_real {
                xml.number(&format!("{prefix}RealStorage"), numbers.bytes);
            }
            xml.number(&format!("{prefix}ObjectCount"), numbers.objects);
        }
        xml.number("DeleteMarkerCount", stat.delete_markers);
    })
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

pub(in crate::oss::reply) fn location(location: &str) -> Bytes {
    Xml::leaf("LocationConstraint", location)
}

/// Of a bucket or an object.
pub(in crate::oss::reply) fn acl(owner: &Owner, grant: &str) -> Bytes {
    Xml::document("AccessControlPolicy", |xml| {
        xml.owner(owner);
        xml.within("AccessControlList", |xml| xml.text("Grant", grant));
    })
}

/// A bucket that was never configured has an empty root.
pub(in crate::oss::reply) fn versioning(status: Option<BucketVersioning>) -> Bytes {
    Xml::document("VersioningConfiguration", |xml| {
        if let Some(status) = status {
            xml.text("Status", status.as_str());
        }
    })
}

/// Of a bucket or an object.
pub(in crate::oss::reply) fn tagging(tags: &Tags) -> Bytes {
    Xml::document("Tagging", |xml| {
        xml.within("TagSet", |xml| xml.tags(tags));
    })
}

pub(in crate::oss::reply) fn cors(config: &CorsConfig) -> Bytes {
    Xml::document("CORSConfiguration", |xml| {
        xml.cors_rules(config);
        xml.flag("ResponseVary", config.response_vary);
    })
}

/// There are never any; clean-up code of clients asks all the same.
pub(in crate::oss::reply) fn live_channels(prefix: &str, max_keys: u32) -> Bytes {
    Xml::document("ListLiveChannelResult", |xml| {
        xml.text("Prefix", prefix);
        xml.text("Marker", "");
        xml.number("MaxKeys", max_keys);
        xml.flag("IsTruncated", false);
        xml.text("NextMarker", "");
    })
}
