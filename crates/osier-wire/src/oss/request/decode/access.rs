//! Operations on who may come: policies, Block Public Access, referers, access points.

use std::sync::Arc;

use osier_types::{
    AccessPointName, AccessPointRef, Fault, ListAccessPoints, Op, PublicAccessBlock,
    PublicAccessScope,
};

use crate::request::fields::missing;
use crate::request::input::Input;
use crate::request::policy;
use crate::request::token;
use crate::xml::documents as xml;

type Decoded = Result<Op, Fault>;

/// Where an access point is named: in a header, but for its Block Public Access.
const POINT_NAME: &str = "x-oss-access-point-name";

pub(in crate::oss::request) fn referer(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketReferer { bucket })
}

pub(in crate::oss::request) fn put_referer(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketReferer {
        bucket: input.bucket()?,
        referer: xml::referer(input.document)?,
    })
}

pub(in crate::oss::request) fn public_access_block(input: &Input<'_>) -> Decoded {
    scope(input).map(Op::GetPublicAccessBlock)
}

pub(in crate::oss::request) fn put_public_access_block(input: &Input<'_>) -> Decoded {
    Ok(Op::PutPublicAccessBlock {
        scope: scope(input)?,
        block: PublicAccessBlock::whole(xml::public_access_block(input.document)?),
    })
}

pub(in crate::oss::request) fn delete_public_access_block(input: &Input<'_>) -> Decoded {
    scope(input).map(Op::DeletePublicAccessBlock)
}

pub(in crate::oss::request) fn create_point(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let (name, vpc) = xml::create_access_point(input.document)?;
    Ok(Op::CreateAccessPoint {
        point: AccessPointRef {
            bucket,
            name: point_name(&name)?,
        },
        vpc: vpc.map(Arc::from),
    })
}

pub(in crate::oss::request) fn point(input: &Input<'_>) -> Decoded {
    point_in_header(input).map(Op::GetAccessPoint)
}

pub(in crate::oss::request) fn delete_point(input: &Input<'_>) -> Decoded {
    point_in_header(input).map(Op::DeleteAccessPoint)
}

pub(in crate::oss::request) fn points(input: &Input<'_>) -> Decoded {
    let after = match input.text("continuation-token")? {
        None => String::new(),
        Some(text) => token::decode(text).ok_or_else(|| {
            Fault::argument("continuation-token", text, "not a token of this server")
        })?,
    };
    Ok(Op::ListAccessPoints(ListAccessPoints {
        bucket: match input.address.bucket {
            Some(_) => Some(input.bucket()?),
            None => None,
        },
        after,
        max_keys: super::list::page_size(input, "max-keys")?,
    }))
}

pub(in crate::oss::request) fn point_policy(input: &Input<'_>) -> Decoded {
    point_in_header(input).map(Op::GetAccessPointPolicy)
}

pub(in crate::oss::request) fn put_point_policy(input: &Input<'_>) -> Decoded {
    Ok(Op::PutAccessPointPolicy {
        point: point_in_header(input)?,
        document: policy::text(input)?,
    })
}

pub(in crate::oss::request) fn delete_point_policy(input: &Input<'_>) -> Decoded {
    point_in_header(input).map(Op::DeleteAccessPointPolicy)
}

fn scope(input: &Input<'_>) -> Result<PublicAccessScope, Fault> {
    if input.address.bucket.is_none() {
        return Ok(PublicAccessScope::Account);
    }
    let bucket = input.bucket()?;
    if !input.query.has(POINT_NAME) {
        return Ok(PublicAccessScope::Bucket(bucket));
    }
    let name = point_name(input.required(POINT_NAME)?)?;
    Ok(PublicAccessScope::AccessPoint(AccessPointRef {
        bucket,
        name,
    }))
}

fn point_in_header(input: &Input<'_>) -> Result<AccessPointRef, Fault> {
    let bucket = input.bucket()?;
    let text = input.fields().text(POINT_NAME)?;
    let name = point_name(text.ok_or_else(|| missing(POINT_NAME))?)?;
    Ok(AccessPointRef { bucket, name })
}

fn point_name(text: &str) -> Result<AccessPointName, Fault> {
    AccessPointName::parse(text).map_err(|_| {
        Fault::argument(
            "AccessPointName",
            text,
            "3 to 19 of a-z, 0-9 and `-`, with a letter or digit at both ends",
        )
    })
}
