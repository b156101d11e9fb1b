//! URLs that a CDN lets through because whoever made them knew a key: the types A, B and C of
//! Alibaba Cloud's CDN. Each proves a path and a time with an MD5 digest.
//!
//! MD5 is what the protocol has. A digest is over a secret key and never compared but in
//! constant time; what it protects is a download for some minutes.

use md5::{Digest as _, Md5};
use osier_types::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::Secret;

/// Where path, time and digest stand in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlAuthType {
    /// `/path?auth_key=<seconds>-<rand>-<uid>-<md5 of path-seconds-rand-uid-key>`.
    A,
    /// `/<YYYYMMDDHHMM>/<md5 of key, time and path>/path`, the time in UTC+8.
    B,
    /// `/<md5 of key, path and time>/<hex seconds>/path`, or `?KEY1=<md5>&KEY2=<hex seconds>`.
    C,
}

/// What URLs of a site must prove.
#[derive(Clone, Debug)]
pub struct UrlAuth {
    /// How they are written.
    pub kind: UrlAuthType,
    /// Keys of which one is used; two while one takes the place of the other.
    pub keys: Vec<Secret>,
    /// How long after the time in it a URL is good.
    pub ttl_s: i64,
}

/// A URL whose proof is right, without the proof: what is kept and sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenUrl {
    /// The path.
    pub path: String,
    /// The query, where something is left of it.
    pub query: Option<String>,
}

/// Why a URL proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// There is no proof in it, or a malformed one.
    #[error("the URL carries no proof")]
    Missing,
    /// Its time is over.
    #[error("the URL has expired")]
    Expired,
    /// It is made with no key of ours, or for another path.
    #[error("the proof of the URL is wrong")]
    Wrong,
}

impl UrlAuth {
    /// Checks a URL, given as it was sent.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check(
        &self,
        path: &str,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<ProvenUrl, UrlRefusal> {
        match self.kind {
            UrlAuthType::A => self.check_a(path, query, now),
            UrlAuthType::B => self.check_b(path, query, now),
            UrlAuthType::C => self.check_c(path, query, now),
        }
    }

    fn check_a(
        &self,
        path: &str,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<ProvenUrl, UrlRefusal> {
        let (proof, query) = take(query, "auth_key").ok_or(UrlRefusal::Missing)?;
        let (signed, digest) = proof.rsplit_once('-').ok_or(UrlRefusal::Missing)?;
        let mut fields = signed.split('-');
        let (Some(seconds), Some(_), Some(_), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(UrlRefusal::Missing);
        };
        let seconds = decimal(seconds).ok_or(UrlRefusal::Missing)?;
        let stem = format!("{path}-{signed}-").into_bytes();
        self.check_digest(digest, |key| [stem.as_slice(), key].concat())?;
        self.check_time(seconds, now)?;
        Ok(ProvenUrl {
            path: path.to_owned(),
            query,
        })
    }

    fn check_b(
        &self,
        path: &str,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<ProvenUrl, UrlRefusal> {
        let (time, digest, rest) = two_segments(path).ok_or(UrlRefusal::Missing)?;
        let seconds = minute_of_china(time).ok_or(UrlRefusal::Missing)?;
        self.check_digest(digest, |key| {
            [key, time.as_bytes(), rest.as_bytes()].concat()
        })?;
        self.check_time(seconds, now)?;
        Ok(ProvenUrl {
            path: rest.to_owned(),
            query: query.map(ToOwned::to_owned),
        })
    }

    fn check_c(
        &self,
        path: &str,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<ProvenUrl, UrlRefusal> {
        let by_query = take(query, "KEY1").and_then(|(digest, left)| {
            let (time, left) = take(left.as_deref(), "KEY2")?;
            Some((digest, time, path.to_owned(), left))
        });
        let by_path = || {
            let (digest, time, rest) = two_segments(path)?;
            let query = query.map(ToOwned::to_owned);
            Some((digest.to_owned(), time.to_owned(), rest.to_owned(), query))
        };
        let found = by_query.or_else(by_path);
        let (digest, time, path, query) = found.ok_or(UrlRefusal::Missing)?;
        let is_hex = time.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seconds = i64::from_str_radix(&time, 16)
            .ok()
            .filter(|_| is_hex && time.len() <= 12)
            .ok_or(UrlRefusal::Missing)?;
        self.check_digest(&digest, |key| {
            [key, path.as_bytes(), time.as_bytes()].concat()
        })?;
        self.check_time(seconds, now)?;
        Ok(ProvenUrl { path, query })
    }

    fn check_digest(&self, sent: &str, text: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), UrlRefusal> {
        if sent.len() != 32 {
            return Err(UrlRefusal::Missing);
        }
        let sent = sent.to_ascii_lowercase();
        // All keys are tried, so that the time says nothing about which one it was.
        let mut right = subtle::Choice::from(0);
        for key in &self.keys {
            let digest: [u8; 16] = Md5::digest(text(key.expose())).into();
            right |= hex(&digest).ct_eq(sent.as_bytes());
        }
        if bool::from(right) {
            Ok(())
        } else {
            Err(UrlRefusal::Wrong)
        }
    }

    fn check_time(&self, seconds: i64, now: Timestamp) -> Result<(), UrlRefusal> {
        let until = Timestamp::from_seconds(seconds.saturating_add(self.ttl_s));
        if now > until {
            return Err(UrlRefusal::Expired);
        }
        Ok(())
    }
}

/// The value of the first parameter of this name, and the query without it.
fn take(query: Option<&str>, name: &str) -> Option<(String, Option<String>)> {
    let mut value = None;
    let mut left = Vec::new();
    for pair in query?.split('&') {
        match pair.split_once('=') {
            Some((found, text)) if found == name && value.is_none() => {
                value = Some(text.to_owned());
            }
            // A second one chooses nothing and is in no name of a kept answer.
            Some((found, _)) if found == name => {}
            _ => left.push(pair),
        }
    }
    let left = (!left.is_empty()).then(|| left.join("&"));
    Some((value?, left))
}

/// `/one/two/rest`, the rest with its slash.
fn two_segments(path: &str) -> Option<(&str, &str, &str)> {
    let (one, path) = path.strip_prefix('/')?.split_once('/')?;
    let end = path.find('/')?;
    let (two, rest) = path.split_at_checked(end)?;
    Some((one, two, rest))
}

fn decimal(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Seconds since 1970 of `YYYYMMDDHHMM` in UTC+8.
fn minute_of_china(text: &str) -> Option<i64> {
    if text.len() != 12 || !text.is_ascii() {
        return None;
    }
    let (day, minute) = text.split_at_checked(8)?;
    let utc = Timestamp::parse_compact(&format!("{day}T{minute}00Z")).ok()?;
    Some(utc.as_seconds() - 8 * 3600)
}

fn hex(digest: &[u8; 16]) -> [u8; 32] {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    };
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        if let [high, low] = pair {
            *high = digit(byte >> 4);
            *low = digit(byte & 15);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> String {
        let digest: [u8; 16] = Md5::digest(text).into();
        String::from_utf8(hex(&digest).to_vec()).unwrap()
    }

    fn auth(kind: UrlAuthType) -> UrlAuth {
        UrlAuth {
            kind,
            keys: vec!["main1234".into(), "backup1234".into()],
            ttl_s: 1800,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn proven(path: &str, query: Option<&str>) -> ProvenUrl {
        ProvenUrl {
            path: path.to_owned(),
            query: query.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn type_a() {
        let auth = auth(UrlAuthType::A);
        let path = "/video/standard/1K.html";
        for key in ["main1234", "backup1234"] {
            let proof = digest(&format!("{path}-1444435200-0-0-{key}"));
            let query = format!("a=1&auth_key=1444435200-0-0-{proof}&b");
            let check = |now| auth.check(path, Some(&query), at(now));
            assert_eq!(check(1_444_435_200), Ok(proven(path, Some("a=1&b"))));
            assert_eq!(check(1_444_437_000), Ok(proven(path, Some("a=1&b"))));
            assert_eq!(check(1_444_437_001), Err(UrlRefusal::Expired));
            let other = auth.check("/other", Some(&query), at(1_444_435_200));
            assert_eq!(other, Err(UrlRefusal::Wrong));
        }
    }

    /// The digest that the documentation computes: `aliyuncdnexp1234` is its key.
    #[test]
    fn type_a_is_the_documented_one() {
        let auth = UrlAuth {
            keys: vec!["aliyuncdnexp1234".into()],
            ..auth(UrlAuthType::A)
        };
        let query = "auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f";
        let checked = auth.check("/video/standard/1K.html", Some(query), at(1_444_435_200));
        assert_eq!(checked, Ok(proven("/video/standard/1K.html", None)));
    }

    #[test]
    fn type_b() {
        let auth = auth(UrlAuthType::B);
        let proof = digest("main1234201508150800/4/44/a.mp3");
        let path = format!("/201508150800/{proof}/4/44/a.mp3");
        let check = |now| auth.check(&path, Some("x=1"), at(now));
        // 2015-08-15 00:00 UTC.
        assert_eq!(check(1_439_596_800), Ok(proven("/4/44/a.mp3", Some("x=1"))));
        assert_eq!(check(1_439_598_601), Err(UrlRefusal::Expired));
    }

    #[test]
    fn type_c_in_path_and_query() {
        let auth = auth(UrlAuthType::C);
        let proof = digest("backup1234/test.flv55CE8100");
        let now = at(0x55CE_8100);
        let path = format!("/{proof}/55CE8100/test.flv");
        assert_eq!(auth.check(&path, None, now), Ok(proven("/test.flv", None)));
        let query = format!("KEY1={proof}&KEY2=55CE8100&w=1");
        let checked = auth.check("/test.flv", Some(&query), now);
        assert_eq!(checked, Ok(proven("/test.flv", Some("w=1"))));
    }

    #[test]
    fn what_proves_nothing() {
        for kind in [UrlAuthType::A, UrlAuthType::B, UrlAuthType::C] {
            for (path, query) in [
                ("/", None),
                ("/a/b", None),
                ("/a/b/c", Some("auth_key=")),
                ("/a/b/c", Some("auth_key=1-2-3-4-5")),
                (
                    "/a/b/c",
                    Some("auth_key=-1-0-0-00000000000000000000000000000000"),
                ),
                ("/+0150815080/00000000000000000000000000000000/c", None),
                ("/00000000000000000000000000000000/+5CE8100/c", None),
                ("/ä/ä/ä", Some("KEY1=ä&KEY2=ä")),
            ] {
                let checked = auth(kind).check(path, query, at(0));
                assert_eq!(
                    checked,
                    Err(UrlRefusal::Missing),
                    "{kind:?} {path} {query:?}"
                );
            }
        }
    }

    #[test]
    fn a_second_proof_chooses_no_other_name() {
        let auth = auth(UrlAuthType::A);
        let proof = digest("/p-5-0-0-main1234");
        let query = format!("auth_key=5-0-0-{proof}&auth_key=another");
        assert_eq!(
            auth.check("/p", Some(&query), at(5)),
            Ok(proven("/p", None))
        );
    }
}
