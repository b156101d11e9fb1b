//! Everything that the arguments of a request can be in, and the steps that
//! are the same in every dialect.

use bytes::Bytes;
use http::HeaderMap;
use md5::{Digest as _, Md5};
use osier_types::limits::{KEY_BYTES_MAX, PART_NUMBER_MAX};
use osier_types::{
    BucketName, Fault, FaultKind, ObjectKey, ObjectRef, Op, OptionsObject, Query, Resource,
    ResponseOverrides, UploadRef, VersionId,
};

use super::fields::{Fields, header_value, missing, version_id};
use super::route::{BodyUse, Decoder, Grammar, Route};
use crate::address::Address;
use crate::xml::kept;

/// Everything that arguments can be in.
pub(crate) struct Input<'a> {
    pub(crate) grammar: &'static Grammar,
    pub(crate) address: &'a Address,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) document: &'a Bytes,
    /// The account that asks; empty for nobody.
    pub(crate) account: &'a str,
}

impl<'a> Input<'a> {
    /// Turns the request into an operation.
    ///
    /// # Errors
    /// When the operation is not there, or an argument is missing or wrong.
    pub(crate) fn decode(&self, route: &Route) -> Result<Op, Fault> {
        self.operation(route)
            .map_err(|fault| match (&fault.resource, self.resource()) {
                (None, Some(resource)) => fault.on(resource),
                _ => fault,
            })
    }

    fn operation(&self, route: &Route) -> Result<Op, Fault> {
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
                kept::check(kind, self.document, root)?;
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

    pub(crate) fn fields(&self) -> Fields<'a> {
        Fields::Headers(self.headers)
    }

    pub(crate) fn bucket(&self) -> Result<BucketName, Fault> {
        (self.grammar.bucket)(self.address.bucket.as_deref().unwrap_or_default())
    }

    pub(crate) fn object(&self) -> Result<(BucketName, ObjectKey), Fault> {
        let bucket = self.bucket()?;
        let key = (self.grammar.key)(self.address.key.as_deref().unwrap_or_default())?;
        Ok((bucket, key))
    }

    /// The object with the version that `versionId` names.
    pub(crate) fn object_ref(&self) -> Result<ObjectRef, Fault> {
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
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.query.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        std::str::from_utf8(value)
            .map(Some)
            .map_err(|_| Fault::argument(name, String::from_utf8_lossy(value), "not UTF-8"))
    }

    /// A parameter that can't be left out.
    pub(crate) fn required(&self, name: &'static str) -> Result<&'a str, Fault> {
        if !self.query.has(name) {
            return Err(missing(name));
        }
        self.text(name)?
            .ok_or_else(|| Fault::argument(name, "", "must not be empty"))
    }

    /// `encoding-type`: whether names in the answer are to be percent-encoded.
    pub(crate) fn url_encoded(&self) -> Result<bool, Fault> {
        match self.text("encoding-type")? {
            None => Ok(false),
            Some("url") => Ok(true),
            Some(other) => Err(Fault::argument("encoding-type", other, "only url is known")),
        }
    }

    /// `max-keys` and the like.
    pub(crate) fn page_size(&self, name: &'static str) -> Result<u32, Fault> {
        (self.grammar.page_size)(self, name)
    }

    /// A prefix, delimiter or marker; empty when absent.
    pub(crate) fn name(&self, name: &'static str) -> Result<String, Fault> {
        let text = self.text(name)?.unwrap_or_default();
        if text.len() > KEY_BYTES_MAX {
            let reason = format!("at most {KEY_BYTES_MAX} bytes");
            return Err(Fault::argument(name, text, reason));
        }
        Ok(text.to_owned())
    }

    /// The upload that `uploadId` names.
    pub(crate) fn upload(&self) -> Result<UploadRef, Fault> {
        let (bucket, key) = self.object()?;
        Ok(UploadRef {
            bucket,
            key,
            upload_id: self.required("uploadId")?.to_owned(),
        })
    }

    /// `partNumber`.
    pub(crate) fn part_number(&self) -> Result<u16, Fault> {
        let text = self.required("partNumber")?;
        text.parse()
            .ok()
            .filter(|number| (1..=PART_NUMBER_MAX).contains(number))
            .ok_or_else(|| Fault::argument("partNumber", text, format!("1 to {PART_NUMBER_MAX}")))
    }

    /// `response-*`.
    pub(crate) fn overrides(&self) -> Result<ResponseOverrides, Fault> {
        let overriding = |name: &str| {
            self.query
                .get(name)
                .filter(|value| !value.is_empty())
                .map(|value| header_value(name, value))
                .transpose()
        };
        Ok(ResponseOverrides {
            cache_control: overriding("response-cache-control")?,
            content_disposition: overriding("response-content-disposition")?,
            content_encoding: overriding("response-content-encoding")?,
            content_language: overriding("response-content-language")?,
            content_type: overriding("response-content-type")?,
            expires: overriding("response-expires")?,
        })
    }
}

/// A CORS preflight.
pub(crate) fn preflight(input: &Input<'_>) -> Result<Op, Fault> {
    let bucket = input.bucket()?;
    let fields = input.fields();
    let (Some(origin), Some(method)) = (
        fields.text("origin")?,
        fields.text("access-control-request-method")?,
    ) else {
        return Err(FaultKind::IncompletePreflight.into());
    };
    let headers = fields
        .text("access-control-request-headers")?
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Op::OptionsObject(OptionsObject {
        bucket,
        origin: origin.to_owned(),
        method: method.to_owned(),
        headers,
    }))
}
