//! The elements of an error document that depend on its code.

use osier_types::limits::CLOCK_SKEW_MS_MAX;
use osier_types::{
    AccessDenial, DenialKind, DeniedBy, Fault, FaultKind, PolicyDenial, PrincipalKind, Resource,
    SignatureMismatch,
};

use crate::xml::write::{Xml, hex_bytes};

pub(super) fn write(xml: &mut Xml, fault: &Fault) {
    resource(xml, fault);
    match &fault.kind {
        FaultKind::InvalidArgument { name, value, .. } => {
            xml.text("ArgumentName", name);
            xml.text("ArgumentValue", value);
        }
        FaultKind::MalformedPolicy { path, .. } if !path.is_empty() => {
            xml.text("PolicyElement", path);
        }
        FaultKind::NoSuchAccessPoint { name } | FaultKind::NoSuchAccessPointPolicy { name } => {
            xml.text("AccessPointName", name);
        }
        FaultKind::MissingArgument { name } => xml.text("ArgumentName", name),
        FaultKind::InvalidCrc64 { sent, computed } => {
            xml.text("ClientCrc64", &sent.to_string());
            xml.text("ServerCrc64", &computed.to_string());
        }
        FaultKind::EntityTooLarge { max } => xml.number("MaxSizeAllowed", *max),
        FaultKind::EntityTooSmall { min } => xml.number("MinSizeAllowed", *min),
        FaultKind::AccessDenied(denial) => self::denial(xml, denial),
        FaultKind::SignatureDoesNotMatch(mismatch) => signature(xml, mismatch),
        FaultKind::InvalidAccessKeyId { access_key_id } => {
            xml.text("OSSAccessKeyId", access_key_id);
        }
        FaultKind::RequestTimeTooSkewed { request, server } => {
            xml.time("RequestTime", *request);
            xml.time("ServerTime", *server);
            xml.text("MaxAllowedSkewMilliseconds", &CLOCK_SKEW_MS_MAX.to_string());
        }
        FaultKind::NoSuchVersion { version } => xml.text("VersionId", version),
        FaultKind::VersionIsMarker { version } => xml.text("VersionId", &version.to_string()),
        FaultKind::NoSuchUpload { upload_id } => xml.text("UploadId", upload_id),
        FaultKind::InvalidPart { number } => xml.number("PartNumber", *number),
        FaultKind::PositionNotEqualToLength { length } => xml.number("ObjectLength", *length),
        FaultKind::InvalidRange { length } => xml.number("ActualObjectSize", *length),
        FaultKind::PreconditionFailed { condition } | FaultKind::NotModified { condition, .. } => {
            xml.text("Condition", condition);
        }
        _ => {}
    }
}

/// The key of an object, else the name of a bucket; of a bucket that is not there always its
/// name, whatever was wanted in it.
fn resource(xml: &mut Xml, fault: &Fault) {
    match (&fault.kind, fault.resource.as_deref()) {
        (FaultKind::NoSuchBucket(bucket), _) => xml.text("BucketName", bucket.as_str()),
        (FaultKind::InvalidBucketName(name), _) => xml.text("BucketName", name),
        (_, Some(Resource::Object(_, key))) => xml.text("Key", key.as_str()),
        (_, Some(Resource::Bucket(bucket))) => xml.text("BucketName", bucket.as_str()),
        (_, Some(Resource::Service) | None) => {}
    }
}

fn denial(xml: &mut Xml, denial: &AccessDenial) {
    match denial {
        AccessDenial::ImplicitDeny { action } => xml.within("AccessDeniedDetail", |xml| {
            xml.text("AuthAction", action);
            xml.text("NoPermissionType", "ImplicitDeny");
        }),
        AccessDenial::Policy(denial) => xml.within("AccessDeniedDetail", |xml| policy(xml, denial)),
        AccessDenial::Expired { at } => xml.time("Expires", *at),
        AccessDenial::PostPolicy { condition } => xml.text("Condition", condition),
        AccessDenial::AnonymousForbidden
        | AccessDenial::OriginalProtected
        | AccessDenial::TooManyVariants
        | AccessDenial::NotYetValid
        | AccessDenial::MalformedSignature { .. }
        | AccessDenial::HeadersNotSigned { .. }
        | AccessDenial::NotOwner
        | AccessDenial::PublicAccessBlocked
        | AccessDenial::Referer(_) => {}
    }
}

/// Whose policies refused whom. `EncodedDiagnosticMessage` would need a service to decode it.
fn policy(xml: &mut Xml, denial: &PolicyDenial) {
    xml.text("AuthAction", &denial.action);
    if let Some(principal) = &denial.principal {
        xml.text("AuthPrincipalDisplayName", &principal.name);
        xml.text("AuthPrincipalOwnerId", &principal.account);
        xml.text(
            "AuthPrincipalType",
            match principal.kind {
                PrincipalKind::Account => "Account",
                PrincipalKind::User => "SubUser",
                PrincipalKind::AssumedRole => "AssumedRoleUser",
            },
        );
    }
    xml.text(
        "NoPermissionType",
        match denial.kind {
            DenialKind::Explicit => "ExplicitDeny",
            DenialKind::Implicit => "ImplicitDeny",
        },
    );
    xml.text(
        "PolicyType",
        match denial.by {
            DeniedBy::Identity | DeniedBy::Nobody => "AccountLevelIdentityBasedPolicy",
            DeniedBy::Session => "SessionPolicy",
            DeniedBy::Bucket | DeniedBy::AccessPoint => "ResourceBasedPolicy",
        },
    );
}

/// Both sides of the comparison, so that the author of a client sees where they part.
fn signature(xml: &mut Xml, mismatch: &SignatureMismatch) {
    xml.text("OSSAccessKeyId", &mismatch.access_key_id);
    xml.text("SignatureProvided", &mismatch.signature_provided);
    let text = String::from_utf8_lossy(&mismatch.string_to_sign);
    xml.text("StringToSign", &text);
    xml.text("StringToSignBytes", &hex_bytes(&mismatch.string_to_sign));
    if let Some(canonical) = &mismatch.canonical_request {
        xml.text("CanonicalRequest", canonical);
    }
}
