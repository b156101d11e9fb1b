//! A service over the in-memory engine, and a client that signs by V1.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, StatusCode};
use osier_auth::directory::{AccessKeyStatus, Context, ControlFault, NewAccount, Vault};
use osier_auth::{Regions, Secret, Verifier};
use osier_engine::faults::FaultyEngine;
use osier_engine::memory::MemoryEngine;
use osier_image_service::{Imaging, ImagingSettings};
use osier_service::{Identities, Request, ResponseBody, Service, ServiceSettings};
use osier_store::{BytesSource, ObjectChunk, Store, StoreSettings};
use osier_types::{Clock, ManualClock, SeededRng, Timestamp, percent_decode};
use osier_wire::Hosts;
use sha1::Sha1;

pub(crate) const SECRET: &str = "ExampleSecret0123456789abcdefgh";
pub(crate) const KEY_ID: &str = "LTAI5tExampleKeyId";
pub(crate) const ACCOUNT: &str = "1000000000000001";
pub(crate) const OTHER_ACCOUNT: &str = "1000000000000002";
pub(crate) const OTHER_KEY_ID: &str = "LTAI5tOtherKeyId";

/// A service with two accounts, each with one root key of the same secret.
pub(crate) struct Harness {
    pub(crate) service: Service,
    pub(crate) engine: Arc<FaultyEngine>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,

    pub(crate) identities: Arc<Identities>,
    seeds: AtomicU64,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Path and query, as on the wire.
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Bytes,
    pub(crate) key_id: Option<&'a str>,
    /// Parameters that V1 signs, decoded, sorted, as `?a&b=c`.
    pub(crate) signed_query: &'a str,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_795_316_645)));
        let rng = Arc::new(SeededRng::new(1));
        let engine = Arc::new(FaultyEngine::new(Arc::new(MemoryEngine::new())));
        let store = Store::open(
            Arc::clone(&engine) as _,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&rng) as _,
            StoreSettings::default(),
        )
        .await
        .unwrap();
        let store = Arc::new(store);
        let vault = Vault::new([7; 32]);
        let identities = Identities::open(Arc::clone(&store), vault, Arc::clone(&rng) as _)
            .await
            .unwrap();
        let identities = Arc::new(identities);
        for (account, key_id) in [(ACCOUNT, KEY_ID), (OTHER_ACCOUNT, OTHER_KEY_ID)] {
            let context = Context {
                account,
                now: clock.now(),
                rng: &*rng,
            };
            let made = identities.change(|directory| {
                let new = NewAccount {
                    id: Some(account.into()),
                    display_name: account.into(),
                    email: String::new(),
                };
                directory.create_account(new, &context)?;
                let secret = Secret::new(SECRET);
                let active = AccessKeyStatus::Active;
                directory.put_access_key(&context, None, key_id, &secret, active)?;
                Ok::<(), ControlFault>(())
            });
            made.await.unwrap().unwrap();
        }
        let settings = ServiceSettings {
            hosts: Hosts::new(["oss.example.com"], Vec::<(String, String)>::new()),
            region: "cn-hangzhou".into(),
            ..ServiceSettings::default()
        };
        let service = Service::new(
            Arc::clone(&store),
            Arc::clone(&identities),
            Verifier::new(Regions::Any),
            Arc::new(Imaging::new(
                ImagingSettings::default(),
                Arc::clone(&clock) as Arc<dyn Clock>,
            )),
            settings,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&rng) as _,
        );
        Self {
            service,
            engine,
            store,
            clock,
            identities,
            seeds: AtomicU64::default(),
        }
    }

    /// Applies a seed file.
    pub(crate) async fn seed(&self, text: &str) {
        let seed = osier_auth::directory::seed::parse(text).unwrap();
        let seeds = self.seeds.fetch_add(1, Ordering::Relaxed);
        let rng = SeededRng::new(100 + seeds);
        let now = self.clock.now();
        let sown = self
            .identities
            .change(|directory| directory.apply_seed(&seed, now, &rng));
        sown.await.unwrap().unwrap();
    }

    /// A user of the first account whose key has its name, and what it may.
    pub(crate) async fn user(&self, name: &str, statements: &str) {
        let policy = format!("{name}-policy");
        self.seed(&format!(
            r#"
[[account]]
id = "{ACCOUNT}"
[[account.policy]]
name = "{policy}"
document = '''{{"Version":"1","Statement":[{statements}]}}'''
[[account.user]]
name = "{name}"
policies = ["{policy}"]
[[account.user.key]]
id = "{name}"
secret = "{SECRET}"
"#
        ))
        .await;
    }

    /// Sends one request as it is.
    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let (head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        let response = self.service.handle(whole(head, body)).await;
        let body = match response.body {
            ResponseBody::Empty => Bytes::new(),
            ResponseBody::Bytes(bytes) => bytes,
            ResponseBody::Object(mut body, length) => {
                let mut all = Vec::new();
                while let Some(chunk) = body.next().await.unwrap() {
                    let ObjectChunk::Bytes(chunk) = chunk else {
                        panic!("the in-memory engine has no files");
                    };
                    all.extend_from_slice(&chunk);
                }
                assert_eq!(u64::try_from(all.len()).unwrap(), length);
                all.into()
            }
        };
        assert!(!is_head || body.is_empty(), "HEAD has no body");
        Answer {
            status: response.head.status,
            headers: response.head.headers,
            body,
        }
    }

    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Answer {
        self.send(ask.request(self.clock.now(), SECRET)).await
    }

    /// A request signed by the first account, without special headers.
    pub(crate) async fn signed(&self, method: Method, target: &str, body: &str) -> Answer {
        self.ask(Ask::new(method, target).body(body.to_owned()))
            .await
    }

    /// A request signed by the key of this id, with the query that V1 signs.
    pub(crate) async fn by(&self, key_id: &str, method: Method, target: &str) -> Answer {
        let query = target
            .split_once('?')
            .map_or(String::new(), |(_, query)| format!("?{query}"));
        let ask = Ask::new(method, target).by(Some(key_id));
        self.ask(ask.signed_query(&query)).await
    }

    pub(crate) async fn anonymous(&self, method: Method, target: &str, body: &str) -> Answer {
        self.ask(Ask::new(method, target).body(body.to_owned()).by(None))
            .await
    }
}

/// As the server hands requests over.
pub(crate) fn whole(head: http::request::Parts, body: Bytes) -> Request {
    Request {
        head,
        peer: "127.0.0.1:50000".parse().unwrap(),
        local: "127.0.0.1:9000".parse().unwrap(),
        secure: false,
        body: Box::new(BytesSource::new(body)),
    }
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, target: &'a str) -> Self {
        Self {
            method,
            target,
            headers: Vec::new(),
            body: Bytes::new(),
            key_id: Some(KEY_ID),
            signed_query: "",
        }
    }

    pub(crate) fn by(self, key_id: Option<&'a str>) -> Self {
        Self { key_id, ..self }
    }

    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    pub(crate) fn header(mut self, name: &'a str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn signed_query(self, signed_query: &'a str) -> Self {
        Self {
            signed_query,
            ..self
        }
    }

    pub(crate) fn request(&self, now: Timestamp, secret: &str) -> http::Request<Bytes> {
        let date = now.http_date();
        let mut builder = http::Request::builder()
            .method(&self.method)
            .uri(self.target)
            .header("host", "127.0.0.1:9000")
            .header("date", &date)
            .header("content-length", self.body.len());
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        if let Some(key_id) = self.key_id {
            let text = self.string_to_sign(&date);
            let authorization = format!("OSS {key_id}:{}", sign(secret, &text));
            builder = builder.header("authorization", authorization);
        }
        builder.body(self.body.clone()).unwrap()
    }

    fn string_to_sign(&self, date: &str) -> String {
        let value = |wanted: &str| {
            self.headers
                .iter()
                .find(|(name, _)| *name == wanted)
                .map_or("", |(_, value)| value.as_str())
        };
        let mut oss: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-oss-"))
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        oss.sort();
        let path = self.target.split('?').next().unwrap();
        let bucket_level = path.matches('/').count() == 1 && path.len() > 1;
        let slash = if bucket_level { "/" } else { "" };
        let path = String::from_utf8(percent_decode(path.as_bytes())).unwrap();
        format!(
            "{}\n{}\n{}\n{date}\n{}{path}{slash}{}",
            self.method,
            value("content-md5"),
            value("content-type"),
            oss.concat(),
            self.signed_query
        )
    }
}

pub(crate) fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    BASE64.encode(mac.finalize().into_bytes())
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of the first element of this name in an XML body.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text().split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    pub(crate) fn code(&self) -> &str {
        self.element("Code").unwrap_or("")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
