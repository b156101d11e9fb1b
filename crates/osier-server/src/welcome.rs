//! What a server says when it is ready: where it is, and lines to paste.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use osier_types::{Timestamp, percent_encode};
use sha1::Sha1;

use crate::{KeyOrigin, RootKey};

/// The words with which a server greets.
#[derive(Debug)]
pub struct Welcome {
    pub(crate) stores: Vec<SocketAddr>,
    pub(crate) sites: Vec<SocketAddr>,
    pub(crate) console: SocketAddr,
    pub(crate) region: String,
    pub(crate) key: RootKey,
    pub(crate) key_file: PathBuf,
    pub(crate) now: Timestamp,
}

impl Welcome {
    /// A few lines for logs: no secrets.
    pub fn short(&self) -> String {
        let mut text = format!("osier {} is ready\n", env!("CARGO_PKG_VERSION"));
        for store in &self.stores {
            line(&mut text, "OSS and S3", &url(*store));
        }
        for site in &self.sites {
            line(&mut text, "sites", &url(*site));
        }
        line(&mut text, "console", &url(self.console));
        let key = match self.key.origin {
            KeyOrigin::Environment => "of the environment".to_owned(),
            KeyOrigin::Generated => format!("made, see {}", self.key_file.display()),
            KeyOrigin::File => self.key_file.display().to_string(),
        };
        line(&mut text, "root key", &key);
        text
    }

    /// Everything, for a person at a terminal. The secret is in it only when it
    /// was made just now.
    pub fn long(&self) -> String {
        let mut text = format!("osier {} is ready\n\n", env!("CARGO_PKG_VERSION"));
        for store in &self.stores {
            line(&mut text, "OSS and S3", &url(*store));
        }
        for site in &self.sites {
            line(&mut text, "sites", &url(*site));
        }
        line(
            &mut text,
            "console",
            &format!("{}  (metrics, health)", url(self.console)),
        );
        let endpoint = self
            .stores
            .first()
            .map(|store| url(*store))
            .unwrap_or_default();
        let id = &self.key.access_key_id;
        text.push('\n');
        line(&mut text, "AccessKey ID", id);
        let secret = match self.key.origin {
            KeyOrigin::Generated => {
                line(&mut text, "AccessKey secret", &self.key.access_key_secret);
                line(
                    &mut text,
                    "",
                    &format!("shown this once; kept in {}", self.key_file.display()),
                );
                self.key.access_key_secret.clone()
            }
            KeyOrigin::File => {
                line(
                    &mut text,
                    "AccessKey secret",
                    &format!("in {}", self.key_file.display()),
                );
                "$SECRET".to_owned()
            }
            KeyOrigin::Environment => {
                line(
                    &mut text,
                    "AccessKey secret",
                    "as OSIER_ROOT_ACCESS_KEY_SECRET says",
                );
                "$OSIER_ROOT_ACCESS_KEY_SECRET".to_owned()
            }
        };
        let region = &self.region;
        let _ = write!(text, "\nTry it:\n\n");
        if self.key.origin == KeyOrigin::File {
            let file = shell_word(&self.key_file.display().to_string());
            let _ = writeln!(
                text,
                "  SECRET=$(sed -n 's/^access_key_secret = \"\\(.*\\)\"/\\1/p' {file})\n"
            );
        }
        let _ = writeln!(
            text,
            "  ossutil ls -e {endpoint} --region {region} -i {id} -k \"{secret}\"\n"
        );
        let _ = writeln!(
            text,
            "  python3 -c \"import oss2; b = oss2.Bucket(oss2.Auth('{id}', '{secret}'), '{endpoint}', 'demo'); \
             b.create_bucket(); b.put_object('hello.txt', 'hello'); print(b.get_object('hello.txt').read())\"\n"
        );
        let _ = writeln!(
            text,
            "  AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY=\"{secret}\" \
             aws --endpoint-url {endpoint} --region {region} s3 ls\n"
        );
        let _ = writeln!(text, "  curl '{}'\n", self.signed_url(&endpoint));
        text
    }

    /// A URL that lists the buckets and is good for seven days.
    fn signed_url(&self, endpoint: &str) -> String {
        let expires = self.now.as_millis() / 1000 + 7 * 24 * 3600;
        let text = format!("GET\n\n\n{expires}\n/");
        let signature = match Hmac::<Sha1>::new_from_slice(self.key.access_key_secret.as_bytes()) {
            Ok(mut mac) => {
                mac.update(text.as_bytes());
                BASE64_STANDARD.encode(mac.finalize().into_bytes())
            }
            // HMAC takes keys of any length.
            Err(_) => String::new(),
        };
        format!(
            "{endpoint}/?OSSAccessKeyId={}&Expires={expires}&Signature={}",
            percent_encode(self.key.access_key_id.as_bytes(), false),
            percent_encode(signature.as_bytes(), false),
        )
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<17} {value}");
}

/// Where a client on this machine reaches a listener.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        // Dual-stack: and clients that know no IPv6 literals are many.
        IpAddr::V6(ip) if ip == Ipv6Addr::UNSPECIFIED => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// `text` as one word of a shell.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(origin: KeyOrigin) -> Welcome {
        Welcome {
            sites: Vec::new(),
            stores: vec!["[::]:9000".parse().unwrap()],
            console: "127.0.0.1:9001".parse().unwrap(),
            region: "cn-hangzhou".to_owned(),
            key: RootKey {
                access_key_id: "LTAI5tId".to_owned(),
                access_key_secret: "canary-secret".to_owned(),
                account_id: "1000000000000000".to_owned(),
                origin,
            },
            key_file: PathBuf::from("./osier-data/root-key.toml"),
            now: Timestamp::from_millis(1_000_000_000_000),
        }
    }

    #[test]
    fn s19_the_secret_is_shown_only_where_it_was_made() {
        for (origin, shown) in [
            (KeyOrigin::Generated, true),
            (KeyOrigin::File, false),
            (KeyOrigin::Environment, false),
        ] {
            assert!(!welcome(origin).short().contains("canary"), "{origin:?}");
            assert_eq!(
                welcome(origin).long().contains("canary"),
                shown,
                "{origin:?}"
            );
        }
    }

    #[test]
    fn lines_name_an_address_that_can_be_reached() {
        let text = welcome(KeyOrigin::File).long();
        assert!(
            text.contains("ossutil ls -e http://127.0.0.1:9000 --region cn-hangzhou -i LTAI5tId")
        );
        assert!(text.contains(
            "curl 'http://127.0.0.1:9000/?OSSAccessKeyId=LTAI5tId&Expires=1000604800&Signature="
        ));
        assert!(
            welcome(KeyOrigin::Generated)
                .short()
                .contains("made, see ./osier-data/root-key.toml")
        );
    }
}
