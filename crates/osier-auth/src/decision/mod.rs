//! May they? The decision on one access, with the steps that led to it.
//!
//! Section 5.2 of the reference, steps 6 to 8, as far as there are accounts and
//! access-control lists. Policies will join as layers before ownership. Whether a name is
//! taken by somebody else is not decided here: `PutBucket` on it is the store's conflict.

use osier_types::{
    Access, AccessDenial, AccessKind, BucketAcl, Fault, FaultKind, ObjectAcl, Resource,
};

use crate::{Identity, Principal};

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

/// The answer, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the access is granted.
    pub allowed: bool,
    /// Why not, when it is not.
    pub denial: Option<AccessDenial>,
    /// What each layer said, in order; the last one decided.
    pub trace: Vec<Step>,
}

/// What one layer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who speaks.
    pub layer: Layer,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in words for people.
    pub reason: &'static str,
}

/// The layers that have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// What anonymous callers can never do.
    Anonymous,
    /// What every account may do.
    Service,
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

/// Decides whether `caller` (`None` is anonymous) may do `access`.
pub fn decide(caller: Option<&Identity>, access: &Access, facts: &ResourceFacts<'_>) -> Decision {
    let mut trace = Trace {
        action: access.action,
        steps: Vec::with_capacity(4),
    };
    let Some(identity) = caller else {
        if access.kind == AccessKind::Manage {
            return trace.deny(
                Layer::Anonymous,
                "management calls need a signature",
                AccessDenial::AnonymousForbidden,
            );
        }
        trace.pass(Layer::Ownership, "an anonymous caller owns nothing");
        return trace.by_lists(access, facts);
    };
    if let Some(reason) = open_to_accounts(access, identity) {
        return trace.allow(Layer::Service, reason);
    }
    let Some(bucket) = facts.bucket else {
        let denial = trace.nothing_grants();
        return trace.deny(Layer::Ownership, "there is no bucket to own", denial);
    };
    if identity.account.id == bucket.owner {
        match identity.principal {
            Principal::Root => {
                return trace.allow(Layer::Ownership, "the account owns the bucket");
            }
        }
    }
    if access.kind == AccessKind::Manage {
        return trace.deny(
            Layer::Ownership,
            "another account owns the bucket",
            AccessDenial::NotOwner,
        );
    }
    trace.pass(Layer::Ownership, "another account owns the bucket");
    trace.by_lists(access, facts)
}

impl Decision {
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

/// A decision in the making.
struct Trace {
    action: &'static str,
    steps: Vec<Step>,
}

impl Trace {
    fn pass(&mut self, layer: Layer, reason: &'static str) {
        self.steps.push(Step {
            layer,
            verdict: Verdict::Pass,
            reason,
        });
    }

    fn allow(mut self, layer: Layer, reason: &'static str) -> Decision {
        self.steps.push(Step {
            layer,
            verdict: Verdict::Allow,
            reason,
        });
        Decision {
            allowed: true,
            denial: None,
            trace: self.steps,
        }
    }

    fn deny(mut self, layer: Layer, reason: &'static str, denial: AccessDenial) -> Decision {
        self.steps.push(Step {
            layer,
            verdict: Verdict::Deny,
            reason,
        });
        Decision {
            allowed: false,
            denial: Some(denial),
            trace: self.steps,
        }
    }

    fn nothing_grants(&self) -> AccessDenial {
        AccessDenial::ImplicitDeny {
            action: self.action.to_owned(),
        }
    }

    /// The lists decide: the object's if it says anything, else the bucket's.
    fn by_lists(mut self, access: &Access, facts: &ResourceFacts<'_>) -> Decision {
        let object_acl = match access.resource {
            Resource::Object(..) => facts.object_acl.unwrap_or(ObjectAcl::Default),
            Resource::Service | Resource::Bucket(_) => ObjectAcl::Default,
        };
        let (layer, granted) = match (object_acl, facts.bucket) {
            (ObjectAcl::Default, None) => (Layer::BucketAcl, Granted::Nothing),
            (ObjectAcl::Default, Some(bucket)) => {
                if let Resource::Object(..) = access.resource {
                    self.pass(Layer::ObjectAcl, "the object has no list of its own");
                }
                (
                    Layer::BucketAcl,
                    match bucket.acl {
                        BucketAcl::Private => Granted::Nothing,
                        BucketAcl::PublicRead => Granted::Read,
                        BucketAcl::PublicReadWrite => Granted::ReadWrite,
                    },
                )
            }
            (ObjectAcl::Private, _) => (Layer::ObjectAcl, Granted::Nothing),
            (ObjectAcl::PublicRead, _) => (Layer::ObjectAcl, Granted::Read),
            (ObjectAcl::PublicReadWrite, _) => (Layer::ObjectAcl, Granted::ReadWrite),
        };
        match (granted, access.kind) {
            (Granted::Read | Granted::ReadWrite, AccessKind::Read) => {
                self.allow(layer, "the list lets everybody read")
            }
            (Granted::ReadWrite, AccessKind::Write) => {
                self.allow(layer, "the list lets everybody write")
            }
            (Granted::Nothing, _) => {
                let denial = self.nothing_grants();
                self.deny(layer, "the list is private", denial)
            }
            (Granted::Read | Granted::ReadWrite, _) => {
                let denial = self.nothing_grants();
                self.deny(layer, "the list lets everybody read only", denial)
            }
        }
    }
}

/// What a list grants to everybody.
#[derive(Clone, Copy)]
enum Granted {
    Nothing,
    Read,
    ReadWrite,
}

/// Why any account may do this, if so.
fn open_to_accounts(access: &Access, identity: &Identity) -> Option<&'static str> {
    match (access.action, &access.resource, &identity.principal) {
        ("oss:ListBuckets", Resource::Service, _) => Some("an account lists its own buckets"),
        ("oss:DescribeRegions", Resource::Service, _) => Some("regions are no secret"),
        ("oss:PutBucket", Resource::Bucket(_), Principal::Root) => {
            Some("every account may create buckets")
        }
        (_, Resource::Service, Principal::Root) => Some("an account manages itself"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
