//! Arguments that travel in headers, or in the fields of a form: what is read
//! the same in every dialect.
//!
//! Whatever is kept comes back one day as a response header, so that every
//! value is one: no line ends, no control characters.

use base64::Engine as _;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use osier_types::limits::USER_META_BYTES_MAX;
use osier_types::{
    BucketName, ContentHeaders, Fault, FaultKind, HeaderBytes, InvalidTags, Md5, RangeSpec,
    ReadConditions, Tag, Tags, Timestamp, VersionId, percent_decode,
};

/// Headers of a request, or fields of a form, which mean the same.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'a> {
    Headers(&'a HeaderMap),
    /// Names in lower case.
    Form(&'a [(String, Vec<u8>)]),
}

/// A bucket's name.
pub(crate) fn bucket_name(text: &str) -> Result<BucketName, Fault> {
    BucketName::parse(text).map_err(|error| Fault::new(FaultKind::InvalidBucketName(error.0)))
}

/// A version id. One that was never given out names no version; an empty one is a mistake.
pub(crate) fn version_id(text: &str) -> Result<VersionId, Fault> {
    if text.is_empty() {
        return Err(Fault::argument("versionId", "", "must not be empty"));
    }
    VersionId::parse(text).map_err(|_| {
        Fault::new(FaultKind::NoSuchVersion {
            version: text.chars().take(200).collect(),
        })
    })
}

pub(crate) fn invalid_tags(error: &InvalidTags) -> Fault {
    Fault::new(FaultKind::InvalidTag {
        reason: error.to_string(),
    })
}

/// Tags as `key=value&key=value`, where `+` is a space as in every form.
pub(crate) fn tags_of_form(text: &[u8], max: usize) -> Result<Tags, Fault> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part
            .iter()
            .map(|&byte| if byte == b'+' { b' ' } else { byte })
            .collect();
        String::from_utf8(percent_decode(&spaced)).map_err(|_| {
            Fault::new(FaultKind::InvalidTag {
                reason: "a tag is not UTF-8".to_owned(),
            })
        })
    };
    let tags: Vec<Tag> = text
        .split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            Ok(Tag {
                key: decode(halves.next().unwrap_or_default())?,
                value: decode(halves.next().unwrap_or_default())?,
            })
        })
        .collect::<Result<_, Fault>>()?;
    Tags::new(tags, max).map_err(|error| invalid_tags(&error))
}

/// The `Range` header. One that can't be understood, or that has several ranges, asks for all.
pub(crate) fn range(value: &str) -> Option<RangeSpec> {
    let (unit, ranges) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(RangeSpec::Last(number(last)?)),
        (first, "") => Some(RangeSpec::From(number(first)?)),
        (first, last) => Some(RangeSpec::FromTo(number(first)?, number(last)?)),
    }
}

/// Digits; more than fit mean as much as fits.
fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// `If-*`, or with a prefix those of a copy's source. Dates that are none do not count.
pub(crate) fn conditions(headers: &HeaderMap, prefix: &str) -> ReadConditions {
    let text = |name: &str| {
        headers
            .get(format!("{prefix}{name}"))
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let date = |name: &str| text(name).and_then(|text| Timestamp::parse_http_date(&text).ok());
    ReadConditions {
        if_match: text("if-match"),
        if_none_match: text("if-none-match"),
        if_modified_since: date("if-modified-since"),
        if_unmodified_since: date("if-unmodified-since"),
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a [u8]> {
        match self {
            Self::Headers(headers) => headers.get(name).map(HeaderValue::as_bytes),
            Self::Form(fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.as_slice()),
        }
    }

    /// All fields whose name begins with `prefix`, without it.
    fn with_prefix(self, prefix: &str) -> Vec<(&'a str, &'a [u8])> {
        let cut = |name: &'a str| name.strip_prefix(prefix);
        match self {
            Self::Headers(headers) => headers
                .iter()
                .filter_map(|(name, value)| Some((cut(name.as_str())?, value.as_bytes())))
                .collect(),
            Self::Form(fields) => fields
                .iter()
                .filter_map(|(name, value)| Some((cut(name)?, value.as_slice())))
                .collect(),
        }
    }

    /// A field as text without the space around it; empty counts as absent.
    pub(crate) fn text(self, name: &'static str) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(value)
            .map_err(|_| Fault::argument(name, String::from_utf8_lossy(value), "not UTF-8"))?
            .trim();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A field that is kept as a response header; empty counts as absent.
    pub(crate) fn kept(self, name: &str) -> Result<Option<HeaderBytes>, Fault> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .map(|value| header_value(name, value))
            .transpose()
    }

    /// `true` or `false`, in either case, since Python writes `True`.
    pub(crate) fn flag(self, name: &'static str) -> Result<bool, Fault> {
        match self.text(name)? {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(Fault::argument(name, text, "true or false")),
        }
    }

    pub(crate) fn content_headers(self) -> Result<ContentHeaders, Fault> {
        Ok(ContentHeaders {
            cache_control: self.kept("cache-control")?,
            content_disposition: self.kept("content-disposition")?,
            content_encoding: self.kept("content-encoding")?,
            content_language: self.kept("content-language")?,
            content_type: self.kept("content-type")?,
            expires: self.kept("expires")?,
        })
    }

    /// `x-oss-meta-*` or `x-amz-meta-*`. Of a name that comes several times the values are joined, as HTTP has it.
    pub(crate) fn user_meta(
        self,
        prefix: &'static str,
    ) -> Result<Vec<(String, HeaderBytes)>, Fault> {
        let mut kept: Vec<(String, HeaderBytes)> = Vec::new();
        let mut bytes = 0;
        for (name, value) in self.with_prefix(prefix) {
            bytes += prefix.len() + name.len() + value.len();
            if bytes > USER_META_BYTES_MAX {
                return Err(too_much_metadata());
            }
            let full = || format!("{prefix}{name}");
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(Fault::argument(full(), "", "not a header name"));
            }
            let value = header_value(&full(), value)?;
            match kept.iter_mut().find(|(other, _)| other == name) {
                Some((_, joined)) => {
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(&value);
                }
                None => kept.push((name.to_owned(), value)),
            }
        }
        Ok(kept)
    }

    /// `Content-MD5`.
    pub(crate) fn content_md5(self) -> Result<Option<Md5>, Fault> {
        let Some(value) = self.get("content-md5").filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        base64_decode(value.trim_ascii())
            .and_then(|bytes| Md5::try_from(bytes).ok())
            .map(Some)
            .ok_or_else(|| Fault::new(FaultKind::InvalidDigest))
    }
}

/// A digest in hex; anything else, such as `UNSIGNED-PAYLOAD`, says nothing of the body.
pub(crate) fn sha256(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Vec<u8> = text
        .chunks(2)
        .map(|pair| match pair {
            &[high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

/// Checks that `value` can be sent as a response header.
pub(crate) fn header_value(name: &str, value: &[u8]) -> Result<HeaderBytes, Fault> {
    HeaderValue::from_bytes(value)
        .map(|_| value.to_vec())
        .map_err(|_| {
            let shown = String::from_utf8_lossy(value).escape_debug().to_string();
            Fault::argument(name, shown, "control characters are not allowed")
        })
}

pub(crate) fn too_much_metadata() -> Fault {
    Fault::new(FaultKind::MetadataTooLarge {
        max: USER_META_BYTES_MAX,
    })
}

pub(crate) fn missing(name: &str) -> Fault {
    Fault::new(FaultKind::MissingArgument {
        name: name.to_owned(),
    })
}

/// Base64 in the standard alphabet, with or without padding.
pub(crate) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text).ok()
}
