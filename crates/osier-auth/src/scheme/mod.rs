//! Which scheme a request is signed with, and the answer that all of them give.
//!
//! The rules of reference section 2.0. A request signed twice is refused, since it can't be
//! told which signature means what the handler does. `PostObject` has a way of its own, `form`.

use std::borrow::Cow;

use http::{HeaderMap, Method};
use osier_types::{Fault, Query, Timestamp};

use crate::form::{FormAuthentication, FormFields};
use crate::{ChunkSigner, Identity, KeyRing, SigningKeys, form, s3, v1, v2, v4};

/// The head of a request, as far as signatures see it.
#[derive(Clone, Copy, Debug)]
pub struct SignedHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// All headers, as received.
    pub headers: &'a HeaderMap,
    /// The query string, decoded; `+` stands for itself.
    pub query: &'a Query,
    /// The query string as received, without `?`.
    pub raw_query: &'a str,
    /// The path as received, still encoded: S3 signs that.
    pub raw_path: &'a str,
    /// What the request may be addressed to, in order of preference.
    pub candidates: &'a [ResourceName],
    /// Other hosts that an S3 client may have meant, where a proxy has put its own into `Host`.
    pub hosts: &'a [HostReading],
}

/// A host under which the server is known, and what the request is addressed to under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostReading {
    /// As `Host` would have it, in lower case, with the port where there is one.
    pub host: String,
    /// Which of [`SignedHead::candidates`].
    pub candidate: usize,
}

/// Bucket and key as the client addressed them, decoded, not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceName {
    /// Bucket, or the alias the client used for it.
    pub bucket: Option<String>,
    /// Key.
    pub key: Option<Vec<u8>>,
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Nobody says.
    Anonymous,
    /// The signature is right.
    Signed(Signed),
}

/// A request whose signature is right.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The key that signed.
    pub access_key_id: String,
    /// Whom it stands for.
    pub identity: Identity,
    /// How it was signed.
    pub scheme: Scheme,
    /// Where the signature was.
    pub place: Place,
    /// Which of [`SignedHead::candidates`] was signed.
    pub candidate: usize,
    /// What the body must digest to, if the client committed to that.
    pub payload_sha256: Option<[u8; 32]>,
    /// The client signed `+` in the query as a blank: read the query by
    /// [`query_with_spaces`], or what is done is not what was signed.
    pub plus_is_space: bool,
    /// V1 only: `x-oss-*` parameters of the query are (or some of them) not covered by the
    /// signature. Some clients leave them out, so that is no error in itself.
    pub oss_query_unsigned: bool,
    /// S3 only: the body's chunks must be signed, and this verifies them.
    pub chunks: Option<Box<ChunkSigner>>,
    /// S3's V4 only: when it was signed, as it says itself.
    pub signed_at: Option<Timestamp>,
}

/// The signature schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `OSS`: HMAC-SHA1 over decoded text.
    V1,
    /// `OSS2`: HMAC-SHA256 over encoded text.
    V2,
    /// `OSS4-HMAC-SHA256`: derived keys, canonical request.
    V4,
    /// S3's `AWS`: HMAC-SHA1 over the path as sent.
    Aws2,
    /// S3's `AWS4-HMAC-SHA256`.
    Aws4,
}

/// Where a signature travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `Authorization`.
    Header,
    /// The query string: a signed URL.
    Url,
    /// The fields of a form.
    Form,
}

/// Which regions a V4 scope may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Regions {
    /// Any: users of a store of their own put anything there.
    #[default]
    Any,
    /// Only this one, with or without `oss-` before it.
    Only(String),
}

/// Verifies signatures; remembers derived V4 keys.
#[derive(Debug, Default)]
pub struct Verifier {
    /// Which regions are accepted.
    pub regions: Regions,
    /// Derived keys.
    pub signing_keys: SigningKeys,
}

/// Tells who sent a request. Keeps nothing; a server has a [`Verifier`].
///
/// # Errors
/// As [`Verifier::authenticate`].
pub fn authenticate(
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Authentication, Fault> {
    Verifier::default().authenticate(head, keyring, now)
}

impl Verifier {
    /// A verifier that accepts `regions`.
    pub fn new(regions: Regions) -> Self {
        Self {
            regions,
            ..Self::default()
        }
    }

    /// Tells who sent a request.
    ///
    /// # Errors
    /// When a signature is there and malformed, out of time, by an unknown or disabled key,
    /// with a security token that is not the key's, or not the one computed here.
    pub fn authenticate(
        &self,
        head: &SignedHead<'_>,
        keyring: &dyn KeyRing,
        now: Timestamp,
    ) -> Result<Authentication, Fault> {
        let aws2_url = head.query.has(s3::V2_URL);
        let aws4_url = s3::V4_URL.iter().any(|name| head.query.has(name));
        let v1_url = head.query.has(V1_URL_ID)
            || (!aws2_url && V1_URL.iter().any(|name| head.query.has(name)));
        let v4_url = NEW_URL.iter().any(|name| head.query.has(name));
        let signed = if head.headers.contains_key(http::header::AUTHORIZATION) {
            if URL_SIGNATURES.iter().any(|name| head.query.has(name)) {
                return Err(Fault::argument(
                    "Authorization",
                    "",
                    "the request is signed in a header and in the query",
                ));
            }
            self.by_header(head, keyring, now)?
        } else if [v1_url, v4_url, aws2_url, aws4_url]
            .into_iter()
            .filter(|has| *has)
            .count()
            > 1
        {
            let name = if v4_url {
                "x-oss-signature-version"
            } else {
                "X-Amz-Algorithm"
            };
            return Err(Fault::argument(
                name,
                head.query.text(name).unwrap_or_default(),
                "the query is signed by two schemes",
            ));
        } else if aws4_url {
            s3::v4::by_url(self, head, keyring, now)?
        } else if aws2_url {
            s3::v2::by_url(head, keyring, now)?
        } else if v1_url {
            v1::by_url(head, keyring, now)?
        } else if v4_url {
            self.by_new_url(head, keyring, now)?
        } else {
            return Ok(Authentication::Anonymous);
        };
        Ok(Authentication::Signed(signed))
    }

    /// Tells who sent a form, and under which policy.
    ///
    /// # Errors
    /// As [`Self::authenticate`], and when the policy can't be read or its time is over.
    pub fn authenticate_form(
        &self,
        fields: &FormFields<'_>,
        keyring: &dyn KeyRing,
        now: Timestamp,
    ) -> Result<FormAuthentication, Fault> {
        form::verify(self, fields, keyring, now)
    }

    fn by_header(
        &self,
        head: &SignedHead<'_>,
        keyring: &dyn KeyRing,
        now: Timestamp,
    ) -> Result<Signed, Fault> {
        let refuse = |value: &str, reason: &str| {
            // The header is not echoed whole: it holds a signature.
            let scheme = value.split(' ').next().unwrap_or_default();
            Err(Fault::argument("Authorization", scheme, reason))
        };
        let mut values = head.headers.get_all(http::header::AUTHORIZATION).iter();
        let (Some(Ok(value)), None) = (values.next().map(http::HeaderValue::to_str), values.next())
        else {
            return refuse("", "the header is not one line of ASCII");
        };
        match value.trim().split_once(' ') {
            Some(("OSS", rest)) => v1::by_header(head, rest, keyring, now),
            Some(("OSS2", rest)) => v2::by_header(head, rest, keyring, now),
            Some(("OSS4-HMAC-SHA256", rest)) => v4::by_header(self, head, rest, keyring, now),
            Some(("AWS4-HMAC-SHA256", rest)) => s3::v4::by_header(self, head, rest, keyring, now),
            Some(("AWS", rest)) => s3::v2::by_header(head, rest, keyring, now),
            _ => refuse(value, "the signature scheme is unknown"),
        }
    }

    fn by_new_url(
        &self,
        head: &SignedHead<'_>,
        keyring: &dyn KeyRing,
        now: Timestamp,
    ) -> Result<Signed, Fault> {
        match head.query.text("x-oss-signature-version") {
            Some("OSS4-HMAC-SHA256") => v4::by_url(self, head, keyring, now),
            Some("OSS2") => v2::by_url(head, keyring, now),
            other => Err(Fault::argument(
                "x-oss-signature-version",
                other.unwrap_or_default(),
                "the signature version is missing or unknown",
            )),
        }
    }
}

impl Regions {
    /// Whether a scope may name `region`.
    pub(crate) fn accept(&self, region: &str) -> bool {
        let bare = |text| str::strip_prefix(text, "oss-").unwrap_or(text);
        match self {
            Self::Any => !region.is_empty(),
            Self::Only(only) => bare(only) == bare(region),
        }
    }
}

/// The parameters of a query string whose `+` are blanks (see [`Signed::plus_is_space`]).
pub fn query_with_spaces(raw_query: &str) -> Query {
    Query::parse(&raw_query.replace('+', "%20"))
}

/// The ways to read the query, likelier first, each with its [`Signed::plus_is_space`].
///
/// Programs that build queries as forms are built (oss2 does) write a blank as `+` and a plus as
/// `%2B`, and V1 signs few parameters, so that both readings may fit. A literal plus is the rarer
/// case: text for `x-oss-process` written by hand.
pub(crate) fn readings<'a>(
    head: &SignedHead<'a>,
) -> impl Iterator<Item = (Cow<'a, Query>, bool)> + use<'a> {
    let raw_query = head.raw_query;
    let first = raw_query.contains('+').then_some(raw_query);
    first
        .into_iter()
        .map(|raw_query| (Cow::Owned(query_with_spaces(raw_query)), true))
        .chain(std::iter::once((Cow::Borrowed(head.query), false)))
}

/// Any of these makes a V1 URL; all are needed.
pub(crate) const V1_URL: [&str; 3] = [V1_URL_ID, "Expires", "Signature"];

/// This one no other scheme has.
const V1_URL_ID: &str = "OSSAccessKeyId";

/// Any of these makes a V2 or V4 URL.
const NEW_URL: [&str; 4] = [
    "x-oss-signature-version",
    "x-oss-signature",
    "x-oss-credential",
    "x-oss-access-key-id",
];

/// Any of these beside `Authorization` makes a request that is signed twice.
const URL_SIGNATURES: [&str; 8] = [
    V1_URL_ID,
    s3::V2_URL,
    "X-Amz-Signature",
    "X-Amz-Credential",
    "Signature",
    "x-oss-signature",
    "x-oss-credential",
    "x-oss-access-key-id",
];

#[cfg(test)]
mod tests;
