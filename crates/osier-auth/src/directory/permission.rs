//! May a caller use the control APIs? Their own policies decide; resources have no say here.

use super::{ControlFault, Denial, Directory};
use crate::policy::{Caller, Conditions, Document, RequestFacts, RequestResource, Verdict};
use crate::{Identity, Principal};

impl Directory {
    /// Whether `identity` may do `action` to `resource`, in the circumstances given.
    ///
    /// # Errors
    /// `NoPermission` when it may not.
    pub fn permit(
        &self,
        identity: &Identity,
        action: &str,
        resource: &RequestResource<'_>,
        conditions: &Conditions<'_>,
    ) -> Result<(), ControlFault> {
        let refuse = |denial| {
            Err(ControlFault::NoPermission {
                action: action.to_owned(),
                resource: resource.to_string(),
                denial,
            })
        };
        let Some(layers) = self.layers(identity) else {
            return refuse(Denial::CallerGone);
        };
        if identity.session_of.is_some() && action.starts_with("ram:") {
            return refuse(Denial::SessionKey);
        }
        let facts = RequestFacts::new(
            action,
            resource.clone(),
            Some(Caller::from(identity)),
            conditions,
        );
        match layers.session.as_ref().map(|it| it.policy.evaluate(&facts)) {
            None | Some(Verdict::Allow(_)) => {}
            Some(Verdict::Deny(_)) => return refuse(Denial::SessionDenies),
            Some(Verdict::Ignore) => return refuse(Denial::SessionSilent),
        }
        if identity.principal == Principal::Root {
            return if resource.owner == identity.account.id || resource.owner == SYSTEM {
                Ok(())
            } else {
                refuse(Denial::OtherAccount)
            };
        }
        match Document::evaluate_all(layers.identity.iter(), &facts) {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(_) => refuse(Denial::PolicyDenies),
            Verdict::Ignore => refuse(Denial::PoliciesSilent),
        }
    }
}

/// Whom shipped policies belong to.
pub(super) const SYSTEM: &str = "system";
