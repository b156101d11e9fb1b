//! One compiled statement: does it apply, and if not, what is in the way.

use super::action::ActionPattern;
use super::condition::Condition;
use super::facts::RequestFacts;
use super::principal::PrincipalPattern;
use super::resource::ResourcePattern;
use super::{Effect, Match, Matched, Unmet};

/// A compiled statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sid: Option<Box<str>>,
    pub(super) effect: Effect,
    pub(super) principals: Option<Listed<PrincipalPattern>>,
    pub(super) actions: Listed<ActionPattern>,
    pub(super) resources: Option<Listed<ResourcePattern>>,
    pub(super) conditions: Box<[Condition]>,
    /// `*` does not mean the owner: a bucket policy's statement without conditions.
    pub(super) spares_owner: bool,
    /// It grants to the anonymous or to whoever comes.
    pub(super) public: bool,
}

/// The patterns of an element or of its negation.
#[derive(Clone, Debug)]
pub(super) struct Listed<T> {
    pub(super) patterns: Box<[T]>,
    /// `NotAction`, `NotResource`, `NotPrincipal`.
    pub(super) negated: bool,
}

impl<T> Listed<T> {
    /// What makes the element apply.
    fn find(&self, meant: impl Fn(&T) -> bool, text: impl Fn(&T) -> &str) -> Option<Matched<'_>> {
        match (
            self.patterns.iter().find(|pattern| meant(pattern)),
            self.negated,
        ) {
            (Some(pattern), false) => Some(Matched::Pattern(text(pattern))),
            (None, true) => Some(Matched::NotExcluded),
            (Some(_), true) | (None, false) => None,
        }
    }

    fn texts(&self, text: impl Fn(&T) -> &str) -> Vec<String> {
        self.patterns
            .iter()
            .map(|pattern| text(pattern).to_owned())
            .collect()
    }
}

impl Statement {
    /// What matched, if all of it does. `index` is its place in the document.
    pub(super) fn applies(&self, index: usize, facts: &RequestFacts<'_>) -> Option<Match<'_>> {
        if self.public && facts.public_ignored {
            return None;
        }
        let action = self.action(facts)?;
        let resource = match &self.resources {
            Some(listed) => Some(resource(listed, facts)?),
            None => None,
        };
        let principal = match &self.principals {
            Some(listed) => Some(self.principal(listed, facts)?),
            None => None,
        };
        if !self
            .conditions
            .iter()
            .all(|condition| condition.holds(facts.conditions))
        {
            return None;
        }
        Some(Match {
            statement: index,
            sid: self.sid.as_deref(),
            effect: self.effect,
            principal,
            action,
            resource,
            conditions: &self.conditions,
        })
    }

    /// Everything that keeps it from applying.
    pub(super) fn unmet(&self, facts: &RequestFacts<'_>) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        if let Some(listed) = &self.principals
            && self.principal(listed, facts).is_none()
        {
            unmet.push(Unmet::Principal {
                listed: listed.texts(|pattern| &pattern.text),
                negated: listed.negated,
                caller: facts
                    .caller
                    .map_or_else(|| "anonymous".to_owned(), |caller| caller.to_string()),
            });
        }
        if self.action(facts).is_none() {
            unmet.push(Unmet::Action {
                listed: self.actions.texts(|pattern| &pattern.text),
                negated: self.actions.negated,
                needed: facts.action.to_owned(),
            });
        }
        if let Some(listed) = &self.resources
            && resource(listed, facts).is_none()
        {
            unmet.push(Unmet::Resource {
                listed: listed.texts(|pattern| &pattern.text),
                negated: listed.negated,
                needed: facts.resource.to_string(),
            });
        }
        for condition in &self.conditions {
            if !condition.holds(facts.conditions) {
                unmet.push(Unmet::Condition {
                    operator: condition.operator.to_string(),
                    key: condition.key_text.to_string(),
                    wanted: condition.values.iter().map(ToString::to_string).collect(),
                    found: condition
                        .key
                        .find(facts.conditions)
                        .map(|value| value.to_string()),
                });
            }
        }
        if self.public && facts.public_ignored {
            unmet.push(Unmet::PublicAccessBlocked);
        }
        unmet
    }

    /// Whether it speaks of the bucket that is asked for, in whatever part of it.
    pub(super) fn speaks_of_bucket(&self, facts: &RequestFacts<'_>) -> bool {
        let bucket = facts.resource.path.split('/').next().unwrap_or_default();
        self.resources.as_ref().is_some_and(|listed| {
            listed
                .patterns
                .iter()
                .any(|pattern| pattern.can_mean_bucket(bucket))
        })
    }

    fn action(&self, facts: &RequestFacts<'_>) -> Option<Matched<'_>> {
        self.actions.find(
            |pattern| pattern.matches(&facts.action_lower),
            |pattern| &pattern.text,
        )
    }

    fn principal<'s>(
        &self,
        listed: &'s Listed<PrincipalPattern>,
        facts: &RequestFacts<'_>,
    ) -> Option<Matched<'s>> {
        let spared = self.spares_owner && !listed.negated && facts.caller_owns_resource();
        listed.find(
            |pattern| !(spared && pattern.is_everyone()) && pattern.matches(facts.caller),
            |pattern| &pattern.text,
        )
    }
}

fn resource<'s>(
    listed: &'s Listed<ResourcePattern>,
    facts: &RequestFacts<'_>,
) -> Option<Matched<'s>> {
    listed.find(|pattern| pattern.matches(facts), |pattern| &pattern.text)
}
