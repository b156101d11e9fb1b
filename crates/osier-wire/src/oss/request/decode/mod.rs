//! A request's arguments, checked: from a route to an `Op`.
//!
//! Defaults, limits and faults are those of the OSS API. Whether what is named
//! exists, and whether the caller may, is not known here.

pub(super) mod bucket;
pub(super) mod headers;
pub(super) mod list;
pub(super) mod multipart;
pub(super) mod object;
pub(super) mod protection;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use bytes::Bytes;
use http::HeaderMap;
use md5::{Digest as _, Md5};
use osier_types::limits::{TRAFFIC_LIMIT_MAX, TRAFFIC_LIMIT_MIN};
use osier_types::{
    BucketName, Fault, FaultKind, ObjectKey, ObjectRef, Op, Query, Resource, VersionId,
};

use super::route::Decoder;
use super::{Address, BodyUse, Route, xml};
use headers::{Fields, bucket_name, object_key, version_id};

/// Everything that arguments can be in.
pub(super) struct Input<'a> {
    pub(super) address: &'a Address,
    pub(super) query: &'a Query,
    pub(super) headers: &'a HeaderMap,
    pub(super) document: &'a Bytes,
}

/// Turns a request into an operation.
///
/// `document` is the whole body where [`Route::body`] asks for a document, and
/// empty otherwise. Forms are not for this function: see
/// [`decode_post`](super::decode_post).
///
/// # Errors
/// When the operation is not there, or an argument is missing or wrong.
pub fn decode(
    route: &Route,
    address: &Address,
    query: &Query,
    headers: &HeaderMap,
    document: &Bytes,
) -> Result<Op, Fault> {
    let input = Input {
        address,
        query,
        headers,
        document,
    };
    input
        .decode(route)
        .map_err(|fault| match (&fault.resource, input.resource()) {
            (None, Some(resource)) => fault.on(resource),
            _ => fault,
        })
}

/// `x-oss-traffic-limit`, as header or parameter: bits per second.
///
/// # Errors
/// When it is out of bounds, or in both places.
pub fn traffic_limit(query: &Query, headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    const NAME: &str = "x-oss-traffic-limit";
    let in_header = headers.get(NAME).map(http::HeaderValue::as_bytes);
    let ((Some(value), None) | (None, Some(value))) = (in_header, query.get(NAME)) else {
        return match in_header {
            None => Ok(None),
            Some(_) => Err(Fault::argument(
                NAME,
                "",
                "given as header and as parameter",
            )),
        };
    };
    let text = String::from_utf8_lossy(value);
    text.parse()
        .ok()
        .filter(|limit| (TRAFFIC_LIMIT_MIN..=TRAFFIC_LIMIT_MAX).contains(limit))
        .map(Some)
        .ok_or_else(|| {
            let reason = format!("{TRAFFIC_LIMIT_MIN} to {TRAFFIC_LIMIT_MAX} bit/s");
            Fault::argument(NAME, text, reason)
        })
}

impl<'a> Input<'a> {
    fn decode(&self, route: &Route) -> Result<Op, Fault> {
        if let Some(fault) = route.fault() {
            return Err(fault);
        }
        let Some(spec) = route.spec() else {
            return Err(Fault::new(FaultKind::MethodNotAllowed));
        };
        if let BodyUse::Document { max_bytes } = spec.body {
            self.check_document(max_bytes)?;
        }
        match spec.decoder {
            Decoder::With(decode) => decode(self),
            Decoder::GetConfig(kind) => Ok(Op::GetBucketConfig {
                bucket: self.bucket()?,
                kind,
            }),
            Decoder::PutConfig(kind, root) => {
                let bucket = self.bucket()?;
                xml::well_formed(self.document, root)?;
                Ok(Op::PutBucketConfig {
                    bucket,
                    kind,
                    document: self.document.clone(),
                })
            }
            Decoder::DeleteConfig(kind) => Ok(Op::DeleteBucketConfig {
                bucket: self.bucket()?,
                kind,
            }),
            Decoder::Form => Err(Fault::new(FaultKind::MalformedPost {
                reason: "the form was not read".to_owned(),
            })),
            Decoder::Refuse => Err(Fault::new(FaultKind::NotImplemented {
                what: spec.name.to_owned(),
            })),
        }
    }

    /// Size and `Content-MD5` of a body that is read whole.
    fn check_document(&self, max_bytes: usize) -> Result<(), Fault> {
        if self.document.len() > max_bytes {
            return Err(Fault::new(FaultKind::EntityTooLarge {
                max: u64::try_from(max_bytes).unwrap_or(u64::MAX),
            }));
        }
        match self.fields().content_md5()? {
            Some(md5) if Md5::digest(self.document).as_slice() != md5.as_slice() => {
                Err(Fault::new(FaultKind::InvalidDigest))
            }
            _ => Ok(()),
        }
    }

    /// What the request is about, as far as its names are names.
    fn resource(&self) -> Option<Resource> {
        let bucket = BucketName::parse(self.address.bucket.as_deref()?).ok()?;
        let key = self
            .address
            .key
            .as_deref()
            .and_then(|key| ObjectKey::parse(key).ok());
        Some(match key {
            Some(key) => Resource::Object(bucket, key),
            None => Resource::Bucket(bucket),
        })
    }

    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::Headers(self.headers)
    }

    pub(super) fn bucket(&self) -> Result<BucketName, Fault> {
        bucket_name(self.address.bucket.as_deref().unwrap_or_default())
    }

    pub(super) fn object(&self) -> Result<(BucketName, ObjectKey), Fault> {
        let bucket = self.bucket()?;
        let key = object_key(self.address.key.as_deref().unwrap_or_default())?;
        Ok((bucket, key))
    }

    /// The object with the version that `versionId` names.
    pub(super) fn object_ref(&self) -> Result<ObjectRef, Fault> {
        let (bucket, key) = self.object()?;
        Ok(ObjectRef {
            bucket,
            key,
            version: self.version()?,
        })
    }

    fn version(&self) -> Result<Option<VersionId>, Fault> {
        self.query
            .get("versionId")
            .map(|value| version_id(&String::from_utf8_lossy(value)))
            .transpose()
    }

    /// A parameter as text; empty counts as absent.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.query.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        std::str::from_utf8(value)
            .map(Some)
            .map_err(|_| Fault::argument(name, String::from_utf8_lossy(value), "not UTF-8"))
    }

    /// A parameter that can't be left out.
    pub(super) fn required(&self, name: &'static str) -> Result<&'a str, Fault> {
        if !self.query.has(name) {
            return Err(missing(name));
        }
        self.text(name)?
            .ok_or_else(|| Fault::argument(name, "", "must not be empty"))
    }

    /// `encoding-type`: whether names in the answer are to be percent-encoded.
    pub(super) fn url_encoded(&self) -> Result<bool, Fault> {
        match self.text("encoding-type")? {
            None => Ok(false),
            Some("url") => Ok(true),
            Some(other) => Err(Fault::argument("encoding-type", other, "only url is known")),
        }
    }
}

pub(super) fn missing(name: &str) -> Fault {
    Fault::new(FaultKind::MissingArgument {
        name: name.to_owned(),
    })
}

/// Base64 in the standard alphabet, with or without padding.
pub(super) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text).ok()
}
