//! Where sites are served: listeners that are opened at the start when there is a site, and later
//! when the first domain comes by the CDN API.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use osier_http::{ConnectionSettings, Listeners, Running, Tls};

use crate::edge::Edge;
use crate::server::Face;

/// The listeners of sites. Each is opened once, and stays open until the server stops.
pub(crate) struct SiteDoors {
    plan: DoorPlan,
    edge: OnceLock<Arc<Edge>>,
    state: Mutex<State>,
}

/// Where and how they listen.
pub(crate) struct DoorPlan {
    /// Without TLS.
    pub(crate) plain: Vec<SocketAddr>,
    /// With it.
    pub(crate) tls: Vec<SocketAddr>,
    /// Whether HTTP/2 is offered there.
    pub(crate) http2: bool,
    /// What connections may do.
    pub(crate) connections: ConnectionSettings,
    /// The certificates.
    pub(crate) certificates: Arc<Tls>,
    /// Binds addresses.
    pub(crate) bind: Bind,
}

type Bind = Box<dyn Fn(&[SocketAddr]) -> Result<Listeners, DoorError> + Send + Sync>;

/// A listener can't be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// The address is in use, or not ours.
    #[error("can't listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    /// The system gives no threads.
    #[error("can't serve: {0}")]
    System(#[from] std::io::Error),
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}

#[derive(Default)]
struct State {
    /// Bound at the start, before anything could be served.
    bound_plain: Option<Listeners>,
    bound_tls: Option<Listeners>,
    plain: Option<Running>,
    tls: Option<Running>,
    stopped: bool,
}

impl fmt::Debug for SiteDoors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SiteDoors").finish_non_exhaustive()
    }
}

impl SiteDoors {
    /// Doors that are shut.
    pub(crate) fn new(plan: DoorPlan) -> Self {
        Self {
            plan,
            edge: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Takes the addresses, all or none, so that a start fails early where they can't be had.
    pub(crate) fn reserve(&self, plain: bool, tls: bool) -> Result<(), DoorError> {
        let mut state = self.lock();
        let bind = |wanted, addresses: &[SocketAddr]| {
            let wanted = wanted && !addresses.is_empty();
            wanted.then(|| (self.plan.bind)(addresses)).transpose()
        };
        let has_plain = state.bound_plain.is_some() || state.plain.is_some();
        let has_tls = state.bound_tls.is_some() || state.tls.is_some();
        let bound_plain = bind(plain && !has_plain, &self.plan.plain)?;
        let bound_tls = bind(tls && !has_tls, &self.plan.tls)?;
        state.bound_plain = state.bound_plain.take().or(bound_plain);
        state.bound_tls = state.bound_tls.take().or(bound_tls);
        Ok(())
    }

    /// Says who answers.
    pub(crate) fn answer_by(&self, edge: Arc<Edge>) {
        // Set once: a server has one gateway.
        let _ = self.edge.set(edge);
    }

    /// Opens what is not open yet.
    ///
    /// # Errors
    /// When the addresses can't be had.
    pub(crate) fn open(&self, plain: bool, tls: bool) -> Result<(), DoorError> {
        let Some(edge) = self.edge.get() else {
            return Ok(());
        };
        drop(self.lock_running()?);
        self.reserve(plain, tls)?;
        let mut state = self.lock_running()?;
        if let Some(listeners) = state.bound_plain.take() {
            let connections = self.plan.connections.clone();
            let running = osier_http::start(listeners, Arc::clone(edge), connections, "osier-edge");
            state.plain = Some(running?);
        }
        if let Some(listeners) = state.bound_tls.take() {
            let connections = ConnectionSettings {
                http2: self.plan.http2,
                ..self.plan.connections.clone()
            };
            let face = Face::Sites(Arc::clone(edge));
            let certificates = Arc::clone(&self.plan.certificates);
            let running =
                osier_http::start_tls(listeners, face, connections, certificates, "osier-tls");
            state.tls = Some(running?);
        }
        Ok(())
    }

    /// Where sites are served now, those without TLS first.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let state = self.lock();
        let running = state.plain.iter().chain(&state.tls);
        running.flat_map(Running::addresses).copied().collect()
    }

    /// Shuts all, for good.
    pub(crate) fn shut(&self, drain: Duration) {
        let running: Vec<Running> = {
            let mut state = self.lock();
            state.stopped = true;
            let state = &mut *state;
            state
                .plain
                .take()
                .into_iter()
                .chain(state.tls.take())
                .collect()
        };
        for running in running {
            running.stop(drain);
        }
    }

    fn lock_running(&self) -> Result<MutexGuard<'_, State>, DoorError> {
        let state = self.lock();
        if state.stopped {
            return Err(DoorError::Stopping);
        }
        Ok(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
