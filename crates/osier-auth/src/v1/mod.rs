//! V1, in a header and in a URL: HMAC-SHA1 over decoded text (reference 2.1 and 2.2).

use http::{HeaderMap, Method};
use osier_types::{Fault, Query, Timestamp};

use crate::canonical::{ResourceText, header, push_headers, push_resource};
use crate::claim::{Claim, check_expiry, check_skew, digits, ec, malformed, token};
use crate::mac::{hmac_sha1, is_base64_of};
use crate::scheme::{V1_URL, readings};
use crate::{KeyRing, Place, ResourceName, Scheme, Signed, SignedHead, Unsigned};

/// `Authorization: OSS <id>:<signature>`; `credentials` is what follows the scheme.
pub(crate) fn by_header(
    head: &SignedHead<'_>,
    credentials: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let (access_key_id, signature) = credentials
        .trim()
        .rsplit_once(':')
        .filter(|(id, signature)| !id.is_empty() && !signature.is_empty())
        .ok_or_else(|| Fault::argument("Authorization", "OSS", "expected `OSS id:signature`"))?;
    let date = signing_date(head);
    check_skew(parse_date(date)?, now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    verify(head, &claim, date, Place::Header, keyring)
}

/// `?OSSAccessKeyId=..&Expires=..&Signature=..`; of a repeated field the first counts.
pub(crate) fn by_url(
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let field = |name: &str, ec| {
        head.query
            .non_empty(name)
            .ok_or_else(|| malformed(format!("`{name}` is missing"), ec))
    };
    let access_key_id = field("OSSAccessKeyId", ec::V1_URL_NO_ID)?;
    let expires = field("Expires", ec::V1_URL_NO_EXPIRES)?;
    let signature = field("Signature", ec::V1_URL_NO_SIGNATURE)?;
    let at = digits(expires.as_bytes())
        .ok_or_else(|| malformed("`Expires` is not a number of seconds", ec::BAD_EXPIRES))?;
    check_expiry(Timestamp::from_seconds(at), now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    verify(head, &claim, expires.as_bytes(), Place::Url, keyring)
}

/// The date that is signed: ali-oss sends `x-oss-date` instead of `Date`.
pub(crate) fn signing_date<'a>(head: &SignedHead<'a>) -> &'a [u8] {
    match header(head.headers, "x-oss-date") {
        b"" => header(head.headers, "date"),
        date => date,
    }
}

/// Reads a signed date in any form that clients use.
pub(crate) fn parse_date(date: &[u8]) -> Result<Timestamp, Fault> {
    std::str::from_utf8(date)
        .ok()
        .and_then(|text| {
            Timestamp::parse_http_date(text)
                .or_else(|_| Timestamp::parse_compact(text))
                .ok()
        })
        .ok_or_else(|| malformed("a valid `Date` or `x-oss-date` is required", ec::BAD_DATE))
}

/// Which parameters of the query are signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SubResources {
    /// The list, and everything that begins with `x-oss-` (Go v2).
    WithAllOss,
    /// The list (oss2, ali-oss).
    Listed,
    /// The list without what begins with `x-oss-` (v2 in V1 mode).
    WithoutOss,
}

impl SubResources {
    fn contain(self, name: &str) -> bool {
        let oss = name.starts_with("x-oss-");
        match self {
            Self::WithAllOss => oss || is_listed(name),
            Self::Listed => is_listed(name),
            Self::WithoutOss => !oss && is_listed(name),
        }
    }
}

/// Tries every reading of the request that some client is known to sign.
fn verify(
    head: &SignedHead<'_>,
    claim: &Claim<'_>,
    date: &[u8],
    place: Place,
    keyring: &dyn KeyRing,
) -> Result<Signed, Fault> {
    let record = claim.record(keyring)?;
    let stem = stem(head.method, head.headers, date);
    let mut first = None;
    for (query, plus_is_space) in readings(head) {
        let oss = query
            .pairs()
            .iter()
            .any(|pair| pair.name.starts_with("x-oss-"));
        let ways: &[SubResources] = match (oss, may_leave_out(head, place)) {
            (false, _) => &[SubResources::Listed],
            (true, true) => &[
                SubResources::WithAllOss,
                SubResources::Listed,
                SubResources::WithoutOss,
            ],
            (true, false) => &[SubResources::WithAllOss, SubResources::Listed],
        };
        for &way in ways {
            for (candidate, resource) in head.candidates.iter().enumerate() {
                let text = string_to_sign(&stem, resource, &query, way, place);
                if is_base64_of(claim.signature, &hmac_sha1(record.secret.expose(), &text)) {
                    let unsigned = |name: &str| name.starts_with("x-oss-") && !way.contain(name);
                    return Ok(Signed {
                        access_key_id: claim.access_key_id.to_owned(),
                        identity: record.identity,
                        scheme: Scheme::V1,
                        place,
                        candidate,
                        payload_sha256: None,
                        plus_is_space,
                        oss_query_unsigned: query.pairs().iter().any(|p| unsigned(&p.name)),
                        chunks: None,
                        signed_at: None,
                    });
                }
                first.get_or_insert(text);
            }
        }
    }
    Err(claim.mismatch(first.unwrap_or_default(), None, ec::V1_MISMATCH))
}

/// Whether listed `x-oss-*` parameters may be left unsigned. Whoever holds a URL could add
/// them, and `x-oss-process` on a POST writes; so in URLs only reads are forgiven.
fn may_leave_out(head: &SignedHead<'_>, place: Place) -> bool {
    place == Place::Header || matches!(*head.method, Method::GET | Method::HEAD)
}

/// What is signed of a request of our own: the parameters of the list, as oss2 and ali-oss do.
pub(crate) fn text_of_header(request: &Unsigned<'_>, headers: &HeaderMap, date: &[u8]) -> Vec<u8> {
    string_to_sign(
        &stem(request.method, headers, date),
        request.resource,
        request.query,
        SubResources::Listed,
        Place::Header,
    )
}

/// What does not depend on the reading: all up to the resource.
fn stem(method: &Method, headers: &HeaderMap, date: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(256);
    for line in [
        method.as_str().as_bytes(),
        header(headers, "content-md5"),
        header(headers, "content-type"),
        date,
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    push_headers(&mut text, headers, |_| false);
    text
}

fn string_to_sign(
    stem: &[u8],
    resource: &ResourceName,
    query: &Query,
    way: SubResources,
    place: Place,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(stem.len() + 256);
    text.extend_from_slice(stem);
    push_resource(&mut text, resource, ResourceText::Decoded);
    let mut signed: Vec<_> = query
        .pairs()
        .iter()
        .filter(|pair| way.contain(&pair.name))
        .filter(|pair| place != Place::Url || !V1_URL.contains(&pair.name.as_str()))
        .map(|pair| (pair.name.as_str(), pair.value.as_slice()))
        .collect();
    signed.sort_unstable();
    for (nth, (name, value)) in signed.into_iter().enumerate() {
        text.push(if nth == 0 { b'?' } else { b'&' });
        text.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            text.push(b'=');
            text.extend_from_slice(value);
        }
    }
    text
}

pub(crate) fn is_listed(name: &str) -> bool {
    SIGNED.binary_search(&name).is_ok()
}

/// The parameters that V1 signs, in byte order: the union of what the SDKs sign (reference 2.1).
const SIGNED: &[&str] = &[
    "MetaQuery",
    "accessPoint",
    "accessPointConfigForObjectProcess",
    "accessPointForObjectProcess",
    "accessPointPolicy",
    "accessPointPolicyForObjectProcess",
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "callback",
    "callback-var",
    "cleanRestoredObject",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "dataPipeline",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "legalHold",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "objectInfo",
    "objectMeta",
    "objectWorm",
    "overwriteConfig",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "processConfiguration",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "quota",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "requesterQosInfo",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "responseHeader",
    "restore",
    "retention",
    "rtc",
    "seal",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "udf",
    "udfApplication",
    "udfApplicationLog",
    "udfId",
    "udfImage",
    "udfImageDesc",
    "udfName",
    "uploadId",
    "uploads",
    "userDefinedLogFieldsConfig",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "withHashContext",
    "worm",
    "wormExtend",
    "wormId",
    "x-oss-ac-forward-allow",
    "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask",
    "x-oss-ac-vpc-id",
    "x-oss-access-point-name",
    "x-oss-async-process",
    "x-oss-enable-md5",
    "x-oss-enable-sha1",
    "x-oss-enable-sha256",
    "x-oss-hash-ctx",
    "x-oss-md5-ctx",
    "x-oss-process",
    "x-oss-redundancy-transition-taskid",
    "x-oss-request-payer",
    "x-oss-target-redundancy-type",
    "x-oss-traffic-limit",
    "x-oss-write-get-object-response",
];

#[cfg(test)]
mod tests;
