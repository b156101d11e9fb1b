//! The gateway: sites, what is kept, and one request from beginning to end.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use http::{Method, request};
use osier_cache_disk::OpenError;
use osier_http::{IncomingBody, Outgoing};
use osier_image_service::Imaging;
use osier_types::{Clock, Rng};

use crate::access_log::{AccessLine, Answers, CacheUse, RequestId};
use crate::challenge::Proofs;
use crate::failures::{Asked, Failure, Failures};
use crate::front::{self, Entered};
use crate::local_store::LocalStore;
use crate::resolve::{Resolver, ResolverSettings};
use crate::settings::SiteSettings;
use crate::site::{InvalidSite, Sites};
use crate::spill::{FreeBytes, SpillNumbers, SpillSettings, SpillSpace};
use crate::store::{KeptAnswers, StoreNumbers, StoreSettings};
use crate::trouble::Trouble;

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

impl Request {
    /// The same question without a body, for the cache alone: no conditions and no range.
    pub(crate) fn alike(&self) -> Self {
        let mut head = self.head.clone();
        head.method = Method::GET;
        Self {
            head,
            peer: self.peer,
            local: self.local,
            client: self.client,
            secure: self.secure,
            server_name: self.server_name.clone(),
            body: IncomingBody::EMPTY,
        }
    }
}

/// Answers for all sites.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) local: Option<Arc<dyn LocalStore>>,
    pub(crate) imaging: Option<Arc<Imaging>>,
    pub(crate) sites: RwLock<Arc<Sites>>,
    pub(crate) ready: AtomicBool,
    pub(crate) resolver: Resolver,
    pub(crate) proofs: Proofs,
    pub(crate) store: Arc<KeptAnswers>,
    pub(crate) spill: Arc<SpillSpace>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Answers that are being asked for again beside being given.
    pub(crate) refreshing: AtomicUsize,
    /// The beginning of all request ids of this process.
    id_prefix: u32,
    requests: AtomicU64,
    answers: Answers,
    failures: Failures,
}

/// An answer that is there, or on its way.
pub enum Answering {
    /// It is there.
    Ready(Option<Box<Response>>),
    /// It is waited for.
    Waiting(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answering {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        match self.get_mut() {
            Self::Ready(response) => match response.take() {
                Some(response) => Poll::Ready(*response),
                None => Poll::Pending,
            },
            Self::Waiting(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Waiting(_) => "Waiting",
        })
    }
}

impl Gateway {
    /// A gateway that keeps answers as `settings` say.
    ///
    /// # Errors
    /// When the disk for kept answers can't be used.
    pub fn new(
        sites: Sites,
        settings: &StoreSettings,
        clock: Arc<dyn Clock>,
        rng: &dyn Rng,
    ) -> Result<Self, OpenError> {
        let mut prefix = [0; 4];
        rng.fill(&mut prefix);
        Ok(Self {
            sites: RwLock::new(Arc::new(sites)),
            local: None,
            imaging: None,
            ready: AtomicBool::new(true),
            resolver: Resolver::default(),
            proofs: Proofs::default(),
            store: Arc::new(KeptAnswers::open(settings)?),
            spill: Arc::new(SpillSpace::none()),
            clock,
            refreshing: AtomicUsize::new(0),
            id_prefix: u32::from_be_bytes(prefix),
            requests: AtomicU64::new(0),
            answers: Answers::default(),
            failures: Failures::default(),
        })
    }

    /// The same, with a store of its own for `self://` and `verify+resign`.
    #[must_use]
    pub fn beside(self, local: Arc<dyn LocalStore>) -> Self {
        Self {
            local: Some(local),
            ..self
        }
    }

    /// The same, with somebody who makes pictures for sites that want them made here.
    #[must_use]
    pub fn with_pictures(self, imaging: Arc<Imaging>) -> Self {
        Self {
            imaging: Some(imaging),
            ..self
        }
    }

    /// The same, with names of origins asked of `settings`' servers.
    #[must_use]
    pub fn resolving(self, settings: &ResolverSettings, rng: Arc<dyn Rng>) -> Self {
        Self {
            resolver: Resolver::new(settings, rng),
            ..self
        }
    }

    /// The same, with room for answers whose clients are slow, as long as enough is `free`.
    #[must_use]
    pub fn with_room(self, settings: SpillSettings, free: FreeBytes) -> Self {
        Self {
            spill: Arc::new(SpillSpace::new(settings, free)),
            ..self
        }
    }

    /// Answers for other sites from now on. Requests that run go on with the old ones.
    ///
    /// # Errors
    /// The first thing that can't be used, with the place of its site in the list; then nothing
    /// changes.
    pub fn reload(&self, settings: &[SiteSettings]) -> Result<(), (usize, InvalidSite)> {
        self.install(self.prepare(settings)?);
        Ok(())
    }

    /// Sites that could take the place of those that are there.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub fn prepare(&self, settings: &[SiteSettings]) -> Result<Sites, (usize, InvalidSite)> {
        Sites::after(settings, &self.current())
    }

    /// Answers for `sites` from now on.
    pub fn install(&self, sites: Sites) {
        *self.sites.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sites);
    }

    /// Says from now on that no more requests should come.
    pub fn drain(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    /// The sites as they are now.
    pub(crate) fn current(&self) -> Arc<Sites> {
        Arc::clone(&self.sites.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests were answered so far: by what the cache had to do with them, and by
    /// the class of their status.
    pub fn answered(&self) -> Vec<((&'static str, &'static str), u64)> {
        self.answers.all().collect()
    }

    /// Why a request failed here, by its id, if that is remembered.
    pub fn failure(&self, request_id: &str) -> Option<Failure> {
        self.failures.find(request_id)
    }

    /// How it goes with what is kept.
    pub fn numbers(&self) -> StoreNumbers {
        self.store.numbers()
    }

    /// How it goes with answers whose clients are slow.
    pub fn spill_numbers(&self) -> SpillNumbers {
        self.spill.numbers()
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub fn handle(self: &Arc<Self>, mut request: Request) -> Answering {
        let mut line = AccessLine {
            request_id: self.request_id(),
            ..AccessLine::default()
        };
        if let Some(proof) = self.proof(&request) {
            return self.at_once(Ok(proof), line);
        }
        let sites = self.current();
        let now = self.clock.now();
        let (site, visit) = match front::enter(&sites, &self.ready, &mut request, now, &mut line) {
            Ok(Entered::In(site, visit)) => (site, visit),
            Ok(Entered::Answered(answer)) => return self.at_once(Ok(answer), line),
            Err(trouble) => {
                self.failures
                    .remember(Asked::of(&request), &line, &trouble, now);
                return self.at_once(Err(trouble), line);
            }
        };
        if let Some(mut answer) = self.quick_hit(&site, &request) {
            line.cache = CacheUse::Hit;
            site.leave(&visit, &mut answer);
            return self.at_once(Ok(answer), line);
        }
        let gateway = Arc::clone(self);
        let asked = Asked::of(&request);
        Answering::Waiting(Box::pin(async move {
            let mut answered = gateway.answer(&site, request, &mut line).await;
            if let Err(trouble) = &answered {
                gateway
                    .failures
                    .remember(asked, &line, trouble, gateway.clock.now());
            }
            if let Ok(answer) = &mut answered {
                site.leave(&visit, answer);
            }
            gateway.respond(answered, line)
        }))
    }

    fn at_once(&self, answered: Result<Outgoing, Trouble>, line: AccessLine) -> Answering {
        Answering::Ready(Some(Box::new(self.respond(answered, line))))
    }

    fn respond(&self, answered: Result<Outgoing, Trouble>, mut line: AccessLine) -> Response {
        let answer = match answered {
            Ok(answer) => answer,
            Err(trouble) => {
                if trouble.is_of_origin() {
                    tracing::warn!(
                        request_id = %line.request_id,
                        site = line.site.as_deref(),
                        code = trouble.code(),
                        "no answer from the origin: {}",
                        trouble.causes()
                    );
                }
                line.error_code = Some(trouble.code());
                trouble.answer(&line.request_id.to_string())
            }
        };
        line.status = answer.parts.status.as_u16();
        self.answers.count(line.cache, line.status);
        Response { answer, line }
    }

    fn request_id(&self) -> RequestId {
        RequestId {
            prefix: self.id_prefix,
            number: self.requests.fetch_add(1, Ordering::Relaxed),
        }
    }
}
