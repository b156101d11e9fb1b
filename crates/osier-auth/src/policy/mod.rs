//! The policy language: documents of RAM, of roles, of sessions, of buckets, of access points.
//!
//! [`Policy::parse`] checks a document and compiles it; [`Policy::evaluate`] says what it
//! has to say about one access, [`Policy::nearest`] which grant came closest. How several
//! documents make one decision is not known here: see [`decide`](crate::decide).

mod action;
mod address;
mod condition;
mod document;
mod explain;
mod facts;
pub(crate) mod glob;
mod iam;
mod json;
#[cfg(test)]
mod oracle;
mod principal;
mod resource;
mod s3;
mod statement;
pub mod system;
#[cfg(test)]
mod tests;
mod variable;

use std::sync::Arc;

pub use address::Network;
use condition::{Condition, Key};
pub use explain::{Citation, NearMiss, Unmet};
pub use facts::{Caller, Conditions, RequestFacts, RequestResource, Signing, Who};
pub use iam::{aws_policy, system_policy};
use statement::Statement;

/// A checked and compiled document.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: PolicyKind,
    text: Arc<str>,
    statements: Box<[Statement]>,
    needs: Needs,
}

/// Where a document belongs; it decides which elements are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Attached to users, groups and roles: no principal.
    Ram,
    /// Who may take on a role: a principal, no resource.
    Trust,
    /// What narrows a temporary key: no principal.
    Session,
    /// On a bucket: a principal, actions of the object store only.
    Bucket,
    /// On an access point: as on a bucket, with the names of access points.
    AccessPoint,
}

/// A document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct InvalidPolicy {
    /// Where, e.g. `Statement[1].Condition.IpAddress.acs:SourceIp[0]`; empty for the whole.
    pub path: String,
    /// What is wrong, in words for people.
    pub reason: String,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// What documents say about one access.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<M> {
    /// A statement grants it and none refuses.
    Allow(M),
    /// A statement refuses it.
    Deny(M),
    /// No statement applies.
    Ignore,
}

/// The statement that decided, borrowed from its policy.
#[derive(Clone, Copy, Debug)]
pub struct Match<'p> {
    /// Its place in the document, from 0.
    pub statement: usize,
    /// Its name.
    pub sid: Option<&'p str>,
    /// What it does.
    pub effect: Effect,
    /// Why it means the caller; `None` where documents have no principals.
    pub principal: Option<Matched<'p>>,
    /// Why it means the action.
    pub action: Matched<'p>,
    /// Why it means the resource; `None` in trust policies.
    pub resource: Option<Matched<'p>>,
    conditions: &'p [Condition],
}

/// Why an element means what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched<'p> {
    /// This pattern, as written.
    Pattern(&'p str),
    /// `NotAction`, `NotResource` or `NotPrincipal` does not list it.
    NotExcluded,
}

/// What conditions ask for that costs something to find out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// [`Conditions::existing_object_tags`].
    pub existing_object_tags: bool,
    /// [`Conditions::bucket_tags`].
    pub bucket_tags: bool,
    /// [`Conditions::remaining_retention_days`].
    pub retention: bool,
}

/// A policy with the name by which traces cite it.
#[derive(Clone, Debug)]
pub struct Document {
    /// E.g. `acs:ram::1234:policy/ReadOnly` or `bucket policy of media`.
    pub name: Arc<str>,
    /// What it says.
    pub policy: Arc<Policy>,
}

impl Policy {
    /// Reads a document of a kind.
    ///
    /// # Errors
    /// When it is too long, is no JSON, or has an element that is unknown, missing, repeated or
    /// has a value that can't be; the first such is named.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, InvalidPolicy> {
        let statements = document::parse(text, kind)?;
        Ok(Self {
            kind,
            text: text.into(),
            needs: Needs::of(&statements),
            statements,
        })
    }

    /// What kind it was read as.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The document as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// What it says about an access. An explicit denial wins over grants.
    pub fn evaluate(&self, facts: &RequestFacts<'_>) -> Verdict<Match<'_>> {
        let mut verdict = Verdict::Ignore;
        for (index, statement) in self.statements.iter().enumerate() {
            // Once something grants, only denials matter.
            if matches!(verdict, Verdict::Allow(_)) && statement.effect == Effect::Allow {
                continue;
            }
            match statement.applies(index, facts) {
                Some(found) if statement.effect == Effect::Deny => return Verdict::Deny(found),
                Some(found) => verdict = Verdict::Allow(found),
                None => {}
            }
        }
        verdict
    }

    /// Whether it grants something to the public, as `policyStatus` reports and Block Public
    /// Access refuses.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| statement.public)
    }

    /// Whether a grant to the public is one of its statements, and which is the first.
    pub fn public_statement(&self) -> Option<usize> {
        self.statements
            .iter()
            .position(|statement| statement.public)
    }

    /// Refuses a bucket policy that speaks of other buckets than the one it is put on.
    ///
    /// # Errors
    /// With the resource that can't mean `bucket`.
    pub fn check_bucket(&self, bucket: &str) -> Result<(), InvalidPolicy> {
        for (index, statement) in self.statements.iter().enumerate() {
            let Some(listed) = &statement.resources else {
                continue;
            };
            for (nth, pattern) in listed.patterns.iter().enumerate() {
                if !pattern.can_mean_bucket(bucket) {
                    let element = if listed.negated {
                        "NotResource"
                    } else {
                        "Resource"
                    };
                    return Err(InvalidPolicy {
                        path: format!("Statement[{index}].{element}[{nth}]"),
                        reason: format!("`{}` is not in the bucket `{bucket}`", pattern.text),
                    });
                }
            }
        }
        Ok(())
    }

    /// What its conditions ask for.
    pub fn needs(&self) -> Needs {
        self.needs
    }
}

impl PolicyKind {
    /// How long a document may be, in bytes.
    ///
    /// RAM documents: 6,144 characters; session policies 2,048 (`AssumeRole`); bucket policies
    /// 16 KiB. The bound of trust policies is ours.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Ram => 6144,
            Self::Trust => 4096,
            Self::Session => 2048,
            Self::Bucket | Self::AccessPoint => 16 * 1024,
        }
    }

    /// Whether its statements name principals.
    fn has_principals(self) -> bool {
        matches!(self, Self::Trust | Self::Bucket | Self::AccessPoint)
    }
}

impl Needs {
    fn of(statements: &[Statement]) -> Self {
        let mut needs = Self::default();
        for condition in statements
            .iter()
            .flat_map(|statement| &statement.conditions)
        {
            match condition.key {
                Key::ExistingObjectTag(_) => needs.existing_object_tags = true,
                Key::BucketTag(_) => needs.bucket_tags = true,
                Key::RemainingRetentionDays => needs.retention = true,
                _ => {}
            }
        }
        needs
    }

    /// What either asks for.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            existing_object_tags: self.existing_object_tags || other.existing_object_tags,
            bucket_tags: self.bucket_tags || other.bucket_tags,
            retention: self.retention || other.retention,
        }
    }
}

impl Document {
    /// Gives a policy its name.
    pub fn new(name: impl Into<Arc<str>>, policy: Arc<Policy>) -> Self {
        Self {
            name: name.into(),
            policy,
        }
    }

    /// What several documents of one layer say together.
    pub fn evaluate_all<'d>(
        documents: impl IntoIterator<Item = &'d Self>,
        facts: &RequestFacts<'_>,
    ) -> Verdict<(&'d Self, Match<'d>)> {
        let mut verdict = Verdict::Ignore;
        for document in documents {
            match document.policy.evaluate(facts) {
                Verdict::Deny(found) => return Verdict::Deny((document, found)),
                Verdict::Allow(found) if matches!(verdict, Verdict::Ignore) => {
                    verdict = Verdict::Allow((document, found));
                }
                Verdict::Allow(_) | Verdict::Ignore => {}
            }
        }
        verdict
    }
}
