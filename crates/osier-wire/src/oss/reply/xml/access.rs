//! Documents about who may come.

use bytes::Bytes;
use osier_types::{AccessPointInfo, AccessPointPage, PublicAccessBlock, RefererConfig};

use super::Xml;
use crate::request::token;

pub(in crate::oss::reply) fn policy_status(is_public: bool) -> Bytes {
    Xml::document("PolicyStatus", |xml| xml.flag("IsPublic", is_public))
}

/// Blocked in part, as S3 can say, is not blocked.
pub(in crate::oss::reply) fn public_access_block(block: Option<&PublicAccessBlock>) -> Bytes {
    let whole = block.is_some_and(|block| block.is_whole());
    Xml::document("PublicAccessBlockConfiguration", |xml| {
        xml.flag("BlockPublicAccess", whole);
    })
}

/// oss2 fails without `RefererList`; the other list is written only where there is one, as
/// it came later.
pub(in crate::oss::reply) fn referer(config: &RefererConfig) -> Bytes {
    let patterns = |xml: &mut Xml, list: &[String]| {
        for pattern in list {
            xml.text("Referer", pattern);
        }
    };
    Xml::document("RefererConfiguration", |xml| {
        xml.flag("AllowEmptyReferer", config.allow_empty);
        xml.flag("AllowTruncateQueryString", config.allow_truncate_query);
        xml.flag("TruncatePath", config.truncate_path);
        xml.within("RefererList", |xml| patterns(xml, &config.allowed));
        if !config.denied.is_empty() {
            xml.within("RefererBlacklist", |xml| patterns(xml, &config.denied));
        }
    })
}

pub(in crate::oss::reply) fn point_created(info: &AccessPointInfo) -> Bytes {
    Xml::document("CreateAccessPointResult", |xml| {
        xml.text("AccessPointArn", &arn(info));
        xml.text("Alias", info.point.alias.as_str());
    })
}

pub(in crate::oss::reply) fn point(info: &AccessPointInfo) -> Bytes {
    let AccessPointInfo {
        bucket,
        account,
        location,
        point,
    } = info;
    Xml::sized("GetAccessPointResult", 1024, |xml| {
        xml.text("AccessPointName", point.name.as_str());
        xml.text("Bucket", bucket.as_str());
        xml.text("AccountId", account);
        network(xml, info);
        xml.text("AccessPointArn", &arn(info));
        xml.time("CreationDate", point.created);
        xml.text("Alias", point.alias.as_str());
        xml.text("Status", "enable");
        // Names of the real service, which the alias stands in for here.
        xml.within("Endpoints", |xml| {
            let name = &point.name;
            let end = "oss-accesspoint.aliyuncs.com";
            xml.text("PublicEndpoint", &format!("{name}.{location}.{end}"));
            xml.text(
                "InternalEndpoint",
                &format!("{name}.{location}-internal.{end}"),
            );
        });
        xml.within("PublicAccessBlockConfiguration", |xml| {
            xml.flag("BlockPublicAccess", point.block_public_access);
        });
    })
}

pub(in crate::oss::reply) fn points(page: &AccessPointPage) -> Bytes {
    Xml::sized("ListAccessPointsResult", 2048, |xml| {
        xml.flag("IsTruncated", page.next.is_some());
        let next = page.next.as_deref().map(token::encode);
        xml.text("NextContinuationToken", next.as_deref().unwrap_or_default());
        xml.text("AccountId", &page.account);
        xml.number("MaxKeys", page.asked.max_keys);
        xml.within("AccessPoints", |xml| {
            for info in &page.points {
                xml.within("AccessPoint", |xml| {
                    xml.text("Bucket", info.bucket.as_str());
                    xml.text("AccessPointName", info.point.name.as_str());
                    xml.text("Alias", info.point.alias.as_str());
                    network(xml, info);
                    xml.text("Status", "enable");
                });
            }
        });
    })
}

fn network(xml: &mut Xml, info: &AccessPointInfo) {
    xml.text("NetworkOrigin", info.point.network_origin());
    if let Some(vpc) = &info.point.vpc {
        xml.within("VpcConfiguration", |xml| xml.text("VpcId", vpc));
    }
}

/// Regions in names are without `oss-`, locations with it.
fn arn(info: &AccessPointInfo) -> String {
    let region = info.location.strip_prefix("oss-").unwrap_or(&info.location);
    info.point.arn(region, &info.account)
}
