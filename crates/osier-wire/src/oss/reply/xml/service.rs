//! Documents of the service: buckets and regions.

use bytes::Bytes;
use osier_types::{BucketPage, Region};

use super::Xml;
use crate::ReplyContext;

pub(in crate::oss::reply) fn buckets(context: &ReplyContext<'_>, page: &BucketPage) -> Bytes {
    let bytes = 512 + page.buckets.len() * 400;
    Xml::sized("ListAllMyBucketsResult", bytes, |xml| {
        xml.text("Prefix", &page.asked.prefix);
        xml.text("Marker", &page.asked.marker);
        xml.number("MaxKeys", page.asked.max_keys);
        xml.flag("IsTruncated", page.next_marker.is_some());
        xml.text("NextMarker", page.next_marker.as_deref().unwrap_or(""));
        xml.owner(&page.owner);
        xml.within("Buckets", |xml| {
            for bucket in &page.buckets {
                xml.within("Bucket", |xml| {
                    xml.time("CreationDate", bucket.created);
                    xml.text("ExtranetEndpoint", context.endpoint);
                    xml.text("IntranetEndpoint", context.endpoint);
                    xml.text("Location", &bucket.location);
                    xml.text("Name", bucket.name.as_str());
                    xml.text("Region", region_of(&bucket.location));
                    xml.text("StorageClass", bucket.storage_class.as_str());
                });
            }
        });
    })
}

/// Regions reach the client under the endpoint it already uses, unless they have one.
pub(in crate::oss::reply) fn regions(context: &ReplyContext<'_>, regions: &[Region]) -> Bytes {
    Xml::document("RegionInfoList", |xml| {
        for region in regions {
            let endpoint = if region.endpoint.is_empty() {
                context.endpoint
            } else {
                &region.endpoint
            };
            xml.within("RegionInfo", |xml| {
                xml.text("Region", &region.name);
                xml.text("InternetEndpoint", endpoint);
                xml.text("InternalEndpoint", endpoint);
                xml.text("AccelerateEndpoint", endpoint);
            });
        }
    })
}

/// `cn-beijing` of `oss-cn-beijing`.
pub(super) fn region_of(location: &str) -> &str {
    location.strip_prefix("oss-").unwrap_or(location)
}
