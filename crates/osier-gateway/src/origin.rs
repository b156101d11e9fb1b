//! Where a site's answers come from, as one line of the settings says it.

use std::fmt;

/// An origin over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What is resolved.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// The `Host` of requests to it.
    pub authority: String,
}

/// The text names no origin that can be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// It has no scheme that is known.
    #[error("`{0}` is no origin: it begins with `oss://` or `http://`")]
    Scheme(String),
    /// TLS to origins is not built.
    #[error("origins are reached over plain HTTP only; `{0}` wants TLS")]
    Tls(String),
    /// A kind of origin that is not built.
    #[error("origins `{0}://` are not built yet")]
    NotBuilt(String),
    /// The bucket is missing.
    #[error("`{0}` is no origin: OSS is written `oss://bucket@endpoint`")]
    Bucket(String),
    /// The host or the port can't be read.
    #[error("`{0}` names no host, or a port that is none")]
    Host(String),
    /// There is more than host and port.
    #[error("`{0}` has a path; a prefix is set by `add_prefix`")]
    Path(String),
}

impl Origin {
    /// Reads `oss://bucket@endpoint` or `http://host[:port]`.
    ///
    /// # Errors
    /// What is wrong with it, or not built.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| InvalidOrigin::Scheme(text.to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(InvalidOrigin::Path(text.to_owned()));
        }
        match scheme {
            "http" => Self::at(rest, None, text),
            "oss" => {
                let (bucket, endpoint) = rest
                    .split_once('@')
                    .filter(|(bucket, endpoint)| is_label(bucket) && !endpoint.is_empty())
                    .ok_or_else(|| InvalidOrigin::Bucket(text.to_owned()))?;
                Self::at(&endpoint_host(endpoint), Some(bucket), text)
            }
            "https" => Err(InvalidOrigin::Tls(text.to_owned())),
            "s3" | "self" => Err(InvalidOrigin::NotBuilt(scheme.to_owned())),
            _ => Err(InvalidOrigin::Scheme(text.to_owned())),
        }
    }

    /// At `place`, host and port. OSS tells buckets apart by `Host` and answers all of them
    /// at the same addresses, so an endpoint need not resolve below itself.
    fn at(place: &str, bucket: Option<&str>, text: &str) -> Result<Self, InvalidOrigin> {
        let authority: http::uri::Authority = place
            .parse()
            .map_err(|_| InvalidOrigin::Host(text.to_owned()))?;
        let port = match (authority.port(), authority.as_str().rsplit_once(':')) {
            (Some(port), _) => port.as_u16(),
            (None, Some((_, after))) if !after.ends_with(']') => {
                return Err(InvalidOrigin::Host(text.to_owned()));
            }
            (None, _) => 80,
        };
        let host = authority.host();
        if host.is_empty() || port == 0 || authority.as_str().contains('@') {
            return Err(InvalidOrigin::Host(text.to_owned()));
        }
        let named = match bucket {
            Some(bucket) => format!("{bucket}.{place}"),
            None => place.to_owned(),
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: named,
        })
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
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("a.b", InvalidOrigin::Scheme("a.b".to_owned())),
            ("ftp://a", InvalidOrigin::Scheme("ftp://a".to_owned())),
            ("https://a", InvalidOrigin::Tls("https://a".to_owned())),
            ("s3://b@e", InvalidOrigin::NotBuilt("s3".to_owned())),
            (
                "oss://endpoint",
                InvalidOrigin::Bucket("oss://endpoint".to_owned()),
            ),
            ("oss://B/x@e", InvalidOrigin::Path("oss://B/x@e".to_owned())),
            ("http://", InvalidOrigin::Host("http://".to_owned())),
            ("http://a:0", InvalidOrigin::Host("http://a:0".to_owned())),
            ("http://u@a", InvalidOrigin::Host("http://u@a".to_owned())),
            ("http://a/b", InvalidOrigin::Path("http://a/b".to_owned())),
        ] {
            assert_eq!(Origin::parse(text), Err(expected), "{text}");
        }
    }
}
