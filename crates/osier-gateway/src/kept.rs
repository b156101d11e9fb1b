//! Answers that are kept, and what is sent of them.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    PRAGMA, RANGE,
};
use http::{Method, StatusCode, request, response};
use osier_cache::{Policy, Standing, VaryKey, Verdict, Weigh, preconditions};
use osier_types::{ByteRange, RangeRequest, RangeSpec, ResolvedRange, Timestamp};

use crate::access_log::CacheUse;
use crate::cached::note;

/// Bytes of a slice, and of the largest body that is kept in one piece.
pub(crate) const SLICE_BYTES: u64 = 1 << 20;

/// One answer.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) status: StatusCode,
    /// As they go to clients, without `Age`.
    pub(crate) headers: HeaderMap,
    pub(crate) body: KeptBody,
    pub(crate) policy: Policy,
    pub(crate) vary: VaryKey,
    /// By which purges find it.
    pub(crate) tags: Box<[Box<str>]>,
    pub(crate) standing: Standing,
    /// What the last plain hit was headed by, and the age it told.
    pub(crate) last_head: LastHead,
}

/// What is kept of a body.
#[derive(Clone, Debug)]
pub(crate) enum KeptBody {
    /// All of it.
    Whole(Bytes),
    /// Slices, each on its own.
    Slices(Slices),
}

/// A body in slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slices {
    /// What stands for these bytes and no others: the strong `ETag`, the length, and the
    /// request headers that chose them.
    pub(crate) validator: Arc<str>,
    pub(crate) length: u64,
}

/// The head of an answer, and which bytes follow it.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) parts: response::Parts,
    /// Nothing where no body is sent.
    pub(crate) bytes: Option<Range<u64>>,
}

/// Headers of plain hits change once a second: they are made once a second.
#[derive(Debug, Default)]
pub(crate) struct LastHead(RwLock<Option<(u64, HeaderMap)>>);

/// What one name stands for in memory.
#[derive(Debug)]
pub(crate) enum Held {
    Answers(Variants),
    Slice(Slice),
}

/// A slice of a body.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) bytes: Bytes,
    pub(crate) standing: Standing,
}

impl Weigh for Held {
    fn weight(&self) -> usize {
        match self {
            Self::Answers(variants) => variants.0.iter().map(|kept| kept.weight()).sum(),
            Self::Slice(slice) => slice.bytes.len() + size_of::<Slice>(),
        }
    }
}

/// The answers under one name: they differ by what `Vary` names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variants(pub(crate) Vec<Arc<Kept>>);

/// Answers under one name at most; the oldest makes room.
const VARIANTS_MAX: usize = 8;

impl Variants {
    /// The answer for a request with these headers.
    pub(crate) fn choose(&self, request: &HeaderMap) -> Option<&Arc<Kept>> {
        self.0.iter().rev().find(|kept| kept.vary.matches(request))
    }

    /// These with one more, in the place of one for the same requests.
    pub(crate) fn with(&self, new: Arc<Kept>) -> Self {
        let others = self.0.iter().filter(|kept| kept.vary != new.vary);
        let mut all: Vec<_> = others.cloned().collect();
        if all.len() >= VARIANTS_MAX {
            all.remove(0);
        }
        all.push(new);
        Self(all)
    }
}

impl Kept {
    fn weight(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 16).sum();
        let body = match &self.body {
            KeptBody::Whole(bytes) => bytes.len(),
            KeptBody::Slices(slices) => slices.validator.len(),
        };
        // The headers are there once more for plain hits.
        body + 2 * headers + tags + size_of::<Self>()
    }

    /// Bytes of the whole body.
    pub(crate) fn length(&self) -> u64 {
        match &self.body {
            KeptBody::Whole(bytes) => bytes.len() as u64,
            KeptBody::Slices(slices) => slices.length,
        }
    }

    /// The head of a hit by a request that asks for nothing special.
    pub(crate) fn plain_head(&self, age_s: u64, now: Timestamp) -> response::Parts {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = self.status;
        let last = self
            .last_head
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((age, headers)) = &*last
            && *age == age_s
        {
            parts.headers = headers.clone();
            return parts;
        }
        drop(last);
        let mut headers = self.sized(self.length());
        headers.insert(AGE, HeaderValue::from(age_s));
        note(&mut headers, &self.hit_status(now), Some(CacheUse::Hit));
        let last = Some((age_s, headers.clone()));
        *self
            .last_head
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = last;
        parts.headers = headers;
        parts
    }

    /// What `Cache-Status` says of a hit.
    pub(crate) fn hit_status(&self, now: Timestamp) -> String {
        match self.policy.ttl_s(now) {
            Some(ttl_s) => format!("osier; hit; ttl={ttl_s}"),
            None => "osier; hit".to_owned(),
        }
    }

    /// The headers with the body's length.
    fn sized(&self, length: u64) -> HeaderMap {
        let mut headers = self.headers.clone();
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if self.status == StatusCode::OK {
            headers
                .entry(ACCEPT_RANGES)
                .or_insert(HeaderValue::from_static("bytes"));
        }
        headers
    }

    /// The answer to `head`, which is a GET or a HEAD.
    pub(crate) fn cut(&self, head: &request::Parts, age_s: u64) -> Cut {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        let length = self.length();
        parts.status = self.status;
        parts.headers = self.sized(length);
        parts.headers.insert(AGE, HeaderValue::from(age_s));
        let nothing = |parts| Cut { parts, bytes: None };
        let is_plain = self.status == StatusCode::OK;
        let ranges = match preconditions(&head.headers, &self.headers) {
            Verdict::NotModified if is_plain => {
                parts.status = StatusCode::NOT_MODIFIED;
                parts.headers.remove(CONTENT_LENGTH);
                return nothing(parts);
            }
            Verdict::Failed if is_plain => {
                parts.status = StatusCode::PRECONDITION_FAILED;
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                return nothing(parts);
            }
            Verdict::Send { ranges } => ranges && is_plain && head.method == Method::GET,
            Verdict::NotModified | Verdict::Failed => false,
        };
        let mut bytes = 0..length;
        match range(&head.headers)
            .filter(|_| ranges)
            .map(|asked| asked.resolve(length))
        {
            Some(ResolvedRange::Part(ByteRange { start, end })) => {
                parts.status = StatusCode::PARTIAL_CONTENT;
                let text = format!("bytes {start}-{}/{length}", end - 1);
                if let Ok(value) = HeaderValue::from_str(&text) {
                    parts.headers.insert(CONTENT_RANGE, value);
                }
                parts
                    .headers
                    .insert(CONTENT_LENGTH, HeaderValue::from(end - start));
                bytes = start..end;
            }
            Some(ResolvedRange::Unsatisfiable) => {
                parts.status = StatusCode::RANGE_NOT_SATISFIABLE;
                if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
                    parts.headers.insert(CONTENT_RANGE, value);
                }
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                return nothing(parts);
            }
            Some(ResolvedRange::Whole) | None => {}
        }
        let bytes = (head.method != Method::HEAD).then_some(bytes);
        Cut { parts, bytes }
    }

    /// Conditions that let the origin say that this answer is still good.
    pub(crate) fn ask(&self, request: &mut HeaderMap) {
        for (condition, validator) in [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)] {
            if let Some(value) = self.headers.get(validator) {
                request.insert(condition, value.clone());
            }
        }
    }
}

/// Whether a kept answer is sent as it is: a GET without conditions, ranges and directives.
pub(crate) fn is_plain(head: &request::Parts) -> bool {
    head.method == Method::GET
        && head.headers.keys().all(|name| {
            ![
                CACHE_CONTROL,
                IF_MATCH,
                IF_MODIFIED_SINCE,
                IF_NONE_MATCH,
                IF_RANGE,
                IF_UNMODIFIED_SINCE,
                PRAGMA,
                RANGE,
            ]
            .contains(name)
        })
}

/// One range of bytes. Several at once are answered with everything, as RFC 9110 allows.
pub(crate) fn range(headers: &HeaderMap) -> Option<RangeRequest> {
    let mut fields = headers.get_all(RANGE).iter();
    let text = fields.next()?.to_str().ok()?;
    if fields.next().is_some() {
        return None;
    }
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let spec = match (first.trim(), last.trim()) {
        ("", last) => RangeSpec::Last(number(last)?),
        (first, "") => RangeSpec::From(number(first)?),
        (first, last) => RangeSpec::FromTo(number(first)?, number(last)?),
    };
    Some(RangeRequest {
        spec,
        standard: true,
    })
}

#[cfg(test)]
mod tests {
    use osier_cache::{Answer, Exchange, Purges, TtlRules};
    use osier_types::Timestamp;

    use super::*;

    fn kept() -> Kept {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("\"e\""));
        headers.insert("cache-control", HeaderValue::from_static("max-age=9"));
        let now = Timestamp::from_seconds(1);
        let answer = Answer {
            method: &Method::GET,
            path: "/",
            request: &HeaderMap::new(),
            status: StatusCode::OK,
            headers: &headers,
            exchange: Exchange {
                requested: now,
                received: now,
            },
            verified: false,
        };
        Kept {
            status: StatusCode::OK,
            policy: Policy::of(&answer, &TtlRules::default()).unwrap(),
            vary: VaryKey::default(),
            headers,
            body: KeptBody::Whole(Bytes::from_static(b"0123456789")),
            tags: Box::default(),
            standing: Standing::new(Purges::new(1).born()),
            last_head: LastHead::default(),
        }
    }

    fn answered(method: &str, fields: &[(&str, &str)]) -> (u16, Vec<u8>, HeaderMap) {
        let mut builder = http::Request::builder().method(method).uri("/");
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let head = builder.body(()).unwrap().into_parts().0;
        let cut = kept().cut(&head, 3);
        let place = |offset: u64| usize::try_from(offset).unwrap();
        let bytes = cut
            .bytes
            .map_or(0..0, |bytes| place(bytes.start)..place(bytes.end));
        let body = b"0123456789"[bytes].to_vec();
        (cut.parts.status.as_u16(), body, cut.parts.headers)
    }

    #[test]
    fn whole_and_in_part() {
        let (status, body, headers) = answered("GET", &[]);
        assert_eq!((status, body.as_slice()), (200, &b"0123456789"[..]));
        assert_eq!(
            (&headers["age"], &headers["content-length"]),
            (&"3".parse().unwrap(), &"10".parse().unwrap())
        );
        for (asked, status, text) in [
            ("bytes=2-4", 206, "234"),
            ("bytes=8-", 206, "89"),
            ("bytes=-3", 206, "789"),
            ("bytes=5-99", 206, "56789"),
            ("bytes=10-", 416, ""),
            ("bytes=1-2,4-5", 200, "0123456789"),
            ("lines=1-2", 200, "0123456789"),
        ] {
            let (got, body, _) = answered("GET", &[("range", asked)]);
            assert_eq!((got, body.as_slice()), (status, text.as_bytes()), "{asked}");
        }
        let (status, body, headers) = answered("HEAD", &[("range", "bytes=2-4")]);
        assert_eq!((status, body.len()), (200, 0));
        assert_eq!(headers["content-length"], "10");
    }

    #[test]
    fn conditions() {
        assert_eq!(answered("GET", &[("if-none-match", "\"e\"")]).0, 304);
        assert_eq!(answered("GET", &[("if-match", "\"x\"")]).0, 412);
        let asked = [("range", "bytes=0-0"), ("if-range", "\"x\"")];
        assert_eq!(answered("GET", &asked).0, 200);
    }

    #[test]
    fn variants_are_told_apart_and_bounded() {
        let mut variants = Variants::default();
        for number in 0..20 {
            let mut request = HeaderMap::new();
            request.insert("x", HeaderValue::from(number));
            let mut response = HeaderMap::new();
            response.insert("vary", HeaderValue::from_static("x"));
            let vary = VaryKey::of(&request, &response).unwrap();
            let new = Kept { vary, ..kept() };
            variants = variants.with(Arc::new(new));
            assert!(variants.choose(&request).is_some());
        }
        assert_eq!(variants.0.len(), VARIANTS_MAX);
        assert!(variants.choose(&HeaderMap::new()).is_none());
    }
}
