//! Requests to the CDN API: who may make them, and who carries them out.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use osier_auth::Identity;
use osier_auth::control::ControlAuthentication;
use osier_auth::directory::ControlFault;
use osier_auth::policy::{Conditions, RequestResource};
use osier_cdn::{CdnFault, CdnOutcome, CdnRequest};
use osier_wire::rpc;

use crate::service::Service;
use crate::{ControlAccess, RequestLog, Verdict};

/// An answer that is waited for.
pub type CdnPending<'a> = Pin<Box<dyn Future<Output = Result<CdnOutcome, CdnFault>> + Send + 'a>>;

/// Whoever has the domains, and the gateway that serves them.
pub trait Cdn: fmt::Debug + Send + Sync {
    /// Does what `account` asks for; it was found permitted.
    fn execute<'a>(&'a self, account: &'a str, request: CdnRequest) -> CdnPending<'a>;
}

/// Why a request to a control API is refused: by a station that all of them share, or by the CDN.
#[derive(Debug)]
pub(crate) enum CdnRefusal {
    Control(ControlFault),
    Cdn(CdnFault),
}

impl Service {
    /// Lets `cdn` carry out requests to the CDN API. Without it there are none.
    pub fn answer_cdn_by(&self, cdn: &Arc<dyn Cdn>) {
        // Set once: a server has one gateway.
        let _ = self.cdn.set(Arc::downgrade(cdn));
    }

    pub(crate) async fn cdn_outcome(
        &self,
        signed: &ControlAuthentication,
        caller: &Identity,
        conditions: &Conditions<'_>,
        log: &mut RequestLog,
    ) -> Result<CdnOutcome, CdnRefusal> {
        let refused = CdnRefusal::Control;
        let operation = rpc::cdn_operation(&signed.version, &signed.action).map_err(refused)?;
        log.op = operation.action;
        let request = rpc::decode_cdn(operation, &signed.parameters).map_err(refused)?;
        let account = &caller.account.id;
        let action = operation.permission;
        let paths: Vec<String> = match request.domains() {
            named if named.is_empty() => vec!["domain/*".to_owned()],
            named => named.iter().map(|name| format!("domain/{name}")).collect(),
        };
        let resource = |path| RequestResource::control("cdn", account, path);
        log.control = Some(ControlAccess {
            action,
            resources: paths
                .iter()
                .map(|path| resource(path).to_string())
                .collect(),
        });
        let directory = self.identities.current();
        log.verdict = Verdict::Refused;
        for path in &paths {
            directory
                .permit(caller, action, &resource(path), conditions)
                .map_err(refused)?;
        }
        log.verdict = Verdict::Granted;
        let Some(cdn) = self.cdn.get().and_then(Weak::upgrade) else {
            return Err(refused(ControlFault::unknown_version(&signed.version)));
        };
        cdn.execute(account, request).await.map_err(CdnRefusal::Cdn)
    }
}
