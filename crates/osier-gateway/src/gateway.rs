//! The gateway: sites, what is kept, and one request from beginning to end.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::request;
use osier_cache::{MemoryTier, Purges, Scope};
use osier_http::{IncomingBody, Outgoing};
use osier_types::{Clock, Rng};

use crate::access_log::AccessLine;
use crate::filling::KeptAnswers;
use crate::flight::Flights;
use crate::local_store::LocalStore;
use crate::resolve::Resolver;
use crate::settings::SiteSettings;
use crate::site::{InvalidSite, Sites};

/// Paths whose purges are remembered one by one.
const PURGED_NAMES_MAX: usize = 1 << 16;

/// A request for one of the sites.
#[derive(Debug)]
pub struct Request {
    /// Method, target and headers.
    pub head: request::Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Where to.
    pub local: SocketAddr,
    /// The client: who connected, or who stands behind proxies that are believed.
    pub client: IpAddr,
    /// Whether the client's connection is encrypted.
    pub secure: bool,
    /// The name that the client's TLS asked for.
    pub server_name: Option<Arc<str>>,
    /// The body, unread.
    pub body: IncomingBody,
}

/// An answer, and what to log of it.
#[derive(Debug)]
pub struct Response {
    /// The answer.
    pub answer: Outgoing,
    /// For the access log.
    pub line: AccessLine,
}

/// Answers for all sites.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) local: Option<Arc<dyn LocalStore>>,
    pub(crate) sites: RwLock<Arc<Sites>>,
    pub(crate) ready: AtomicBool,
    pub(crate) resolver: Resolver,
    pub(crate) store: Arc<KeptAnswers>,
    pub(crate) clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Gateway {
    /// A gateway that keeps at most `memory_bytes_max` bytes of answers.
    pub fn new(
        sites: Sites,
        memory_bytes_max: usize,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            sites: RwLock::new(Arc::new(sites)),
            local: None,
            ready: AtomicBool::new(true),
            resolver: Resolver::default(),
            store: Arc::new(KeptAnswers {
                memory: MemoryTier::new(memory_bytes_max),
                purges: Purges::new(PURGED_NAMES_MAX),
                flights: Flights::default(),
            }),
            clock,
            rng,
        }
    }

    /// The same, with a store of its own for `self://` and `verify+resign`.
    #[must_use]
    pub fn beside(self, local: Arc<dyn LocalStore>) -> Self {
        Self {
            local: Some(local),
            ..self
        }
    }

    /// Answers for other sites from now on. Requests that run go on with the old ones.
    ///
    /// # Errors
    /// The first thing that can't be used, with the place of its site in the list; then nothing
    /// changes.
    pub fn reload(&self, settings: &[SiteSettings]) -> Result<(), (usize, InvalidSite)> {
        let sites = Sites::after(settings, &self.current())?;
        *self.sites.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sites);
        Ok(())
    }

    /// Says from now on that no more requests should come.
    pub fn drain(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    pub(crate) fn current(&self) -> Arc<Sites> {
        Arc::clone(&self.sites.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Kept answers that `scope` reaches count no more when this returns.
    pub fn purge(&self, scope: Scope<'_>) {
        self.store.purges.purge(scope);
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, request: Request) -> Response {
        let mut line = AccessLine {
            request_id: self.request_id(),
            ..AccessLine::default()
        };
        let answer = match self.answer(request, &mut line).await {
            Ok(answer) => answer,
            Err(trouble) => {
                if trouble.is_of_origin() {
                    tracing::warn!(
                        request_id = line.request_id,
                        site = line.site,
                        code = trouble.code(),
                        "no answer from the origin: {}",
                        trouble.causes()
                    );
                }
                line.error_code = Some(trouble.code());
                trouble.answer(&line.request_id)
            }
        };
        line.status = answer.parts.status.as_u16();
        Response { answer, line }
    }

    fn request_id(&self) -> String {
        let mut bytes = [0; 12];
        self.rng.fill(&mut bytes);
        let mut text = String::with_capacity(24);
        for byte in bytes {
            let _ = write!(text, "{byte:02X}");
        }
        text
    }
}
