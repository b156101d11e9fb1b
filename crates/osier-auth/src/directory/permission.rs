//! May a caller use the control APIs? Their own policies decide; resources have no say here.

use super::{ControlFault, Directory};
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
        let refuse = |reason| {
            Err(ControlFault::NoPermission {
                action: action.to_owned(),
                resource: resource.to_string(),
                reason,
            })
        };
        let Some(layers) = self.layers(identity) else {
            return refuse("the caller does not exist any more");
        };
        let facts = RequestFacts::new(
            action,
            resource.clone(),
            Some(Caller::from(identity)),
            conditions,
        );
        match layers.session.as_ref().map(|it| it.policy.evaluate(&facts)) {
            None | Some(Verdict::Allow(_)) => {}
            Some(Verdict::Deny(_)) => return refuse("the session policy denies it"),
            Some(Verdict::Ignore) => return refuse("the session policy does not allow it"),
        }
        if identity.principal == Principal::Root {
            return if resource.owner == identity.account.id || resource.owner == SYSTEM {
                Ok(())
            } else {
                refuse("it belongs to another account")
            };
        }
        match Document::evaluate_all(layers.identity.iter(), &facts) {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(_) => refuse("a policy denies it"),
            Verdict::Ignore => refuse("no policy allows it"),
        }
    }
}

/// Whom shipped policies belong to.
pub(super) const SYSTEM: &str = "system";
