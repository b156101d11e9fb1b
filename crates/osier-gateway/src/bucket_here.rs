//! Sites whose origin is a bucket of this server, asked by its socket: what is kept of it is held
//! against the bucket itself before it is given to anybody.

use std::fmt::Write as _;
use std::sync::Arc;

use http::header::{CONNECTION, DATE, HeaderMap};
use http::{HeaderName, Method};
use sha2::{Digest as _, Sha256};

use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::proof::{narrow, strip_proof};
use crate::site::{Auth, Site};
use crate::store::Name;
use crate::trouble::Trouble;

impl Gateway {
    /// Under which name an answer to the request may be kept, and found. Where the origin is a
    /// bucket here, the bucket is asked first: the name is of the version that is current, as this
    /// client may see it. Nothing when it may not, or there is none: then only the origin answers.
    pub(crate) async fn name_now(
        &self,
        site: &Arc<Site>,
        request: &Request,
    ) -> Result<Option<Name>, Trouble> {
        let name = Name::of(site, &request.head);
        let Some(bucket) = &site.bucket_here else {
            return Ok(Some(name));
        };
        let local = self.local.as_ref().ok_or(Trouble::NoStore)?;
        let mut asked = request.alike();
        asked.head.method = Method::HEAD;
        if let Auth::Resign(_) = &site.auth {
            strip_proof(&mut asked.head);
        }
        let target = site.origin_target(&asked.head.uri, false);
        let target = target.ok_or(Trouble::NoPath)?;
        if let Auth::Resign(_) = &site.auth {
            narrow(&mut asked.head, &target)?;
        }
        let target = without_process(&target);
        asked.head.uri = target.parse().map_err(|_| Trouble::BadRequest)?;
        forward::ask_for_all(&mut asked.head.headers);
        let asked = self.signed(site, asked, bucket).await?;
        let answer = local.serve(asked, bucket).await;
        let is_there = answer.parts.status.is_success();
        Ok(is_there.then(|| name.of_version(&version(&answer.parts.headers))))
    }
}

/// The target without what is to be made of the object: results are as current, and for the same
/// readers, as the object is.
fn without_process(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs = query.split('&');
    let kept: Vec<&str> = pairs
        .filter(|pair| pair.split('=').next() != Some("x-oss-process"))
        .collect();
    if kept.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", kept.join("&"))
}

/// What stands for one version of an object, metadata and all: everything that is told of it.
fn version(headers: &HeaderMap) -> String {
    const OF_THE_ANSWER: [HeaderName; 4] = [
        CONNECTION,
        DATE,
        HeaderName::from_static("x-oss-request-id"),
        HeaderName::from_static("x-oss-server-time"),
    ];
    let told = headers
        .iter()
        .filter(|(name, _)| !OF_THE_ANSWER.contains(name));
    let mut told: Vec<(&str, &[u8])> = told
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    told.sort_unstable();
    let mut digest = Sha256::new();
    for (name, value) in told {
        for part in [name.as_bytes(), value] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_version_is_all_that_is_told_of_it_and_no_more() {
        let told = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, HeaderValue::from_static(value));
            }
            version(&headers)
        };
        let one = told(&[("etag", "\"a\""), ("x-oss-meta-a", "1"), ("date", "now")]);
        assert_eq!(
            one,
            told(&[
                ("x-oss-request-id", "5"),
                ("x-oss-meta-a", "1"),
                ("date", "later"),
                ("etag", "\"a\"")
            ])
        );
        assert_ne!(one, told(&[("etag", "\"a\""), ("x-oss-meta-a", "2")]));
        assert_ne!(one, told(&[("etag", "\"a\"x-oss-meta-a1")]));
    }

    #[test]
    fn the_object_is_asked_for_and_not_what_is_made_of_it() {
        for (target, expected) in [
            ("/a", "/a"),
            ("/a?x-oss-process=image/info", "/a"),
            ("/a?v=1&x-oss-process=image/info&w", "/a?v=1&w"),
            ("/a?versionId=1", "/a?versionId=1"),
        ] {
            assert_eq!(without_process(target), expected);
        }
    }
}
