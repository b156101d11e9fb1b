use http::{HeaderName, HeaderValue};

use super::*;
use crate::{TtlRule, TtlTarget};

const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

struct Case {
    method: Method,
    status: u16,
    request: HeaderMap,
    response: HeaderMap,
    rules: TtlRules,
    verified: bool,
}

fn case(response: &[(&str, &str)]) -> Case {
    Case {
        method: Method::GET,
        status: 200,
        request: HeaderMap::new(),
        response: headers(response),
        rules: TtlRules::default(),
        verified: false,
    }
}

impl Case {
    fn policy(&self) -> Result<Policy, Refusal> {
        let answer = Answer {
            method: &self.method,
            path: "/a.jpg",
            request: &self.request,
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: &self.response,
            exchange: Exchange {
                requested: NOW,
                received: NOW,
            },
            verified: self.verified,
        };
        Policy::of(&answer, &self.rules)
    }

    fn lifetime(&self) -> Result<u64, Refusal> {
        self.policy().map(|policy| policy.lifetime_s)
    }

    fn asked(mut self, fields: &[(&str, &str)]) -> Self {
        self.request = headers(fields);
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn rule(mut self, ttl_s: u64, origin_first: bool, over_no_cache: bool) -> Self {
        self.rules = TtlRules::new(vec![TtlRule {
            target: TtlTarget::Extensions(vec!["jpg".to_owned()]),
            ttl_s,
            weight: 1,
            origin_first,
            over_no_cache,
        }]);
        self
    }
}

#[test]
fn the_origins_numbers_in_their_order() {
    let later = NOW.plus_millis(100_000).http_date();
    let date = NOW.http_date();
    let fields = [
        ("cache-control", "max-age=20, s-maxage=30"),
        ("expires", &later),
    ];
    assert_eq!(case(&fields).lifetime(), Ok(30));
    assert_eq!(
        case(&[("cache-control", "max-age=20"), ("expires", &later)]).lifetime(),
        Ok(20)
    );
    assert_eq!(
        case(&[("date", &date), ("expires", &later)]).lifetime(),
        Ok(100)
    );
    assert_eq!(case(&[("expires", "0")]).lifetime(), Err(Refusal::Lifetime));
    assert_eq!(
        case(&[("expires", "0"), ("etag", "\"a\"")]).lifetime(),
        Ok(0)
    );
    assert_eq!(
        case(&[("expires", &later), ("expires", &date), ("etag", "\"a\"")]).lifetime(),
        Ok(0)
    );
}

#[test]
fn what_is_never_kept() {
    let fresh = ("cache-control", "max-age=60");
    let mut post = case(&[fresh]);
    post.method = Method::POST;
    assert_eq!(post.lifetime(), Err(Refusal::Method));
    assert_eq!(case(&[fresh]).status(206).lifetime(), Err(Refusal::Status));
    assert_eq!(case(&[fresh]).status(304).lifetime(), Err(Refusal::Status));
    assert_eq!(
        case(&[("cache-control", "no-store, max-age=60")]).lifetime(),
        Err(Refusal::NoStore)
    );
    assert_eq!(
        case(&[fresh])
            .asked(&[("cache-control", "no-store")])
            .lifetime(),
        Err(Refusal::NoStore)
    );
    assert_eq!(
        case(&[("cache-control", "private, max-age=60")]).lifetime(),
        Err(Refusal::Private)
    );
    assert_eq!(case(&[fresh, ("vary", "*")]).lifetime(), Err(Refusal::Vary));
    assert_eq!(
        case(&[fresh, ("set-cookie", "a=1")]).lifetime(),
        Err(Refusal::Cookie)
    );
    assert_eq!(case(&[]).lifetime(), Err(Refusal::Lifetime));
    assert_eq!(
        case(&[("etag", "\"a\"")]).status(500).lifetime(),
        Err(Refusal::Status)
    );
}

#[test]
fn credentials_bind_an_answer_to_their_owner_unless_it_says_otherwise() {
    let signed = [("authorization", "OSS4-HMAC-SHA256 x")];
    let fresh = [("cache-control", "max-age=60")];
    assert_eq!(
        case(&fresh).asked(&signed).lifetime(),
        Err(Refusal::Authorization)
    );
    for shared in [
        "public, max-age=60",
        "s-maxage=60",
        "must-revalidate, max-age=60",
    ] {
        assert_eq!(
            case(&[("cache-control", shared)]).asked(&signed).lifetime(),
            Ok(60)
        );
    }
    let mut verified = case(&fresh).asked(&signed);
    verified.verified = true;
    assert_eq!(verified.lifetime(), Ok(60));
}

#[test]
fn rules_come_before_the_origins_numbers_and_behind_its_refusal() {
    let fields = [("cache-control", "max-age=60"), ("etag", "\"a\"")];
    assert_eq!(case(&fields).rule(900, false, false).lifetime(), Ok(900));
    assert_eq!(case(&fields).rule(900, true, false).lifetime(), Ok(60));
    assert_eq!(case(&[]).rule(900, true, false).lifetime(), Ok(900));
    let none = [("cache-control", "max-age=0"), ("etag", "\"a\"")];
    assert_eq!(case(&none).rule(900, false, false).lifetime(), Ok(0));
    let no_cache =
        case(&[("cache-control", "no-cache"), ("etag", "\"a\"")]).rule(900, false, false);
    let policy = no_cache.policy().unwrap();
    assert!(matches!(
        policy.reuse(&RequestDirectives::default(), NOW),
        Reuse::Stale(_)
    ));
    let forced = case(&[("cache-control", "no-store")]).rule(900, false, true);
    assert_eq!(forced.lifetime(), Ok(900));
    let private = case(&[("cache-control", "private")]).rule(900, false, true);
    assert_eq!(private.lifetime(), Err(Refusal::Private));
    assert_eq!(
        case(&[]).rule(900, false, false).status(404).lifetime(),
        Err(Refusal::Lifetime)
    );
}

#[test]
fn a_fresh_answer_is_given_as_long_as_both_sides_agree() {
    let policy = case(&[("cache-control", "max-age=60")]).policy().unwrap();
    let at = |seconds: i64, asked: &[(&str, &str)]| {
        policy.reuse(
            &RequestDirectives::of(&headers(asked)),
            NOW.plus_millis(seconds * 1000),
        )
    };
    assert_eq!(at(59, &[]), Reuse::Fresh { age_s: 59 });
    let stale = StaleUse {
        age_s: 60,
        while_revalidate: false,
        if_error: false,
    };
    assert_eq!(at(60, &[]), Reuse::Stale(stale));
    assert!(matches!(
        at(10, &[("cache-control", "no-cache")]),
        Reuse::Stale(_)
    ));
    assert!(matches!(
        at(10, &[("cache-control", "max-age=9")]),
        Reuse::Stale(_)
    ));
    assert_eq!(
        at(10, &[("cache-control", "max-age=10")]),
        Reuse::Fresh { age_s: 10 }
    );
    assert!(matches!(
        at(10, &[("cache-control", "min-fresh=50")]),
        Reuse::Stale(_)
    ));
    assert_eq!(
        at(10, &[("cache-control", "min-fresh=49")]),
        Reuse::Fresh { age_s: 10 }
    );
    assert_eq!(
        at(70, &[("cache-control", "max-stale=10")]),
        Reuse::Fresh { age_s: 70 }
    );
    assert!(matches!(
        at(71, &[("cache-control", "max-stale=10")]),
        Reuse::Stale(_)
    ));
    assert_eq!(
        at(700, &[("cache-control", "max-stale")]),
        Reuse::Fresh { age_s: 700 }
    );
}

#[test]
fn stale_answers_bridge_gaps_only_where_that_is_granted() {
    let text = "max-age=10, stale-while-revalidate=5, stale-if-error=20";
    let stale = |text: &str, seconds: i64, asked: &[(&str, &str)]| {
        let policy = case(&[("cache-control", text)]).policy().unwrap();
        let asked = RequestDirectives::of(&headers(asked));
        match policy.reuse(&asked, NOW.plus_millis(seconds * 1000)) {
            Reuse::Stale(stale) => (stale.while_revalidate, stale.if_error),
            Reuse::Fresh { age_s } => panic!("fresh at {age_s}"),
        }
    };
    assert_eq!(stale(text, 15, &[]), (true, true));
    assert_eq!(stale(text, 16, &[]), (false, true));
    assert_eq!(stale(text, 31, &[]), (false, false));
    assert_eq!(
        stale(text, 15, &[("cache-control", "no-cache")]),
        (false, false)
    );
    let strict = "max-age=10, must-revalidate, stale-while-revalidate=5, stale-if-error=20";
    assert_eq!(stale(strict, 12, &[]), (false, false));
    let shared = "s-maxage=10, stale-if-error=20";
    assert_eq!(stale(shared, 12, &[]), (false, false));
    let granted = case(&[("cache-control", "max-age=10")])
        .policy()
        .unwrap()
        .with_grace(10, 86_400);
    assert!(matches!(
        granted.reuse(&RequestDirectives::default(), NOW.plus_millis(15_000)),
        Reuse::Stale(StaleUse {
            while_revalidate: true,
            if_error: true,
            ..
        })
    ));
}

#[test]
fn guesses_are_for_answers_that_may_be_guessed_about() {
    let modified = NOW.plus_millis(-1_000_000).http_date();
    let fields = [("last-modified", modified.as_str())];
    assert_eq!(case(&fields).lifetime(), Ok(100));
    assert_eq!(case(&fields).status(302).lifetime(), Err(Refusal::Status));
    assert_eq!(
        case(&[("last-modified", &modified), ("cache-control", "public")])
            .status(302)
            .lifetime(),
        Ok(100)
    );
}
