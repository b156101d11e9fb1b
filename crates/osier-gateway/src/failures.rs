//! The last requests that the gateway itself refused or failed, for whoever runs it: what went
//! wrong beneath the one word that the client got, and what to look at.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use osier_types::Timestamp;
use serde::Serialize;

/// How many are remembered.
const FAILURES_MAX: usize = 1000;
/// Bytes of a path that are remembered.
const PATH_BYTES_MAX: usize = 1024;

/// A request that was not answered as it wished.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// As the client was told.
    pub request_id: String,
    /// When, as ISO 8601.
    pub at: String,
    /// Method and path. The query may hold a signature.
    pub request: String,
    /// The client's address.
    pub client: IpAddr,
    /// The site's first host; nothing when none was found.
    pub site: Option<String>,
    /// The status answered.
    pub status: u16,
    /// The code answered.
    pub code: &'static str,
    /// What went wrong, as it came from below.
    pub causes: String,
    /// What to look at.
    pub hint: &'static str,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site.as_deref().unwrap_or("no site");
        writeln!(out, "{}: {}", self.code, self.hint)?;
        if !self.causes.is_empty() {
            writeln!(out, "  because: {}", self.causes)?;
        }
        writeln!(out, "request {} at {}", self.request_id, self.at)?;
        writeln!(out, "  {} from {} at {site}", self.request, self.client)?;
        writeln!(out, "  answered {} {}", self.status, self.code)
    }
}

/// What is known of a request before it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    request: String,
    client: IpAddr,
}

impl Asked {
    pub(crate) fn of(request: &crate::Request) -> Self {
        let mut line = format!("{} {}", request.head.method, request.head.uri.path());
        let mut end = line.len().min(PATH_BYTES_MAX);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        Self {
            request: line,
            client: request.client,
        }
    }
}

/// Those that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<VecDeque<Failure>>);

impl Failures {
    pub(crate) fn remember(
        &self,
        asked: Asked,
        line: &crate::AccessLine,
        trouble: &crate::trouble::Trouble,
        now: Timestamp,
    ) {
        let failure = Failure {
            request_id: line.request_id.to_string(),
            at: now.iso8601(),
            request: asked.request,
            client: asked.client,
            site: line.site.as_ref().map(ToString::to_string),
            status: trouble.status().as_u16(),
            code: trouble.code(),
            causes: trouble.causes(),
            hint: hint(trouble.code()),
        };
        let mut failures = self.lock();
        if failures.len() == FAILURES_MAX {
            failures.pop_front();
        }
        failures.push_back(failure);
    }

    pub(crate) fn find(&self, request_id: &str) -> Option<Failure> {
        let failures = self.lock();
        let mut latest = failures.iter().rev();
        latest
            .find(|failure| failure.request_id.eq_ignore_ascii_case(request_id))
            .cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an operator looks at first.
fn hint(code: &str) -> &'static str {
    match code {
        "NoSuchSite" => "no `[[site]]` has this host in `hosts`; the client's `Host` decides",
        "NoSuchPath" => {
            "no site of this host answers this path: `path`, `strip_prefix`; or the path leads out of a prefix"
        }
        "AmbiguousPath" => {
            "the path means one site as it is written and another as most servers read it (`//`, `..`, `%2F`)"
        }
        "MisdirectedRequest" => "the TLS name and the `Host` belong to different sites",
        "MethodNotAllowed" => {
            "`methods` of the site; with `resign` they are GET and HEAD unless it says more"
        }
        "EntityTooLarge" => {
            "the body is longer than `body_bytes_max` of the site (nginx: `client_max_body_size`)"
        }
        "AddressDenied" => {
            "`ip` of the site; behind a proxy, `trusted_proxies` or `proxy_protocol` too"
        }
        "RefererDenied" => "`referer` of the site, and `allow_empty` for those that say nothing",
        "UserAgentDenied" => "`user_agent` of the site",
        "UrlAuthMissing" => "the URL has no proof of `url_auth`, or one of another type",
        "UrlAuthExpired" => "`ttl_s` of `url_auth`, or the clock of whoever makes the URLs",
        "UrlAuthWrong" => "the key of `url_auth`, or a path that was signed in another spelling",
        "OnlyObjects" => {
            "a site with `resign` reads objects only, and no lists, versions or settings"
        }
        "ListDenied" => {
            "the bucket does not let the site list it: sign with `resign`, or open the bucket"
        }
        "NoSuchFolder" => "nothing in the bucket begins with this path",
        "OriginListMalformed" => "the origin's list is none of OSS or S3",
        "OriginUnresolved" => {
            "the origin's name: its spelling, `resolver`, `origin_local`; an internal endpoint from outside its region"
        }
        "OriginUnreachable" => {
            "nothing listens at the origin, or a firewall refuses; an internal endpoint from outside its region"
        }
        "OriginConnectTimeout" => {
            "a firewall or route on the way to the origin; `connect_timeout_s`"
        }
        "OriginSendTimeout" => "the origin takes the body too slowly; `send_timeout_s`",
        "OriginReadTimeout" => "the origin does not answer in time; `read_timeout_s`",
        "OriginClosedConnection" => {
            "the origin closed the connection: its own log, and its time for idle connections"
        }
        "OriginAnswerMalformed" => {
            "the origin does not speak HTTP at this port; perhaps it speaks TLS"
        }
        "OriginTlsFailed" => {
            "the origin's certificate: its name, its authority (`origin_ca`), its time"
        }
        "OriginCredentialsUnavailable" => {
            "`credentials` of the site: the file, the environment or the metadata service"
        }
        "LoopDetected" => "an origin leads back here",
        "IncompleteBody" => "the client went away before its body ended",
        "NotCached" => "the client asked for a kept answer only (`only-if-cached`)",
        _ => "the code says it all",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_thousand_are_remembered() {
        let failures = Failures::default();
        for number in 0..1500 {
            let line = crate::AccessLine {
                request_id: crate::RequestId { prefix: 1, number },
                ..crate::AccessLine::default()
            };
            let asked = Asked {
                request: "GET /".to_owned(),
                client: IpAddr::from([127, 0, 0, 1]),
            };
            let trouble = crate::trouble::Trouble::BodyTooLarge;
            failures.remember(asked, &line, &trouble, Timestamp::from_seconds(0));
        }
        let find = |number: u64| {
            let id = crate::RequestId { prefix: 1, number };
            failures.find(&id.to_string().to_lowercase())
        };
        assert!(find(499).is_none() && find(500).is_some());
        let told = find(1499).unwrap().to_string();
        assert!(
            told.starts_with("EntityTooLarge: the body is longer than `body_bytes_max`"),
            "{told}"
        );
    }
}
