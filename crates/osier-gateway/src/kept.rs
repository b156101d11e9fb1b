//! Answers that are kept, and what is sent of them.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AGE, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RANGE,
};
use http::{Method, StatusCode, request};
use osier_cache::{Born, Policy, VaryKey, Verdict, Weigh, preconditions};
use osier_http::{Outgoing, OutgoingBody};
use osier_types::{ByteRange, RangeRequest, RangeSpec, ResolvedRange};

/// One answer, whole.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) status: StatusCode,
    /// As they go to clients, without `Age`.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) policy: Policy,
    pub(crate) vary: VaryKey,
    pub(crate) born: Born,
}

/// The answers under one name: they differ by what `Vary` names.
#[derive(Debug, Default)]
pub(crate) struct Variants(Vec<Arc<Kept>>);

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

impl Weigh for Variants {
    fn weight(&self) -> usize {
        self.0.iter().map(|kept| kept.weight()).sum()
    }
}

impl Kept {
    fn weight(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        self.body.len() + headers + size_of::<Self>()
    }

    /// The answer to `head`, which is a GET or a HEAD.
    pub(crate) fn answer(&self, head: &request::Parts, age_s: u64) -> Outgoing {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = self.status;
        parts.headers = self.headers.clone();
        parts.headers.insert(AGE, HeaderValue::from(age_s));
        let is_plain = self.status == StatusCode::OK;
        let ranges = match preconditions(&head.headers, &self.headers) {
            Verdict::NotModified if is_plain => {
                parts.status = StatusCode::NOT_MODIFIED;
                parts.headers.remove(CONTENT_LENGTH);
                return empty(parts);
            }
            Verdict::Failed if is_plain => {
                parts.status = StatusCode::PRECONDITION_FAILED;
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                return empty(parts);
            }
            Verdict::Send { ranges } => ranges && is_plain && head.method == Method::GET,
            Verdict::NotModified | Verdict::Failed => false,
        };
        let length = self.body.len() as u64;
        let mut body = self.body.clone();
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
                let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
                body = body.slice(place(start)..place(end));
            }
            Some(ResolvedRange::Unsatisfiable) => {
                parts.status = StatusCode::RANGE_NOT_SATISFIABLE;
                if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
                    parts.headers.insert(CONTENT_RANGE, value);
                }
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                return empty(parts);
            }
            Some(ResolvedRange::Whole) | None => {}
        }
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if is_plain {
            parts
                .headers
                .entry(ACCEPT_RANGES)
                .or_insert(HeaderValue::from_static("bytes"));
        }
        if head.method == Method::HEAD {
            return empty(parts);
        }
        Outgoing {
            parts,
            body: OutgoingBody::Full(body),
        }
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

fn empty(parts: http::response::Parts) -> Outgoing {
    Outgoing {
        parts,
        body: OutgoingBody::Empty,
    }
}

/// One range of bytes. Several at once are answered with everything, as RFC 9110 allows.
fn range(headers: &HeaderMap) -> Option<RangeRequest> {
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
            body: Bytes::from_static(b"0123456789"),
            born: Purges::new(1).born(),
        }
    }

    fn answered(method: &str, fields: &[(&str, &str)]) -> (u16, Vec<u8>, HeaderMap) {
        let mut builder = http::Request::builder().method(method).uri("/");
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let head = builder.body(()).unwrap().into_parts().0;
        let answer = kept().answer(&head, 3);
        let body = match answer.body {
            OutgoingBody::Full(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        (answer.parts.status.as_u16(), body, answer.parts.headers)
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
