//! The checksums of S3 in the heads of requests: what a client says of the body it sends, and
//! of the object that parts will become.

use http::HeaderMap;
use osier_types::{
    Checksum, ChecksumAlgorithm, ChecksumPlan, ChecksumPromise, ChecksumType, Fault, FaultKind,
};

use crate::request::fields::Fields;

/// The checksum of the body, where a header brings it.
///
/// # Errors
/// When there are several, or one can't be read.
pub fn checksum_sent(headers: &HeaderMap) -> Result<Option<Checksum>, Fault> {
    checksum_in(Fields::Headers(headers))
}

/// The same for the fields of a form, too.
pub(crate) fn checksum_in(fields: Fields<'_>) -> Result<Option<Checksum>, Fault> {
    let mut found = None;
    for algorithm in ChecksumAlgorithm::ALL {
        let Some(text) = fields.text(algorithm.header())? else {
            continue;
        };
        let checksum = Checksum::parse(algorithm, text).ok_or_else(|| {
            invalid(format!(
                "the value of `{}` is no checksum",
                algorithm.header()
            ))
        })?;
        if found.replace(checksum).is_some() {
            return Err(invalid("it has more than one `x-amz-checksum-*`"));
        }
    }
    Ok(found)
}

/// What a client says of the checksum of a body that will be kept. One that says nothing gets
/// CRC-64/NVME.
///
/// # Errors
/// As [`checksum_sent`], and when the SDK names an algorithm and sends another or none.
pub fn checksum_promise(headers: &HeaderMap) -> Result<ChecksumPromise, Fault> {
    let trailing = match text(headers, "x-amz-trailer")? {
        None => None,
        Some(name) => {
            let algorithm = ChecksumAlgorithm::of_header(name);
            let refuse =
                || Fault::argument("x-amz-trailer", name, "expected the name of a checksum");
            Some(ChecksumPromise::Trailing(algorithm.ok_or_else(refuse)?))
        }
    };
    let promise = match (checksum_sent(headers)?, trailing) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "it has a checksum in a header and one in the trailer",
            ));
        }
        (sent, trailing) => sent.map(ChecksumPromise::Sent).or(trailing),
    };
    let named = algorithm(headers, "x-amz-sdk-checksum-algorithm")?;
    match (named, promise) {
        (Some(named), promise) if promise.map(|it| it.algorithm()) != Some(named) => {
            Err(invalid(format!(
                "`x-amz-sdk-checksum-algorithm` is {}, but there is no `{}`, as header or trailer",
                named.name(),
                named.header()
            )))
        }
        (_, promise) => {
            Ok(promise.unwrap_or(ChecksumPromise::Unsent(ChecksumAlgorithm::Crc64Nvme)))
        }
    }
}

/// The checksum that the object of an upload in parts shall have.
///
/// # Errors
/// When the algorithm is unknown or can't cover an object in the way asked for.
pub fn checksum_plan(headers: &HeaderMap) -> Result<Option<ChecksumPlan>, Fault> {
    let kind = checksum_type(headers)?;
    let Some(algorithm) = checksum_algorithm(headers)? else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(invalid(
                "`x-amz-checksum-type` goes with `x-amz-checksum-algorithm`",
            )),
        };
    };
    let kind = kind.unwrap_or(algorithm.default_type());
    if !algorithm.supports(kind) {
        return Err(invalid(format!(
            "the checksum type {} can't be had with {}",
            kind.name(),
            algorithm.name()
        )));
    }
    Ok(Some(ChecksumPlan { algorithm, kind }))
}

/// `x-amz-checksum-algorithm`: of a copy, or of an upload in parts.
///
/// # Errors
/// When it is unknown.
pub fn checksum_algorithm(headers: &HeaderMap) -> Result<Option<ChecksumAlgorithm>, Fault> {
    algorithm(headers, "x-amz-checksum-algorithm")
}

/// `x-amz-checksum-type`.
///
/// # Errors
/// When it is unknown.
pub fn checksum_type(headers: &HeaderMap) -> Result<Option<ChecksumType>, Fault> {
    text(headers, "x-amz-checksum-type")?
        .map(|name| {
            let unknown = || invalid("`x-amz-checksum-type` is FULL_OBJECT or COMPOSITE");
            ChecksumType::of_name(name).ok_or_else(unknown)
        })
        .transpose()
}

/// What a completion says of the object's checksum, as it was sent.
///
/// # Errors
/// When there are several.
pub fn checksum_of_object(
    headers: &HeaderMap,
) -> Result<Option<(ChecksumAlgorithm, String)>, Fault> {
    let mut found = None;
    for algorithm in ChecksumAlgorithm::ALL {
        let text = text(headers, algorithm.header())?;
        let text = text.map(|text| (algorithm, text.to_owned()));
        if text.is_some() && found.is_some() {
            return Err(invalid("it has more than one `x-amz-checksum-*`"));
        }
        found = found.or(text);
    }
    Ok(found)
}

fn algorithm(headers: &HeaderMap, name: &'static str) -> Result<Option<ChecksumAlgorithm>, Fault> {
    text(headers, name)?
        .map(|value| {
            ChecksumAlgorithm::of_name(value).ok_or_else(|| {
                invalid(format!(
                    "`{name}` is none of CRC32, CRC32C, CRC64NVME, SHA1 and SHA256"
                ))
            })
        })
        .transpose()
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Fault> {
    Fields::Headers(headers).text(name)
}

fn invalid(reason: impl Into<String>) -> Fault {
    FaultKind::InvalidRequest {
        reason: reason.into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect()
    }

    const CRC32: (&str, &str) = ("x-amz-checksum-crc32", "y/Q5Jg==");

    #[test]
    fn promises() {
        let of = |fields: &[(&'static str, &'static str)]| checksum_promise(&headers(fields));
        let unsent = ChecksumPromise::Unsent(ChecksumAlgorithm::Crc64Nvme);
        assert_eq!(of(&[]).unwrap(), unsent);
        let sent = ChecksumPromise::Sent(Checksum::Crc32(0xCBF4_3926));
        let named = ("x-amz-sdk-checksum-algorithm", "CRC32");
        assert_eq!(of(&[CRC32]).unwrap(), sent);
        assert_eq!(of(&[CRC32, named]).unwrap(), sent);
        let trailer = ("x-amz-trailer", "x-amz-checksum-crc32");
        let trailing = ChecksumPromise::Trailing(ChecksumAlgorithm::Crc32);
        assert_eq!(of(&[trailer, named]).unwrap(), trailing);
        for wrong in [
            &[named][..],
            &[CRC32, ("x-amz-sdk-checksum-algorithm", "SHA1")],
            &[CRC32, ("x-amz-sdk-checksum-algorithm", "MD4")],
            &[CRC32, trailer],
            &[CRC32, ("x-amz-checksum-crc32c", "4waSgw==")],
            &[("x-amz-checksum-crc32", "y/Q5Jg")],
            &[("x-amz-checksum-sha1", "y/Q5Jg==")],
            &[("x-amz-trailer", "x-amz-meta-a")],
        ] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn plans() {
        let of = |fields: &[(&'static str, &'static str)]| checksum_plan(&headers(fields));
        assert_eq!(of(&[]).unwrap(), None);
        for (name, kind, expected) in [
            ("CRC32", None, Some(ChecksumType::Composite)),
            (
                "crc32c",
                Some("FULL_OBJECT"),
                Some(ChecksumType::FullObject),
            ),
            ("CRC64NVME", None, Some(ChecksumType::FullObject)),
            ("CRC64NVME", Some("COMPOSITE"), None),
            ("SHA256", Some("FULL_OBJECT"), None),
            ("SHA1", Some("composite"), None),
            ("MD5", None, None),
        ] {
            let mut fields = vec![("x-amz-checksum-algorithm", name)];
            fields.extend(kind.map(|kind| ("x-amz-checksum-type", kind)));
            let plan = of(&fields);
            assert_eq!(plan.is_ok(), expected.is_some(), "{name} {kind:?}");
            if let Ok(plan) = plan {
                assert_eq!(plan.map(|plan| plan.kind), expected, "{name} {kind:?}");
            }
        }
        assert!(of(&[("x-amz-checksum-type", "COMPOSITE")]).is_err());
    }
}
