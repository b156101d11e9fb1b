//! Where a domain's answers come from: `Sources`, a list in JSON.

use std::net::IpAddr;

use osier_types::limits::CDN_SOURCES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CdnFault;

/// One origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its kind.
    pub kind: SourceKind,
    /// A host name or an address.
    pub content: String,
    /// Its port; 443 is spoken to by TLS.
    pub port: u16,
    /// 20 is the main origin, 30 stands by; the API sends numbers and texts.
    pub priority: u16,
    /// Its share among those of the same priority.
    pub weight: u16,
    /// Whether it is a bucket of this server.
    #[serde(default)]
    pub own: bool,
}

/// `type` of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A bucket: `bucket.oss-cn-beijing.aliyuncs.com`.
    Oss,
    /// A web server by its name.
    Domain,
    /// A web server by its address.
    Ipaddr,
}

impl SourceKind {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::Domain => "domain",
            Self::Ipaddr => "ipaddr",
        }
    }
}

impl Source {
    /// Reads the value of `Sources`.
    ///
    /// # Errors
    /// When it is no list of origins.
    pub fn parse_all(json: &str) -> Result<Vec<Self>, CdnFault> {
        let wrong = |reason: &str| CdnFault::malformed("Sources", reason);
        let listed: Vec<Listed> = serde_json::from_str(json).map_err(|_| {
            wrong("a JSON list of `content`, `type`, `port`, `priority` and `weight`")
        })?;
        if listed.is_empty() {
            return Err(wrong("at least one origin"));
        }
        if listed.len() > CDN_SOURCES_MAX {
            return Err(CdnFault::OverLimit {
                what: "origins",
                max: CDN_SOURCES_MAX,
            });
        }
        listed.iter().map(Self::read).collect()
    }

    fn read(listed: &Listed) -> Result<Self, CdnFault> {
        let wrong = |reason: &str| CdnFault::malformed("Sources", reason);
        let kind = match listed.kind.to_ascii_lowercase().as_str() {
            "oss" => SourceKind::Oss,
            "domain" => SourceKind::Domain,
            "ipaddr" => SourceKind::Ipaddr,
            _ => return Err(wrong("`type` is `oss`, `domain` or `ipaddr`")),
        };
        let content = listed.content.trim().to_ascii_lowercase();
        let is_address = content.parse::<IpAddr>().is_ok();
        let is_host = !content.is_empty()
            && content.len() <= 253
            && content
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let fits = match kind {
            SourceKind::Ipaddr => is_address,
            SourceKind::Domain => is_host || is_address,
            SourceKind::Oss => is_host && bucket(&content).is_some(),
        };
        if !fits {
            return Err(wrong(match kind {
                SourceKind::Ipaddr => "`content` is an IP address",
                SourceKind::Domain => "`content` is a host name",
                SourceKind::Oss => "`content` is `bucket.endpoint`",
            }));
        }
        if content
            .parse::<IpAddr>()
            .is_ok_and(|address| is_of_link(&address))
        {
            return Err(wrong(
                "`content` is an address of this link or of a metadata service",
            ));
        }
        let number = |value: &Option<Value>, name: &str, default: u16, range: (u16, u16)| {
            let number = match value {
                None | Some(Value::Null) => Some(default),
                Some(Value::Number(number)) => number.as_u64().and_then(|it| it.try_into().ok()),
                Some(Value::String(text)) if text.is_empty() => Some(default),
                Some(Value::String(text)) => text.trim().parse().ok(),
                Some(_) => None,
            };
            number
                .filter(|number| (range.0..=range.1).contains(number))
                .ok_or_else(|| wrong(&format!("`{name}` is a number up to {}", range.1)))
        };
        Ok(Self {
            kind,
            content,
            port: number(&listed.port, "port", 80, (1, u16::MAX))?,
            priority: number(&listed.priority, "priority", 20, (1, u16::MAX))?,
            weight: number(&listed.weight, "weight", 10, (1, 100))?,
            own: false,
        })
    }

    /// The bucket that it names, where it is one.
    pub fn bucket(&self) -> Option<&str> {
        match self.kind {
            SourceKind::Oss => bucket(&self.content),
            SourceKind::Domain | SourceKind::Ipaddr => None,
        }
    }
}

/// Where instances are told their keys: nobody who may add domains should read them (S25).
fn is_of_link(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
                || address.octets() == [100, 100, 100, 200]
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.is_unspecified() || address.is_multicast()
        }
    }
}

fn bucket(content: &str) -> Option<&str> {
    let (bucket, endpoint) = content.split_once('.')?;
    (!bucket.is_empty() && !endpoint.is_empty()).then_some(bucket)
}

#[derive(Deserialize)]
struct Listed {
    content: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    port: Option<Value>,
    #[serde(default)]
    priority: Option<Value>,
    #[serde(default)]
    weight: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_texts() {
        let json = r#"[{"content":"B.oss-cn-beijing.aliyuncs.com","type":"oss","priority":"20","port":443},
            {"content":"1.2.3.4","type":"ipaddr","priority":30,"weight":"15"}]"#;
        let sources = Source::parse_all(json).unwrap();
        assert_eq!(sources[0].bucket(), Some("b"));
        assert_eq!(
            (sources[0].port, sources[0].priority, sources[0].weight),
            (443, 20, 10)
        );
        assert_eq!(
            (sources[1].port, sources[1].priority, sources[1].weight),
            (80, 30, 15)
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for json in [
            "",
            "{}",
            "[]",
            r#"[{"content":"a.b"}]"#,
            r#"[{"content":"a.b","type":"fc_domain"}]"#,
            r#"[{"content":"a.b","type":"ipaddr"}]"#,
            r#"[{"content":"bucket","type":"oss"}]"#,
            r#"[{"content":"a.b/c","type":"domain"}]"#,
            r#"[{"content":"169.254.169.254","type":"ipaddr"}]"#,
            r#"[{"content":"100.100.100.200","type":"domain"}]"#,
            r#"[{"content":"::ffff:169.254.169.254","type":"ipaddr"}]"#,
            r#"[{"content":"fe80::1","type":"ipaddr"}]"#,
            r#"[{"content":"u@a.b","type":"domain"}]"#,
            r#"[{"content":"a.b","type":"domain","port":0}]"#,
            r#"[{"content":"a.b","type":"domain","port":65536}]"#,
            r#"[{"content":"a.b","type":"domain","weight":"x"}]"#,
            r#"[{"content":"a.b","type":"domain","priority":[]}]"#,
        ] {
            let fault = Source::parse_all(json).unwrap_err();
            assert_eq!(fault.code(), "InvalidSources.Malformed", "{json}");
        }
    }
}
