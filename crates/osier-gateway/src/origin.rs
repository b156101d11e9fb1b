//! Where a site's answers come from, as one line of the settings says it.

use std::fmt;

/// An origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What answers there.
    pub kind: OriginKind,
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// What is resolved.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// The `Host` of requests to it.
    pub authority: String,
}

/// What answers at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A web server.
    Http,
    /// A bucket of an OSS store.
    Oss {
        /// The bucket.
        bucket: String,
        /// The region, where the endpoint or the line says it.
        region: Option<String>,
    },
    /// A bucket of an S3 store, addressed by path.
    S3 {
        /// The bucket.
        bucket: String,
        /// The region, where the endpoint or the line says it.
        region: Option<String>,
    },
    /// A bucket of the store in this process. Nothing is resolved.
    Own {
        /// The bucket.
        bucket: String,
    },
}

/// The text names no origin that can be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// It has no scheme that is known.
    #[error(
        "`{0}` is no origin: it begins with `oss://`, `s3://`, `http://` (all with `+https` or `https://` for TLS) or `self://`"
    )]
    Scheme(String),
    /// The bucket is missing.
    #[error("`{0}` is no origin: a bucket is written `oss://bucket@endpoint`")]
    Bucket(String),
    /// The host or the port can't be read.
    #[error("`{0}` names no host, or a port that is none")]
    Host(String),
    /// There is more than host and port.
    #[error("`{0}` has a path; a prefix is set by `add_prefix`")]
    Path(String),
    /// What follows the `?` is not known.
    #[error("`{0}` has parameters other than `region`")]
    Parameter(String),
}

impl Origin {
    /// Reads `oss://bucket@endpoint[?region=..]`, `oss+https://..`, `http://host[:port]`,
    /// `https://..` or `self://bucket`.
    ///
    /// # Errors
    /// What is wrong with it, or not built.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| InvalidOrigin::Scheme(text.to_owned()))?;
        let (rest, region) = match rest.split_once('?') {
            Some((rest, parameters)) if scheme.starts_with("oss") || scheme.starts_with("s3") => {
                let region = parameters.strip_prefix("region=");
                let region = region.filter(|region| is_label(region));
                let region = region.ok_or_else(|| InvalidOrigin::Parameter(text.to_owned()))?;
                (rest, Some(region.to_owned()))
            }
            _ => (rest, None),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(InvalidOrigin::Path(text.to_owned()));
        }
        match scheme {
            "http" | "https" => Self::at(rest, OriginKind::Http, scheme == "https", text),
            "oss" | "oss+https" => {
                let (bucket, endpoint) = rest
                    .split_once('@')
                    .filter(|(bucket, endpoint)| is_label(bucket) && !endpoint.is_empty())
                    .ok_or_else(|| InvalidOrigin::Bucket(text.to_owned()))?;
                let endpoint = endpoint_host(endpoint);
                let kind = OriginKind::Oss {
                    bucket: bucket.to_owned(),
                    region: region.or_else(|| region_of(&endpoint)),
                };
                Self::at(&endpoint, kind, scheme == "oss+https", text)
            }
            "s3" | "s3+https" => {
                let (bucket, endpoint) = rest
                    .split_once('@')
                    .filter(|(bucket, endpoint)| is_s3_bucket(bucket) && !endpoint.is_empty())
                    .ok_or_else(|| InvalidOrigin::Bucket(text.to_owned()))?;
                let kind = OriginKind::S3 {
                    bucket: bucket.to_owned(),
                    region: region.or_else(|| s3_region_of(endpoint)),
                };
                Self::at(endpoint, kind, scheme == "s3+https", text)
            }
            "self" if is_label(rest) => Ok(Self {
                kind: OriginKind::Own {
                    bucket: rest.to_owned(),
                },
                tls: false,
                host: rest.to_owned(),
                port: 0,
                authority: rest.to_owned(),
            }),
            "self" => Err(InvalidOrigin::Bucket(text.to_owned())),
            _ => Err(InvalidOrigin::Scheme(text.to_owned())),
        }
    }

    /// At `place`, host and port. OSS tells buckets apart by `Host` and answers all of them
    /// at the same addresses, so an endpoint need not resolve below itself.
    fn at(place: &str, kind: OriginKind, tls: bool, text: &str) -> Result<Self, InvalidOrigin> {
        let authority: http::uri::Authority = place
            .parse()
            .map_err(|_| InvalidOrigin::Host(text.to_owned()))?;
        let port = match (authority.port(), authority.as_str().rsplit_once(':')) {
            (Some(port), _) => port.as_u16(),
            (None, Some((_, after))) if !after.ends_with(']') => {
                return Err(InvalidOrigin::Host(text.to_owned()));
            }
            (None, _) if tls => 443,
            (None, _) => 80,
        };
        let host = authority.host();
        if host.is_empty() || port == 0 || authority.as_str().contains('@') {
            return Err(InvalidOrigin::Host(text.to_owned()));
        }
        let named = match &kind {
            OriginKind::Oss { bucket, .. } => format!("{bucket}.{place}"),
            // By path: a bucket's name may hold dots, and not every store has a name for each.
            OriginKind::Http | OriginKind::S3 { .. } | OriginKind::Own { .. } => place.to_owned(),
        };
        Ok(Self {
            kind,
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: named,
        })
    }

    /// The name that its certificate must be for. OSS answers for all buckets by one of
    /// `*.endpoint`, where the endpoint is a name.
    pub(crate) fn tls_name(&self) -> String {
        let named = self.authority.rsplit_once(':');
        let named = match named {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => self.authority.as_str(),
        };
        if self.host.parse::<std::net::IpAddr>().is_ok() {
            return self.host.clone();
        }
        named.to_owned()
    }

    /// The bucket, where there is one.
    pub(crate) fn bucket(&self) -> Option<&str> {
        match &self.kind {
            OriginKind::Http => None,
            OriginKind::Oss { bucket, .. }
            | OriginKind::S3 { bucket, .. }
            | OriginKind::Own { bucket } => Some(bucket),
        }
    }

    /// Path and query as the origin is asked for them.
    pub(crate) fn target(&self, uri: &http::Uri) -> Option<http::Uri> {
        match &self.kind {
            OriginKind::S3 { bucket, .. } => {
                let target = uri.path_and_query()?;
                format!("/{bucket}{target}").parse().ok()
            }
            OriginKind::Http | OriginKind::Oss { .. } | OriginKind::Own { .. } => Some(uri.clone()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.authority)
    }
}

/// `oss-cn-hangzhou` and `oss-cn-hangzhou-internal` stand for Alibaba Cloud's endpoints.
fn endpoint_host(endpoint: &str) -> String {
    if endpoint.starts_with("oss-") && !endpoint.contains(['.', ':']) {
        format!("{endpoint}.aliyuncs.com")
    } else {
        endpoint.to_owned()
    }
}

/// `cn-hangzhou` of `oss-cn-hangzhou-internal.aliyuncs.com`.
fn region_of(endpoint: &str) -> Option<String> {
    let (first, rest) = endpoint.split_once('.')?;
    let region = first.strip_prefix("oss-")?;
    let region = region.strip_suffix("-internal").unwrap_or(region);
    // These are no regions: acceleration is everywhere.
    let is_region = rest.starts_with("aliyuncs.com") && !region.starts_with("accelerate");
    is_region.then(|| region.to_owned())
}

/// `eu-west-1` of `s3.eu-west-1.amazonaws.com`; everybody else's stores have none.
fn s3_region_of(endpoint: &str) -> Option<String> {
    let mut parts = endpoint.split('.');
    let (first, region, domain) = (parts.next()?, parts.next()?, parts.next()?);
    (first == "s3" && domain == "amazonaws" && is_label(region)).then(|| region.to_owned())
}

fn is_s3_bucket(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16, String) {
        let origin = Origin::parse(text).unwrap();
        (origin.host, origin.port, origin.authority)
    }

    #[test]
    fn endpoints_of_oss_may_be_short() {
        let name = "b.oss-cn-hangzhou-internal.aliyuncs.com".to_owned();
        let host = "oss-cn-hangzhou-internal.aliyuncs.com".to_owned();
        assert_eq!(
            parsed("oss://b@oss-cn-hangzhou-internal"),
            (host.clone(), 80, name.clone())
        );
        assert_eq!(
            parsed("oss://b@oss-cn-hangzhou-internal.aliyuncs.com"),
            (host, 80, name)
        );
        assert_eq!(
            parsed("oss://b@localhost:9000/"),
            ("localhost".to_owned(), 9000, "b.localhost:9000".to_owned())
        );
    }

    #[test]
    fn the_region_is_in_the_endpoint_or_said() {
        let region = |text: &str| match Origin::parse(text).unwrap().kind {
            OriginKind::Oss { region, .. } => region,
            _ => None,
        };
        let hangzhou = Some("cn-hangzhou".to_owned());
        assert_eq!(region("oss://b@oss-cn-hangzhou-internal"), hangzhou);
        assert_eq!(region("oss://b@oss-cn-hangzhou.aliyuncs.com"), hangzhou);
        assert_eq!(region("oss://b@oss-accelerate"), None);
        assert_eq!(region("oss://b@localhost:1"), None);
        assert_eq!(region("oss://b@localhost:1?region=cn-hangzhou"), hangzhou);
    }

    #[test]
    fn plain_hosts_with_and_without_port() {
        assert_eq!(
            parsed("http://a.b"),
            ("a.b".to_owned(), 80, "a.b".to_owned())
        );
        assert_eq!(
            parsed("http://[::1]:81"),
            ("::1".to_owned(), 81, "[::1]:81".to_owned())
        );
    }

    #[test]
    fn tls_has_its_own_port_and_the_name_of_the_bucket() {
        let origin = Origin::parse("oss+https://b@oss-cn-hangzhou").unwrap();
        assert!(origin.tls && origin.port == 443);
        assert_eq!(origin.tls_name(), "b.oss-cn-hangzhou.aliyuncs.com");
        let name = |text: &str| Origin::parse(text).unwrap().tls_name();
        assert_eq!(name("https://a.b:8443"), "a.b");
        assert_eq!(name("https://[::1]:8443"), "::1");
        assert_eq!(name("oss+https://b@127.0.0.1:8443"), "127.0.0.1");
    }

    #[test]
    fn buckets_of_s3_are_addressed_by_path() {
        let origin = Origin::parse("s3+https://a.b@s3.eu-west-1.amazonaws.com").unwrap();
        let region = Some("eu-west-1".to_owned());
        let bucket = "a.b".to_owned();
        assert_eq!(origin.kind, OriginKind::S3 { bucket, region });
        assert_eq!(origin.authority, "s3.eu-west-1.amazonaws.com");
        let target = origin.target(&"/k%2F?x=1".parse().unwrap()).unwrap();
        assert_eq!(target.to_string(), "/a.b/k%2F?x=1");
    }

    #[test]
    fn a_bucket_of_our_own_needs_no_address() {
        let origin = Origin::parse("self://photos").unwrap();
        assert_eq!(origin.bucket(), Some("photos"));
        assert!(Origin::parse("self://a@b").is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("a.b", InvalidOrigin::Scheme("a.b".to_owned())),
            ("ftp://a", InvalidOrigin::Scheme("ftp://a".to_owned())),
            ("s3://B@e", InvalidOrigin::Bucket("s3://B@e".to_owned())),
            (
                "oss://endpoint",
                InvalidOrigin::Bucket("oss://endpoint".to_owned()),
            ),
            ("oss://B/x@e", InvalidOrigin::Path("oss://B/x@e".to_owned())),
            (
                "oss://b@e?x=1",
                InvalidOrigin::Parameter("oss://b@e?x=1".to_owned()),
            ),
            ("http://", InvalidOrigin::Host("http://".to_owned())),
            ("http://a:0", InvalidOrigin::Host("http://a:0".to_owned())),
            ("http://u@a", InvalidOrigin::Host("http://u@a".to_owned())),
            ("http://a/b", InvalidOrigin::Path("http://a/b".to_owned())),
            ("http://a?b", InvalidOrigin::Path("http://a?b".to_owned())),
        ] {
            assert_eq!(Origin::parse(text), Err(expected), "{text}");
        }
    }
}
