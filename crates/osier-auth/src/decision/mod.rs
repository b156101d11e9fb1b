//! May they? The decision on one access, with the steps that led to it.
//!
//! Section 5.2 of the reference: session policy, policies of the caller, bucket policy,
//! access point, ownership, access-control lists. An explicit denial anywhere wins. Whether a
//! name is taken by somebody else is not decided here: `PutBucket` on it is the store's
//! conflict. Referers are not looked at either: they refuse requests, not callers.

mod lists;
mod trace;

use osier_types::{
    Access, AccessDenial, AccessKind, BucketAcl, DenialKind, DeniedBy, Fault, FaultKind, ObjectAcl,
    Resource,
};

use crate::policy::{
    Caller, Citation, Conditions, Document, NearMiss, RequestFacts, RequestResource,
    Verdict as Said,
};
use crate::{Identity, Principal};
use trace::Trace;

/// What a decision needs to know of the resource.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceFacts<'a> {
    /// The bucket; `None` for the service and for a bucket that is not there.
    pub bucket: Option<BucketFacts<'a>>,
    /// The object's list, if there is an object.
    pub object_acl: Option<ObjectAcl>,
}

/// What a decision needs to know of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct BucketFacts<'a> {
    /// The id of the account that owns it.
    pub owner: &'a str,
    /// Its list.
    pub acl: BucketAcl,
}

/// The documents that have a say. The default has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// The policy that came with a temporary key. A caller whose identity has one is refused
    /// when it is not given here.
    pub session: Option<&'a Document>,
    /// What is attached to the user and its groups, or to the role.
    pub identity: &'a [Document],
    /// The bucket's policy.
    pub bucket: Option<&'a Document>,
    /// The access point by which the request came.
    pub access_point: Option<AccessPointFacts<'a>>,
    /// To what is public by a policy, by account and bucket together.
    pub public_access: PublicAccess,
    /// To what is public by a list.
    pub public_lists: PublicLists,
}

/// The access point by which a request came.
#[derive(Clone, Copy, Debug)]
pub struct AccessPointFacts<'a> {
    /// Its name, not its alias.
    pub name: &'a str,
    /// The id of the account that owns it.
    pub owner: &'a str,
    /// Its policy.
    pub policy: Option<&'a Document>,
    /// Its own Block Public Access.
    pub public_access: PublicAccess,
    /// The only network it answers; `None` is the internet.
    pub vpc: Option<&'a str>,
}

/// Block Public Access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicAccess {
    /// Off: public lists and policies count.
    #[default]
    Allowed,
    /// On: they grant nothing. What they deny stays denied.
    Blocked,
}

/// Whether access-control lists count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicLists {
    /// They do.
    #[default]
    Allowed,
    /// Block Public Access is on: public ones grant nothing.
    Blocked,
    /// The bucket's objects are its owner's alone: lists grant nothing.
    Disabled,
}

/// Everything that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// Who asks; `None` is anonymous.
    pub caller: Option<&'a Identity>,
    /// For what.
    pub access: &'a Access,
    /// What it is done to.
    pub resource: ResourceFacts<'a>,
    /// What documents say.
    pub layers: Layers<'a>,
    /// In what circumstances.
    pub conditions: &'a Conditions<'a>,
    /// The region, for the names of resources.
    pub region: &'a str,
}

/// The answer, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the access is granted.
    pub allowed: bool,
    /// Why not, when it is not.
    pub denial: Option<AccessDenial>,
    /// What each layer said, in order; the last one decided.
    pub trace: Vec<Step>,
    /// When nothing grants: the grant that came closest.
    pub nearest: Option<NearMiss>,
}

/// What one layer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who speaks.
    pub layer: Layer,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in words for people.
    pub reason: &'static str,
    /// The statement; only in the steps of [`Inquiry::explain`] and of denials.
    pub cited: Option<Box<Citation>>,
}

/// The layers that have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// What anonymous callers can never do.
    Anonymous,
    /// What every account may do.
    Service,
    /// The policy of the temporary key.
    SessionPolicy,
    /// The policies of the user, its groups or its role.
    IdentityPolicy,
    /// The bucket's policy.
    BucketPolicy,
    /// Where the access point may be used from.
    AccessPointNetwork,
    /// The access point's policy.
    AccessPointPolicy,
    /// Who owns the bucket.
    Ownership,
    /// The object's access-control list.
    ObjectAcl,
    /// The bucket's access-control list.
    BucketAcl,
}

/// What a layer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Yes.
    Allow,
    /// No.
    Deny,
    /// Nothing; the next layer decides.
    Pass,
}

impl Layer {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous callers",
            Self::Service => "the service",
            Self::SessionPolicy => "session policy",
            Self::IdentityPolicy => "policies of the caller",
            Self::BucketPolicy => "bucket policy",
            Self::AccessPointNetwork => "network of the access point",
            Self::AccessPointPolicy => "policy of the access point",
            Self::Ownership => "ownership",
            Self::ObjectAcl => "object ACL",
            Self::BucketAcl => "bucket ACL",
        }
    }
}

impl Verdict {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allows",
            Self::Deny => "denies",
            Self::Pass => "says nothing",
        }
    }
}

/// Decides whether `caller` (`None` is anonymous) may do `access` where there are no policies.
pub fn decide(caller: Option<&Identity>, access: &Access, facts: &ResourceFacts<'_>) -> Decision {
    Inquiry {
        caller,
        access,
        resource: *facts,
        layers: Layers::default(),
        conditions: &Conditions::default(),
        region: "",
    }
    .decide()
}

/// What the documents of one layer say.
type Heard<'a> = Said<(&'a Document, crate::policy::Match<'a>)>;

impl<'a> Inquiry<'a> {
    /// Decides. Denials are explained in full; grants only name the layers.
    pub fn decide(&self) -> Decision {
        let decision = self.run(Trace::brief());
        if decision.allowed {
            decision
        } else {
            self.explain()
        }
    }

    /// Decides without explaining denials: for a first look with half of the facts.
    pub fn glance(&self) -> Decision {
        self.run(Trace::brief())
    }

    /// Decides, and cites statements of grants too.
    pub fn explain(&self) -> Decision {
        self.run(Trace::full())
    }

    fn run(&self, mut trace: Trace) -> Decision {
        let resource = self.name();
        let mut facts = RequestFacts::new(
            self.access.action,
            resource,
            self.caller.map(Caller::from),
            self.conditions,
        );
        if let Some(point) = &self.layers.access_point {
            facts = facts.by_access_point(self.name_by(point));
        }
        if self.caller.is_none() && self.access.kind == AccessKind::Manage {
            return trace.deny(
                Layer::Anonymous,
                "management calls need a signature",
                AccessDenial::AnonymousForbidden,
            );
        }
        if let Some(denied) = self.session(&mut trace, &facts) {
            return denied;
        }
        let identity = self.identity(&mut trace, &facts);
        let bucket = self.bucket(&facts);
        if let Some((document, found)) = denial_of(&identity) {
            trace.hear(Layer::BucketPolicy, &bucket);
            trace.cite(Layer::IdentityPolicy, Verdict::Deny, document, found);
            return self.refuse(trace, DeniedBy::Identity, DenialKind::Explicit);
        }
        if let Some((document, found)) = denial_of(&bucket) {
            trace.hear(Layer::IdentityPolicy, &identity);
            trace.cite(Layer::BucketPolicy, Verdict::Deny, document, found);
            return self.refuse(trace, DeniedBy::Bucket, DenialKind::Explicit);
        }
        if let Some(point) = &self.layers.access_point {
            return self.by_access_point(trace, &facts, point, &identity, &bucket);
        }
        match (&identity, &bucket) {
            (Said::Allow((document, found)), _) => {
                trace.hear(Layer::BucketPolicy, &bucket);
                trace.cite(Layer::IdentityPolicy, Verdict::Allow, document, found);
                trace.allowed()
            }
            (_, Said::Allow((document, found))) => {
                trace.hear(Layer::IdentityPolicy, &identity);
                trace.cite(Layer::BucketPolicy, Verdict::Allow, document, found);
                trace.allowed()
            }
            _ => {
                trace.hear(Layer::IdentityPolicy, &identity);
                trace.hear(Layer::BucketPolicy, &bucket);
                if trace.is_full() {
                    trace.nearest = self.nearest(&facts);
                }
                self.by_ownership(trace)
            }
        }
    }

    /// A session policy must grant; then the other layers are asked too.
    fn session(&self, trace: &mut Trace, facts: &RequestFacts<'_>) -> Option<Decision> {
        let Some(document) = self.layers.session else {
            let narrowed = self
                .caller
                .is_some_and(|caller| caller.session_policy.is_some());
            return narrowed.then(|| {
                let mut trace = trace.take();
                trace.say(
                    Layer::SessionPolicy,
                    Verdict::Deny,
                    "the session's policy can't be read",
                );
                self.refuse(trace, DeniedBy::Session, DenialKind::Implicit)
            });
        };
        let kind = match document.policy.evaluate(facts) {
            Said::Allow(found) => {
                trace.cite(Layer::SessionPolicy, Verdict::Allow, document, &found);
                return None;
            }
            Said::Deny(found) => {
                trace.cite(Layer::SessionPolicy, Verdict::Deny, document, &found);
                DenialKind::Explicit
            }
            Said::Ignore => {
                trace.say(
                    Layer::SessionPolicy,
                    Verdict::Deny,
                    "the session's policy does not grant it",
                );
                if trace.is_full() {
                    trace.nearest = Document::nearest([document], facts);
                }
                DenialKind::Implicit
            }
        };
        Some(self.refuse(trace.take(), DeniedBy::Session, kind))
    }

    /// What is attached to the caller; nothing for accounts and for callers of other accounts.
    fn identity(&self, trace: &mut Trace, facts: &RequestFacts<'_>) -> Heard<'a> {
        let Some(caller) = self.caller else {
            return Said::Ignore;
        };
        if caller.principal == Principal::Root {
            return Said::Ignore;
        }
        if caller.account.id != self.owner() {
            trace.say(
                Layer::IdentityPolicy,
                Verdict::Pass,
                "the caller's policies do not reach into another account",
            );
            return Said::Ignore;
        }
        if self.resource.bucket.is_none() && !self.may_lack_bucket() {
            return Said::Ignore;
        }
        let heard = Document::evaluate_all(self.layers.identity, facts);
        if matches!(heard, Said::Ignore) {
            trace.say(
                Layer::IdentityPolicy,
                Verdict::Pass,
                if self.layers.identity.is_empty() {
                    "no policy is attached to the caller"
                } else {
                    "no policy of the caller speaks of it"
                },
            );
        }
        heard
    }

    fn bucket(&self, facts: &RequestFacts<'_>) -> Heard<'a> {
        let (Some(document), Some(_)) = (self.layers.bucket, self.resource.bucket) else {
            return Said::Ignore;
        };
        let verdict = match self.layers.public_access {
            PublicAccess::Allowed => document.policy.evaluate(facts),
            PublicAccess::Blocked => document
                .policy
                .evaluate(&facts.clone().without_public_grants()),
        };
        match verdict {
            Said::Allow(found) => Said::Allow((document, found)),
            // A policy that locks everybody out can still be taken away by the owner.
            Said::Deny(_) if self.owner_mends_policy() => Said::Ignore,
            Said::Deny(found) => Said::Deny((document, found)),
            Said::Ignore => Said::Ignore,
        }
    }

    /// Both sides must grant: the policies of caller and bucket, and the access point's.
    fn by_access_point(
        &self,
        mut trace: Trace,
        facts: &RequestFacts<'_>,
        point: &AccessPointFacts<'a>,
        identity: &Heard<'a>,
        bucket: &Heard<'a>,
    ) -> Decision {
        trace.hear(Layer::IdentityPolicy, identity);
        trace.hear(Layer::BucketPolicy, bucket);
        if let Some(vpc) = point.vpc {
            if self.conditions.source_vpc != Some(vpc) {
                trace.say(
                    Layer::AccessPointNetwork,
                    Verdict::Deny,
                    "the access point answers its own network only",
                );
                return self.refuse(trace, DeniedBy::AccessPoint, DenialKind::Implicit);
            }
            trace.say(
                Layer::AccessPointNetwork,
                Verdict::Pass,
                "the request comes from the access point's network",
            );
        }
        let said = match (point.policy, point.public_access) {
            (None, _) => Said::Ignore,
            (Some(document), PublicAccess::Allowed) => Document::evaluate_all([document], facts),
            (Some(document), PublicAccess::Blocked) => {
                Document::evaluate_all([document], &facts.clone().without_public_grants())
            }
        };
        if let Some((document, found)) = denial_of(&said) {
            trace.cite(Layer::AccessPointPolicy, Verdict::Deny, document, found);
            return self.refuse(trace, DeniedBy::AccessPoint, DenialKind::Explicit);
        }
        let granted = matches!(identity, Said::Allow(_)) || matches!(bucket, Said::Allow(_));
        if !granted && !self.caller_is_owner() {
            if trace.is_full() {
                trace.nearest = self.nearest(facts);
            }
            trace.hear(Layer::AccessPointPolicy, &said);
            trace.say(
                Layer::Ownership,
                Verdict::Deny,
                "by an access point, a policy of the caller or of the bucket must grant too",
            );
            return self.refuse(trace, DeniedBy::Nobody, DenialKind::Implicit);
        }
        match &said {
            Said::Allow((document, found)) => {
                trace.cite(Layer::AccessPointPolicy, Verdict::Allow, document, found);
                trace.allowed()
            }
            Said::Deny(_) | Said::Ignore => {
                if trace.is_full() {
                    trace.nearest = Document::nearest(point.policy, facts);
                }
                trace.say(
                    Layer::AccessPointPolicy,
                    Verdict::Deny,
                    "the access point's policy does not grant it",
                );
                self.refuse(trace, DeniedBy::AccessPoint, DenialKind::Implicit)
            }
        }
    }

    fn by_ownership(&self, mut trace: Trace) -> Decision {
        let Some(identity) = self.caller else {
            trace.say(
                Layer::Ownership,
                Verdict::Pass,
                "an anonymous caller owns nothing",
            );
            return self.by_lists(trace);
        };
        if let Some(reason) = open_to_accounts(self.access, identity) {
            return trace.allow(Layer::Service, reason);
        }
        let Some(bucket) = self.resource.bucket else {
            let reason = match self.access.resource {
                Resource::Service => "only the account itself may, or whom its policies allow",
                Resource::Bucket(_) | Resource::Object(..) => "there is no bucket to own",
            };
            trace.say(Layer::Ownership, Verdict::Deny, reason);
            return self.refuse(trace, DeniedBy::Nobody, DenialKind::Implicit);
        };
        if self.caller_is_owner() {
            return trace.allow(Layer::Ownership, "the account owns the bucket");
        }
        let same_account = identity.account.id == bucket.owner;
        let reason = if same_account {
            "the account that owns the bucket does not lend that to its users and roles"
        } else {
            "another account owns the bucket"
        };
        if self.access.kind == AccessKind::Manage {
            trace.say(Layer::Ownership, Verdict::Deny, reason);
            if same_account {
                return self.refuse(trace, DeniedBy::Nobody, DenialKind::Implicit);
            }
            return trace.denied(AccessDenial::NotOwner);
        }
        trace.say(Layer::Ownership, Verdict::Pass, reason);
        self.by_lists(trace)
    }

    /// The grant that came closest, of the documents that could have granted.
    fn nearest(&self, facts: &RequestFacts<'_>) -> Option<NearMiss> {
        let own = self
            .caller
            .filter(|caller| caller.account.id == self.owner())
            .filter(|caller| caller.principal != Principal::Root)
            .and_then(|_| Document::nearest(self.layers.identity, facts));
        let blocked;
        let bucket_facts = match self.layers.public_access {
            PublicAccess::Allowed => facts,
            PublicAccess::Blocked => {
                blocked = facts.clone().without_public_grants();
                &blocked
            }
        };
        let bucket = Document::nearest(self.layers.bucket, bucket_facts);
        own.into_iter().chain(bucket).min_by_key(NearMiss::distance)
    }

    fn name(&self) -> RequestResource<'a> {
        RequestResource::oss(&self.access.resource, self.region, self.owner())
    }

    fn name_by(&self, point: &AccessPointFacts<'a>) -> RequestResource<'a> {
        RequestResource::access_point(&self.access.resource, point.name, self.region, point.owner)
    }

    /// Who owns the resource; what is not there would belong to the caller.
    fn owner(&self) -> &'a str {
        match (self.resource.bucket, self.caller) {
            (Some(bucket), _) => bucket.owner,
            (None, Some(caller)) => &caller.account.id,
            (None, None) => "",
        }
    }

    fn caller_is_owner(&self) -> bool {
        let owner = self.resource.bucket.map(|bucket| bucket.owner);
        self.caller.is_some_and(|caller| {
            caller.principal == Principal::Root && owner == Some(caller.account.id.as_str())
        })
    }

    fn owner_mends_policy(&self) -> bool {
        self.caller_is_owner()
            && matches!(
                self.access.action,
                "oss:GetBucketPolicy" | "oss:PutBucketPolicy" | "oss:DeleteBucketPolicy"
            )
    }

    /// The service has no bucket, and a new one is not there yet.
    fn may_lack_bucket(&self) -> bool {
        self.access.resource == Resource::Service || self.access.action == "oss:PutBucket"
    }
}

impl Decision {
    /// Whether nothing but access-control lists decided: only then the object's counts.
    pub fn by_lists(&self) -> bool {
        self.trace
            .last()
            .is_some_and(|step| matches!(step.layer, Layer::ObjectAcl | Layer::BucketAcl))
    }

    /// The denial as a fault on `resource`.
    ///
    /// # Errors
    /// `AccessDenied` when the access is not granted.
    pub fn into_result(self, resource: &Resource) -> Result<(), Fault> {
        match self.denial {
            None if self.allowed => Ok(()),
            denial => {
                let denial = denial.unwrap_or(AccessDenial::NotOwner);
                Err(Fault::new(FaultKind::AccessDenied(denial)).on(resource.clone()))
            }
        }
    }
}

fn denial_of<'h, 'a>(heard: &'h Heard<'a>) -> Option<(&'a Document, &'h crate::policy::Match<'a>)> {
    match heard {
        Said::Deny((document, found)) => Some((document, found)),
        Said::Allow(_) | Said::Ignore => None,
    }
}

/// Why an account may do this, if so.
fn open_to_accounts(access: &Access, identity: &Identity) -> Option<&'static str> {
    if identity.principal != Principal::Root {
        return None;
    }
    match (access.action, &access.resource) {
        ("oss:ListBuckets", Resource::Service) => Some("an account lists its own buckets"),
        ("oss:DescribeRegions", Resource::Service) => Some("regions are no secret"),
        ("oss:PutBucket", Resource::Bucket(_)) => Some("every account may create buckets"),
        (_, Resource::Service) => Some("an account manages itself"),
        _ => None,
    }
}

#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;
