//! Keys with which requests to private buckets are signed: fixed, from a file that may change,
//! or temporary ones from a metadata service, fetched once for all requests and before the old
//! ones end. Secrets are in no log and no error.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderValue, Method, Request, StatusCode, header};
use osier_auth::{AccessKey, Secret};
use osier_http::{Client, ClientError, ClientSettings, RequestBody, SourceFailed};
use osier_types::Timestamp;
use serde::Deserialize;

use crate::Origin;
use crate::resolve::{Reach, Resolver};
use crate::settings::{CredentialSettings, SecretText};

/// Bytes that a source of keys may answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long before its end a temporary key is replaced.
const EARLY_MS: i64 = 10 * 60_000;
/// How long a source is left alone after it was asked.
const REST_MS: i64 = 30_000;
/// How long a file is taken to be unchanged, and a failure to be lasting.
const GLANCE_MS: i64 = 1_000;

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Fixed(FixedKey),
    File(PathBuf),
    Metadata(Metadata),
}

/// A key that stands in the settings or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FixedKey {
    id: String,
    secret: SecretText,
    token: Option<SecretText>,
}

/// A metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    origin: Origin,
    /// Where the key itself is, when that was said.
    path: Option<String>,
    role: Option<String>,
}

/// The settings name no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// More than one source.
    #[error("`credentials` names several sources of a key; one is used")]
    Several,
    /// An id without a secret, or the other way round.
    #[error("`credentials` needs `access_key_id` and `access_key_secret` together")]
    Half,
    /// A variable is missing.
    #[error("the variable `{0}` is not set")]
    Variable(String),
    /// The metadata service can't be reached by this.
    #[error("`{0}` is no URL of a metadata service: it begins with `http://`")]
    Metadata(String),
}

/// There is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKey {
    #[error("the file with the key can't be read")]
    File(#[source] io::Error),
    #[error("there is no key in what the source holds")]
    Content,
    #[error("the metadata service has no address")]
    Unresolved(#[source] io::Error),
    #[error("the metadata service does not answer")]
    Metadata(#[source] ClientError),
    #[error("the metadata service breaks off")]
    BrokenOff(#[source] SourceFailed),
    #[error("the metadata service answers with status {0}")]
    Status(StatusCode),
    #[error("the source of the key failed a moment ago")]
    FailedBefore,
}

/// The key of a site, always fresh.
#[derive(Debug)]
pub(crate) struct Credentials {
    source: KeySource,
    client: Client,
    known: RwLock<Known>,
    /// Held by the one that asks the source.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    held: Option<Held>,
    failed: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Held {
    key: Arc<AccessKey>,
    /// When it is no key any more.
    until: Option<Timestamp>,
    /// When the source is looked at again.
    next: Timestamp,
    /// How the file looked.
    seen: Option<Seen>,
}

/// By what a file's change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    modified: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl KeySource {
    pub(crate) fn new(settings: &CredentialSettings) -> Result<Self, InvalidCredentials> {
        let of_key = settings.access_key_id.is_some() || settings.access_key_secret.is_some();
        let sources = [
            of_key,
            settings.environment.is_some(),
            settings.file.is_some(),
            settings.metadata.is_some(),
        ];
        if sources.into_iter().filter(|named| *named).count() > 1 {
            return Err(InvalidCredentials::Several);
        }
        if of_key {
            let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.access_key_secret)
            else {
                return Err(InvalidCredentials::Half);
            };
            return Ok(Self::Fixed(FixedKey {
                id: id.clone(),
                secret: secret.clone(),
                token: settings.security_token.clone(),
            }));
        }
        if let Some(path) = &settings.file {
            return Ok(Self::File(path.clone()));
        }
        if let Some(url) = &settings.metadata {
            let metadata = Metadata::parse(url, settings.role.clone());
            return metadata
                .map(Self::Metadata)
                .ok_or_else(|| InvalidCredentials::Metadata(url.clone()));
        }
        let prefix = settings.environment.as_deref().unwrap_or("OSS");
        let variable = |name: &str| std::env::var(format!("{prefix}_{name}")).ok();
        let needed = |name: &str| {
            variable(name).ok_or_else(|| InvalidCredentials::Variable(format!("{prefix}_{name}")))
        };
        Ok(Self::Fixed(FixedKey {
            id: needed("ACCESS_KEY_ID")?,
            secret: needed("ACCESS_KEY_SECRET")?.as_str().into(),
            token: variable("SESSION_TOKEN").map(|token| token.as_str().into()),
        }))
    }
}

impl Metadata {
    fn parse(url: &str, role: Option<String>) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let origin = Origin::parse(&format!("http://{place}")).ok()?;
        let path = (!path.is_empty()).then(|| format!("/{path}"));
        Some(Self { origin, path, role })
    }
}

impl Credentials {
    pub(crate) fn new(source: KeySource) -> Self {
        let timeout = Duration::from_secs(5);
        Self {
            source,
            client: Client::new(ClientSettings {
                connect_timeout: timeout,
                send_timeout: timeout,
                read_timeout: timeout,
                idle_max: 0,
                ..ClientSettings::default()
            }),
            known: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Whether both get their keys from the same place.
    pub(crate) fn is_from(&self, source: &KeySource) -> bool {
        self.source == *source
    }

    /// The key to sign with now.
    pub(crate) async fn key(
        &self,
        resolver: &Resolver,
        now: Timestamp,
    ) -> Result<Arc<AccessKey>, NoKey> {
        if let KeySource::Fixed(fixed) = &self.source {
            return Ok(self.fixed(fixed));
        }
        let known = self.known();
        let _turn = match known.held.as_ref().filter(|held| held.is_valid(now)) {
            Some(held) if now < held.next => return Ok(Arc::clone(&held.key)),
            // One looks for a new key; the others go on with the old one.
            Some(held) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(Arc::clone(&held.key)),
            },
            None => self.turn.lock().await,
        };
        // While this one waited, another may have asked.
        let known = self.known();
        let valid = known.held.as_ref().filter(|held| held.is_valid(now));
        if let Some(held) = valid
            && now < held.next
        {
            return Ok(Arc::clone(&held.key));
        }
        let lately = |failed: &Timestamp| now < failed.plus_millis(GLANCE_MS);
        if valid.is_none() && known.failed.as_ref().is_some_and(lately) {
            return Err(NoKey::FailedBefore);
        }
        let asked = self.ask(known.held.as_ref(), resolver, now).await;
        match (asked, valid) {
            (Ok(held), _) => {
                let key = Arc::clone(&held.key);
                self.keep(Known {
                    held: Some(held),
                    failed: None,
                });
                Ok(key)
            }
            (Err(error), Some(old)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the old key to sign with is used again");
                let key = Arc::clone(&old.key);
                self.keep(Known {
                    held: Some(Held {
                        next: now.plus_millis(REST_MS.min(old.rest_ms())),
                        ..old.clone()
                    }),
                    failed: None,
                });
                Ok(key)
            }
            (Err(error), None) => {
                self.keep(Known {
                    held: None,
                    failed: Some(now),
                });
                Err(error)
            }
        }
    }

    fn fixed(&self, fixed: &FixedKey) -> Arc<AccessKey> {
        if let Some(held) = self.known().held {
            return held.key;
        }
        let key = Arc::new(AccessKey {
            id: fixed.id.clone(),
            secret: Secret::from(fixed.secret.expose()),
            token: fixed.token.as_ref().map(|token| token.expose().into()),
        });
        let held = Held {
            key: Arc::clone(&key),
            until: None,
            next: Timestamp::from_seconds(0),
            seen: None,
        };
        self.keep(Known {
            held: Some(held),
            failed: None,
        });
        key
    }

    async fn ask(
        &self,
        old: Option<&Held>,
        resolver: &Resolver,
        now: Timestamp,
    ) -> Result<Held, NoKey> {
        match &self.source {
            KeySource::Fixed(fixed) => Ok(Held {
                key: self.fixed(fixed),
                until: None,
                next: now,
                seen: None,
            }),
            KeySource::File(path) => {
                let path = path.clone();
                let known = old.and_then(|old| Some((old.seen?, old.clone())));
                let reading = tokio::task::spawn_blocking(move || read_file(&path, known, now));
                reading
                    .await
                    .map_err(|_| NoKey::File(io::ErrorKind::Other.into()))?
            }
            KeySource::Metadata(metadata) => {
                let text = self.ask_metadata(metadata, resolver).await?;
                let told = Told::read(&text).ok_or(NoKey::Content)?;
                let next = match told.until {
                    Some(until) => until.plus_millis(-EARLY_MS).max(now.plus_millis(REST_MS)),
                    None => now.plus_millis(EARLY_MS),
                };
                Ok(Held {
                    key: Arc::new(told.key),
                    until: told.until,
                    next,
                    seen: None,
                })
            }
        }
    }

    async fn ask_metadata(
        &self,
        metadata: &Metadata,
        resolver: &Resolver,
    ) -> Result<Vec<u8>, NoKey> {
        const KEYS: &str = "/latest/meta-data/ram/security-credentials/";
        const TOKEN: &str = "x-aliyun-ecs-metadata-token";
        const TOKEN_TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
        let asking = Asking {
            client: &self.client,
            metadata,
            resolver,
        };
        if let Some(path) = &metadata.path {
            return asking.get(path, None).await;
        }
        // Instances may answer only those that can PUT, which no forged GET can; others do not
        // know that.
        let token = asking
            .send(Method::PUT, "/latest/api/token", Some((TOKEN_TTL, "300")))
            .await
            .ok()
            .and_then(|token| String::from_utf8(token).ok());
        let token = token.as_deref().map(|token| (TOKEN, token.trim()));
        let named = match metadata.role {
            Some(_) => Vec::new(),
            None => asking.get(KEYS, token).await?,
        };
        let named = String::from_utf8_lossy(&named);
        let role = metadata.role.as_deref().or_else(|| named.lines().next());
        let role = role.unwrap_or_default().trim();
        if role.is_empty() {
            return Err(NoKey::Content);
        }
        let role = osier_types::percent_encode(role.as_bytes(), false);
        asking.get(&format!("{KEYS}{role}"), token).await
    }

    fn known(&self) -> Known {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn keep(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Held {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// How long the source is left alone.
    fn rest_ms(&self) -> i64 {
        if self.seen.is_some() {
            GLANCE_MS
        } else {
            REST_MS
        }
    }
}

struct Asking<'a> {
    client: &'a Client,
    metadata: &'a Metadata,
    resolver: &'a Resolver,
}

impl Asking<'_> {
    async fn get(&self, path: &str, header: Option<(&str, &str)>) -> Result<Vec<u8>, NoKey> {
        self.send(Method::GET, path, header).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Vec<u8>, NoKey> {
        let origin = &self.metadata.origin;
        // The settings name it, and it lies where no other origin may.
        let addresses = self
            .resolver
            .addresses(
                &origin.host,
                origin.port,
                Some(Duration::from_mins(1)),
                Reach::Local,
            )
            .await
            .map_err(NoKey::Unresolved)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &origin.authority);
        if let Some((name, value)) = header {
            let value = HeaderValue::from_str(value).map_err(|_| NoKey::Content)?;
            request = request.header(name, value);
        }
        let request = request
            .body(RequestBody::Empty)
            .map_err(|_| NoKey::Content)?;
        let mut answered = self
            .client
            .exchange(&addresses, request)
            .await
            .map_err(NoKey::Metadata)?;
        if answered.parts.status != StatusCode::OK {
            return Err(NoKey::Status(answered.parts.status));
        }
        let mut text = BytesMut::new();
        while let Some(bytes) = answered.body.read().await.map_err(NoKey::BrokenOff)? {
            text.extend_from_slice(&bytes);
            if text.len() > ANSWER_BYTES_MAX {
                return Err(NoKey::Content);
            }
        }
        Ok(text.to_vec())
    }
}

/// A key as a source writes it.
struct Told {
    key: AccessKey,
    until: Option<Timestamp>,
}

impl Told {
    /// Reads JSON as metadata services answer it, or lines `name = value` as tools keep them.
    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        if text.starts_with('{') {
            Self::of_json(text)
        } else {
            Self::of_lines(text)
        }
    }

    fn of_json(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Json {
            #[serde(rename = "Code")]
            code: Option<String>,
            #[serde(rename = "AccessKeyId")]
            id: String,
            #[serde(rename = "AccessKeySecret", alias = "SecretAccessKey")]
            secret: String,
            #[serde(rename = "SecurityToken", alias = "Token")]
            token: Option<String>,
            #[serde(rename = "Expiration")]
            until: Option<String>,
        }
        let json: Json = serde_json::from_str(text).ok()?;
        if json.code.is_some_and(|code| code != "Success") {
            return None;
        }
        let until = match json.until {
            Some(until) => Some(Timestamp::parse_iso8601(&until).ok()?),
            None => None,
        };
        Some(Self {
            key: key(&json.id, &json.secret, json.token.as_deref())?,
            until,
        })
    }

    /// The first section of the files of ossutil, the Alibaba Cloud SDKs and the AWS tools.
    fn of_lines(text: &str) -> Option<Self> {
        let (mut id, mut secret, mut token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) || line.is_empty() {
                continue;
            }
            if line.starts_with('[') {
                if id.is_some() || secret.is_some() {
                    break;
                }
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let name: String = name
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|letter| letter.to_ascii_lowercase())
                .collect();
            let value = value.trim().trim_matches('"');
            match name.strip_prefix("aws").unwrap_or(&name) {
                "accesskeyid" => id = Some(value),
                "accesskeysecret" | "secretaccesskey" => secret = Some(value),
                "ststoken" | "securitytoken" | "sessiontoken" => token = Some(value),
                _ => {}
            }
        }
        Some(Self {
            key: key(id?, secret?, token)?,
            until: None,
        })
    }
}

fn key(id: &str, secret: &str, token: Option<&str>) -> Option<AccessKey> {
    let whole = !id.is_empty() && !secret.is_empty();
    whole.then(|| AccessKey {
        id: id.to_owned(),
        secret: secret.into(),
        token: token.filter(|token| !token.is_empty()).map(Secret::from),
    })
}

/// Reads a file anew when it does not look as before.
fn read_file(path: &Path, known: Option<(Seen, Held)>, now: Timestamp) -> Result<Held, NoKey> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).map_err(NoKey::File)?;
    let seen = Seen {
        modified: (file.mtime(), file.mtime_nsec()),
        bytes: file.len(),
        inode: file.ino(),
    };
    let next = now.plus_millis(GLANCE_MS);
    if let Some((before, held)) = known
        && before == seen
    {
        return Ok(Held { next, ..held });
    }
    if seen.bytes > ANSWER_BYTES_MAX as u64 {
        return Err(NoKey::Content);
    }
    let text = std::fs::read(path).map_err(NoKey::File)?;
    let told = Told::read(&text).ok_or(NoKey::Content)?;
    Ok(Held {
        key: Arc::new(told.key),
        until: told.until,
        next,
        seen: Some(seen),
    })
}

#[cfg(test)]
mod tests;
