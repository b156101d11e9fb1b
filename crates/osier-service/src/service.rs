//! One request from its head to its answer, station by station.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use http::HeaderMap;
use osier_auth::control::Nonces;
use osier_auth::{Identity, Verifier};
use osier_image_service::Imaging;
use osier_store::{Reply, Store};
use osier_types::{Clock, Preflight, Rng};
use osier_wire::{Address, Dialect, DialectChoice, Hosts, ReplyFacts};

use crate::authorise::Judged;
use crate::control::{self, Told};
use crate::explain::Refusals;
use crate::layers::DocumentCache;
use crate::points::Ways;
use crate::reply::Origin;
use crate::source::Source;
use crate::{Cdn, Identities, Request, RequestLog, Response, Surroundings};

/// How a service is set up.
#[derive(Clone, Debug, Default)]
pub struct ServiceSettings {
    /// Host names that are ours.
    pub hosts: Hosts,
    /// Host and port told to clients whose own `Host` does not lead back here.
    pub public_endpoint: Option<String>,
    /// The region, for the names of resources in policies.
    pub region: String,
    /// Where requests come from.
    pub surroundings: Surroundings,
    /// Which dialect requests speak.
    pub dialect: DialectChoice,
    /// The same for listeners that differ, by their port.
    pub dialects: HashMap<u16, DialectChoice>,
}

/// Answers requests over one store.
pub struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) verifier: Verifier,
    pub(crate) documents: DocumentCache,
    pub(crate) refusals: Refusals,
    pub(crate) imaging: Arc<Imaging>,
    /// Of the control APIs.
    pub(crate) nonces: Nonces,
    /// It holds the gateway, which holds us.
    pub(crate) cdn: OnceLock<Weak<dyn Cdn>>,
    pub(crate) settings: ServiceSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Service")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What is learnt of a request on its way, for the answer whatever it will be.
pub(crate) struct Learnt {
    pub(crate) log: RequestLog,
    pub(crate) facts: ReplyFacts,
    /// How the listener tells dialects apart.
    pub(crate) choice: DialectChoice,
    /// How the client speaks, and is answered.
    pub(crate) dialect: Dialect,
    /// The reading of host and path in use.
    pub(crate) address: Option<Address>,
    pub(crate) caller: Option<Identity>,
    pub(crate) source: Source,
    pub(crate) ways: Ways,
    pub(crate) judged: Judged,
    pub(crate) grant: Option<Preflight>,
    pub(crate) preflight: bool,
}

/// An operation carried out: what came of it, and the pace of its body.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) bits_per_second: Option<u64>,
}

impl Service {
    /// Who makes the pictures of this service's objects, and may make others.
    pub fn imaging(&self) -> &Arc<Imaging> {
        &self.imaging
    }

    /// A service over `store` for the identities of `identities`.
    pub fn new(
        store: Arc<Store>,
        identities: Arc<Identities>,
        verifier: Verifier,
        imaging: Arc<Imaging>,
        settings: ServiceSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            store,
            identities,
            verifier,
            documents: DocumentCache::default(),
            refusals: Refusals::default(),
            imaging,
            nonces: Nonces::default(),
            cdn: OnceLock::new(),
            settings,
            clock,
            rng,
        }
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, request: Request) -> Response {
        let begun = Instant::now();
        let Request {
            head,
            peer,
            local,
            secure,
            body,
        } = request;
        // All this in boxes: it is rare, and every future of the store's would be larger by it.
        let body = if control::may_be(&head) {
            match Box::pin(control::tell(&head, body)).await {
                Told::Control(form) => {
                    return Box::pin(self.control(&head, form, peer, secure)).await;
                }
                Told::Aws(form) => {
                    return Box::pin(self.aws_control(&head, form, peer, secure)).await;
                }
                Told::Store(body) => body,
            }
        } else {
            body
        };
        let mut learnt = self.nothing_learnt(peer, secure, &head.headers);
        if let Some(choice) = self.settings.dialects.get(&local.port()) {
            learnt.choice = *choice;
        }
        let done = self.answer(&head, body, &mut learnt).await;
        self.reply(&Origin { head: &head, local }, learnt, done, begun)
    }

    pub(crate) fn nothing_learnt(
        &self,
        peer: SocketAddr,
        secure: bool,
        headers: &HeaderMap,
    ) -> Learnt {
        Learnt {
            log: RequestLog {
                request_id: self.request_id(),
                op: "Unknown",
                ..RequestLog::default()
            },
            facts: ReplyFacts::default(),
            choice: self.settings.dialect,
            dialect: Dialect::default(),
            address: None,
            caller: None,
            source: (self.settings.surroundings).source(peer, secure, headers),
            ways: Ways::default(),
            judged: Judged::default(),
            grant: None,
            preflight: false,
        }
    }

    fn request_id(&self) -> String {
        let mut bytes = [0; 12];
        self.rng.fill(&mut bytes);
        upper_hex(&bytes)
    }

    pub(crate) fn now(&self) -> osier_types::Timestamp {
        self.clock.now()
    }
}

pub(crate) fn upper_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| {
        char::from(if nibble < 10 {
            b'0' + nibble
        } else {
            b'A' - 10 + nibble
        })
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
