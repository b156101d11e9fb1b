//! May an answer be kept, and may a kept one be given: RFC 9111 sections 3 and 4, RFC 5861,
//! and the site's own rules in the order in which Alibaba Cloud CDN weighs them.

use http::header::{AUTHORIZATION, ETAG, EXPIRES, HeaderMap, LAST_MODIFIED, PRAGMA, SET_COOKIE};
use http::{Method, StatusCode};
use osier_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::age::date;
use crate::ttl::guess;
use crate::{
    Age, Exchange, MaxStale, RequestDirectives, ResponseDirectives, Source, TtlRules, VaryKey,
};

/// An answer that might be kept, and the request it answers.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Of the request.
    pub method: &'a Method,
    /// The path as it was sent, for the site's rules.
    pub path: &'a str,
    /// Of the request, as it was sent to the origin.
    pub request: &'a HeaderMap,
    /// Of the answer.
    pub status: StatusCode,
    /// Of the answer.
    pub headers: &'a HeaderMap,
    /// When.
    pub exchange: Exchange,
    /// Whether the client's signature was verified here, so that the origin's answer is not
    /// bound to whoever asked.
    pub verified: bool,
}

/// What is known of a kept answer's freshness. Made once, when it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    age: Age,
    lifetime_s: u64,
    /// Where the lifetime came from.
    pub source: Source,
    no_cache: bool,
    must_revalidate: bool,
    while_revalidate_s: u64,
    if_error_s: u64,
}

/// Why an answer may not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Only answers to GET are.
    Method,
    /// The status is interim, a piece, or says that this passes.
    Status,
    /// `no-store`, of either side.
    NoStore,
    /// `private`.
    Private,
    /// The request carried credentials, and nothing says that the answer is for everybody.
    Authorization,
    /// `Vary: *`.
    Vary,
    /// It sets a cookie, and no rule of the origin says that it may be shared.
    Cookie,
    /// It would have to be asked for again at once, and nothing lets one ask whether it changed.
    Lifetime,
}

/// Whether a kept answer may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Yes, with this age.
    Fresh {
        /// Seconds.
        age_s: u64,
    },
    /// The origin must be asked first. What to do meanwhile, or when it fails:
    Stale(StaleUse),
}

/// What may be done with a stale answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleUse {
    /// Seconds.
    pub age_s: u64,
    /// Give it now and ask the origin beside.
    pub while_revalidate: bool,
    /// Give it when the origin can't be reached or answers 5xx.
    pub if_error: bool,
}

impl Policy {
    /// Of an answer, under the rules of a site.
    ///
    /// # Errors
    /// Why it may not be kept.
    pub fn of(answer: &Answer<'_>, rules: &TtlRules) -> Result<Self, Refusal> {
        if answer.method != Method::GET {
            return Err(Refusal::Method);
        }
        if answer.status.is_informational()
            || matches!(
                answer.status,
                StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
            )
        {
            return Err(Refusal::Status);
        }
        // A client can cause these by the form of its request, and would be answered for all.
        if matches!(
            answer.status.as_u16(),
            400 | 403 | 405 | 406 | 408 | 411..=417 | 421 | 425 | 426 | 428 | 429 | 431 | 500..=599
        ) {
            return Err(Refusal::Status);
        }
        let said = ResponseDirectives::of(answer.headers);
        let asked = RequestDirectives::of(answer.request);
        let rule = rules.rule(answer.path, answer.headers);
        let forced = rule.is_some_and(|rule| rule.over_no_cache) && is_plain(answer.status);
        let understood = said.must_understand && is_understood(answer.status);
        if asked.no_store || (said.no_store && !understood && !forced) {
            return Err(Refusal::NoStore);
        }
        if said.private {
            return Err(Refusal::Private);
        }
        let shared = said.public || said.must_revalidate || said.s_maxage_s.is_some();
        if answer.request.contains_key(AUTHORIZATION) && !answer.verified && !shared {
            return Err(Refusal::Authorization);
        }
        if VaryKey::of(answer.request, answer.headers).is_none() {
            return Err(Refusal::Vary);
        }
        if answer.headers.contains_key(SET_COOKIE) && !said.public && said.s_maxage_s.is_none() {
            return Err(Refusal::Cookie);
        }
        let pragma = !said.present && pragma_no_cache(answer.headers);
        let no_cache = (said.no_cache || pragma) && !forced;
        let (lifetime_s, source) = lifetime(answer, &said, rules, no_cache);
        let validator =
            answer.headers.contains_key(ETAG) || answer.headers.contains_key(LAST_MODIFIED);
        if source == Source::Guess && !is_guessable(answer.status) && !said.public {
            return Err(Refusal::Status);
        }
        if (lifetime_s == 0 || no_cache) && !validator {
            return Err(Refusal::Lifetime);
        }
        Ok(Self {
            age: Age::of(answer.headers, answer.exchange),
            lifetime_s,
            source,
            no_cache,
            must_revalidate: said.must_revalidate || said.s_maxage_s.is_some(),
            while_revalidate_s: said.stale_while_revalidate_s.unwrap_or(0),
            if_error_s: said.stale_if_error_s.unwrap_or(0),
        })
    }

    /// Of an answer that may not be kept, for giving it once.
    pub fn expired(headers: &HeaderMap, exchange: Exchange) -> Self {
        Self {
            age: Age::of(headers, exchange),
            lifetime_s: 0,
            source: Source::Origin,
            no_cache: true,
            must_revalidate: true,
            while_revalidate_s: 0,
            if_error_s: 0,
        }
    }

    /// Whether the answer may be given at `now` to a request that says `asked`.
    pub fn reuse(&self, asked: &RequestDirectives, now: Timestamp) -> Reuse {
        let age_s = self.age.seconds(now);
        let mut limit_s = self.lifetime_s;
        if let Some(max_age_s) = asked.max_age_s {
            limit_s = limit_s.min(max_age_s.saturating_add(1));
        }
        let wanted_s = age_s.saturating_add(asked.min_fresh_s.unwrap_or(0));
        if !self.no_cache && !asked.no_cache && wanted_s < limit_s {
            return Reuse::Fresh { age_s };
        }
        let over_s = age_s.saturating_sub(self.lifetime_s);
        let strict = self.must_revalidate || self.no_cache || asked.no_cache;
        let tolerated = match asked.max_stale {
            Some(MaxStale::Any) => true,
            Some(MaxStale::Seconds(seconds)) => over_s <= seconds,
            None => false,
        };
        let too_old_for_client = asked
            .max_age_s
            .is_some_and(|max_age_s| age_s > max_age_s && !tolerated);
        if tolerated && !strict && !too_old_for_client && asked.min_fresh_s.is_none() {
            return Reuse::Fresh { age_s };
        }
        Reuse::Stale(StaleUse {
            age_s,
            while_revalidate: !strict
                && !too_old_for_client
                && asked.min_fresh_s.is_none()
                && over_s <= self.while_revalidate_s
                && self.while_revalidate_s > 0,
            if_error: !strict && over_s <= self.if_error_s && self.if_error_s > 0,
        })
    }

    /// What a site grants beside what the origin says: it never takes anything away.
    #[must_use]
    pub fn with_grace(mut self, while_revalidate_s: u64, if_error_s: u64) -> Self {
        self.while_revalidate_s = self.while_revalidate_s.max(while_revalidate_s);
        self.if_error_s = self.if_error_s.max(if_error_s);
        self
    }

    /// Seconds for which it stays fresh at `now`; none when it is not.
    pub fn ttl_s(&self, now: Timestamp) -> Option<u64> {
        self.lifetime_s
            .checked_sub(self.age.seconds(now))
            .filter(|_| !self.no_cache)
    }

    /// When the answer came.
    pub fn received(&self) -> Timestamp {
        self.age.received()
    }
}

/// A rule, else the origin's headers, else a guess; the origin's refusal before all.
fn lifetime(
    answer: &Answer<'_>,
    said: &ResponseDirectives,
    rules: &TtlRules,
    no_cache: bool,
) -> (u64, Source) {
    let told = told(answer.headers, said, answer.exchange.received);
    let rule = rules
        .rule(answer.path, answer.headers)
        .filter(|_| is_plain(answer.status));
    if let Some(rule) = rule {
        let origin_refuses = no_cache || (told == Some(0) && said.max_age_s == Some(0));
        let origin_first = rule.origin_first && told.is_some();
        if rule.over_no_cache || (!origin_refuses && !origin_first) {
            return (rule.ttl_s, Source::Rule);
        }
    }
    if let Some(seconds) = told {
        return (seconds, Source::Origin);
    }
    let modified = time(answer.headers, LAST_MODIFIED);
    let has_etag = answer.headers.contains_key(ETAG);
    let received = answer.exchange.received;
    (guess(modified, has_etag, received), Source::Guess)
}

/// `s-maxage`, `max-age`, `Expires`. More than one `Expires`, or one that is no date, is stale.
fn told(headers: &HeaderMap, said: &ResponseDirectives, received: Timestamp) -> Option<u64> {
    if let Some(seconds) = said.s_maxage_s.or(said.max_age_s) {
        return Some(seconds);
    }
    if said.targeted {
        return None;
    }
    let mut fields = headers.get_all(EXPIRES).iter();
    let first = fields.next()?;
    if fields.any(|other| other != first) {
        return Some(0);
    }
    let expires = first
        .to_str()
        .ok()
        .and_then(|text| Timestamp::parse_http_date(text).ok());
    let base = date(headers).unwrap_or(received);
    Some(expires.map_or(0, |expires| {
        u64::try_from(expires.as_seconds().saturating_sub(base.as_seconds())).unwrap_or(0)
    }))
}

pub(crate) fn time(headers: &HeaderMap, name: http::HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    Timestamp::parse_http_date(text).ok()
}

fn pragma_no_cache(headers: &HeaderMap) -> bool {
    headers
        .get_all(PRAGMA)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"no-cache"))
}

/// Statuses that the site's rules are about.
fn is_plain(status: StatusCode) -> bool {
    status.is_success() || matches!(status.as_u16(), 301 | 308)
}

/// Cacheable without being told so: RFC 9110, section 15.1.
fn is_guessable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Statuses whose rules of caching are known here.
fn is_understood(status: StatusCode) -> bool {
    is_guessable(status) || matches!(status.as_u16(), 302 | 303 | 307)
}

#[cfg(test)]
mod tests;
