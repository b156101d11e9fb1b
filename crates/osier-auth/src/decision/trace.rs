//! A decision in the making: its steps, and the denial it may end with.

use osier_types::{AccessDenial, DenialKind, DeniedBy, DeniedPrincipal, PolicyDenial};

use super::{Decision, Heard, Inquiry, Layer, Said, Step, Verdict};
use crate::Principal;
use crate::policy::{Document, Match, NearMiss};

/// A decision in the making.
pub(super) struct Trace {
    steps: Vec<Step>,
    pub(super) nearest: Option<NearMiss>,
    cites: bool,
}

impl Trace {
    /// Without citations: grants are frequent, and nobody reads theirs.
    pub(super) fn brief() -> Self {
        Self {
            steps: Vec::with_capacity(4),
            nearest: None,
            cites: false,
        }
    }

    pub(super) fn full() -> Self {
        Self {
            cites: true,
            ..Self::brief()
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.cites
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::brief())
    }

    pub(super) fn say(&mut self, layer: Layer, verdict: Verdict, reason: &'static str) {
        self.steps.push(Step {
            layer,
            verdict,
            reason,
            cited: None,
        });
    }

    pub(super) fn cite(
        &mut self,
        layer: Layer,
        verdict: Verdict,
        document: &Document,
        found: &Match<'_>,
    ) {
        self.steps.push(Step {
            layer,
            verdict,
            reason: match verdict {
                Verdict::Allow => "a statement grants it",
                Verdict::Deny => "a statement denies it",
                Verdict::Pass => "a statement speaks of it",
            },
            cited: self.cites.then(|| Box::new(found.cite(&document.name))),
        });
    }

    /// What a layer says that does not decide alone. Silence is not recorded.
    pub(super) fn hear(&mut self, layer: Layer, heard: &Heard<'_>) {
        match heard {
            Said::Allow((document, found)) => self.cite(layer, Verdict::Allow, document, found),
            Said::Deny((document, found)) => self.cite(layer, Verdict::Deny, document, found),
            Said::Ignore => {}
        }
    }

    pub(super) fn allow(mut self, layer: Layer, reason: &'static str) -> Decision {
        self.say(layer, Verdict::Allow, reason);
        self.allowed()
    }

    pub(super) fn allowed(self) -> Decision {
        Decision {
            allowed: true,
            denial: None,
            trace: self.steps,
            nearest: None,
        }
    }

    pub(super) fn deny(
        mut self,
        layer: Layer,
        reason: &'static str,
        denial: AccessDenial,
    ) -> Decision {
        self.say(layer, Verdict::Deny, reason);
        self.denied(denial)
    }

    pub(super) fn denied(self, denial: AccessDenial) -> Decision {
        Decision {
            allowed: false,
            denial: Some(denial),
            trace: self.steps,
            nearest: self.nearest,
        }
    }
}

impl Inquiry<'_> {
    /// The end of a trace whose last step refuses.
    pub(super) fn refuse(&self, trace: Trace, by: DeniedBy, kind: DenialKind) -> Decision {
        let action = self.access.action.to_owned();
        let explicit = kind == DenialKind::Explicit;
        let acts_for_account = self
            .caller
            .is_some_and(|caller| caller.principal != Principal::Root);
        if !explicit && !acts_for_account && by == DeniedBy::Nobody {
            return trace.denied(AccessDenial::ImplicitDeny { action });
        }
        // Only the owner's people may learn from an error what the owner's documents say.
        let explanation = self
            .caller
            .filter(|caller| caller.account.id == self.owner())
            .and(trace.nearest.as_ref())
            .map(ToString::to_string);
        trace.denied(AccessDenial::Policy(Box::new(PolicyDenial {
            action,
            by,
            kind,
            principal: self.caller.map(|caller| DeniedPrincipal {
                account: caller.account.id.clone(),
                name: match &caller.principal {
                    Principal::Root => caller.account.display_name.clone(),
                    Principal::User { name, .. } => name.to_string(),
                    Principal::AssumedRole { role, session, .. } => format!("{role}:{session}"),
                },
                kind: match caller.principal {
                    Principal::Root => osier_types::PrincipalKind::Account,
                    Principal::User { .. } => osier_types::PrincipalKind::User,
                    Principal::AssumedRole { .. } => osier_types::PrincipalKind::AssumedRole,
                },
            }),
            explanation,
        })))
    }
}
