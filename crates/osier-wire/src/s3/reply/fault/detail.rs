//! The elements of an error document that depend on its code.

use osier_types::limits::CLOCK_SKEW_MS_MAX;
use osier_types::{AccessDenial, Fault, FaultKind, Resource};

use crate::xml::write::{Xml, hex_bytes};

pub(super) fn write(xml: &mut Xml, fault: &Fault) {
    resource(xml, fault);
    match &fault.kind {
        FaultKind::InvalidArgument { name, value, .. } => {
            xml.text("ArgumentName", name);
            xml.text("ArgumentValue", value);
        }
        FaultKind::EntityTooLarge { max } => xml.number("MaxSizeAllowed", *max),
        FaultKind::EntityTooSmall { min } => xml.number("MinSizeAllowed", *min),
        FaultKind::AccessDenied(AccessDenial::Expired { at }) => xml.time("Expires", *at),
        FaultKind::SignatureDoesNotMatch(mismatch) => {
            xml.text("AWSAccessKeyId", &mismatch.access_key_id);
            xml.text("SignatureProvided", &mismatch.signature_provided);
            let text = String::from_utf8_lossy(&mismatch.string_to_sign);
            xml.text("StringToSign", &text);
            xml.text("StringToSignBytes", &hex_bytes(&mismatch.string_to_sign));
            if let Some(canonical) = &mismatch.canonical_request {
                xml.text("CanonicalRequest", canonical);
                xml.text("CanonicalRequestBytes", &hex_bytes(canonical.as_bytes()));
            }
        }
        FaultKind::MalformedAuthorization {
            region: Some(region),
            ..
        } => xml.text("Region", region),
        FaultKind::MissingSecurityHeader { name } => xml.text("MissingHeaderName", name),
        FaultKind::InvalidAccessKeyId { access_key_id } => {
            xml.text("AWSAccessKeyId", access_key_id);
        }
        FaultKind::RequestTimeTooSkewed { request, server } => {
            xml.time("RequestTime", *request);
            xml.time("ServerTime", *server);
            xml.text("MaxAllowedSkewMilliseconds", &CLOCK_SKEW_MS_MAX.to_string());
        }
        FaultKind::NoSuchVersion { version } => xml.text("VersionId", version),
        FaultKind::VersionIsMarker { .. } => {
            xml.text("Method", "GET");
            xml.text("ResourceType", "DeleteMarker");
        }
        FaultKind::NoSuchUpload { upload_id } => xml.text("UploadId", upload_id),
        FaultKind::InvalidPart { number } => xml.number("PartNumber", *number),
        FaultKind::InvalidRange { length } => xml.number("ActualObjectSize", *length),
        FaultKind::PreconditionFailed { condition } => xml.text("Condition", condition),
        _ => {}
    }
}

/// What the request was about: by its own name, and as a path.
fn resource(xml: &mut Xml, fault: &Fault) {
    match (&fault.kind, fault.resource.as_deref()) {
        (FaultKind::NoSuchBucket(bucket), _) => {
            xml.text("BucketName", bucket.as_str());
            xml.text("Resource", &format!("/{bucket}"));
        }
        (FaultKind::InvalidBucketName(name), _) => {
            xml.text("BucketName", name);
            xml.text("Resource", &format!("/{name}"));
        }
        (_, Some(Resource::Object(bucket, key))) => {
            xml.text("Key", key.as_str());
            xml.text("Resource", &format!("/{bucket}/{key}"));
        }
        (_, Some(Resource::Bucket(bucket))) => {
            xml.text("BucketName", bucket.as_str());
            xml.text("Resource", &format!("/{bucket}"));
        }
        (_, Some(Resource::Service) | None) => {}
    }
}
