//! Words for people: which statement decided, or which came closest and what it lacks.

use super::{Document, Effect, Match, Matched, Policy, RequestFacts};

/// A statement that decided, with its document; owned, for traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The document's name.
    pub document: String,
    /// The statement's place, from 0.
    pub statement: usize,
    /// The statement's name.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// The principal that means the caller, as written.
    pub principal: Option<String>,
    /// The action, as written; `None` where `NotAction` does not list it.
    pub action: Option<String>,
    /// The resource, as written; `None` where `NotResource` does not list it.
    pub resource: Option<String>,
    /// The conditions, all of which hold.
    pub conditions: Vec<String>,
}

/// A grant that did not apply, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The document's name; empty when a policy was asked on its own.
    pub document: String,
    /// The statement's place, from 0.
    pub statement: usize,
    /// The statement's name.
    pub sid: Option<String>,
    /// What keeps it from applying; never empty.
    pub unmet: Vec<Unmet>,
    distance: u32,
}

/// An element of a statement that does not mean what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The caller is not listed (or excluded).
    Principal {
        /// As written.
        listed: Vec<String>,
        /// `NotPrincipal`.
        negated: bool,
        /// Who asked.
        caller: String,
    },
    /// The action is not listed (or excluded).
    Action {
        /// As written.
        listed: Vec<String>,
        /// `NotAction`.
        negated: bool,
        /// What was asked for.
        needed: String,
    },
    /// The resource is not listed (or excluded).
    Resource {
        /// As written.
        listed: Vec<String>,
        /// `NotResource`.
        negated: bool,
        /// What should be listed.
        needed: String,
    },
    /// A condition does not hold.
    Condition {
        /// As written.
        operator: String,
        /// As written.
        key: String,
        /// As written.
        wanted: Vec<String>,
        /// What the request has; `None` is missing.
        found: Option<String>,
    },
    /// Block Public Access turns the statement off.
    PublicAccessBlocked,
}

impl Match<'_> {
    /// An owned copy that names the document.
    pub fn cite(&self, document: &str) -> Citation {
        let owned = |matched: Matched<'_>| match matched {
            Matched::Pattern(text) => Some(text.to_owned()),
            Matched::NotExcluded => None,
        };
        Citation {
            document: document.to_owned(),
            statement: self.statement,
            sid: self.sid.map(str::to_owned),
            effect: self.effect,
            principal: self.principal.and_then(owned),
            action: owned(self.action),
            resource: self.resource.and_then(owned),
            conditions: self.conditions.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Policy {
    /// The grant that came closest to applying; `None` when nothing grants anything, or when
    /// something does apply.
    pub fn nearest(&self, facts: &RequestFacts<'_>) -> Option<NearMiss> {
        self.statements
            .iter()
            .enumerate()
            .filter(|(_, statement)| statement.effect == Effect::Allow)
            .map(|(index, statement)| {
                let unmet = statement.unmet(facts);
                let same_bucket = statement.speaks_of_bucket(facts);
                NearMiss {
                    document: String::new(),
                    statement: index,
                    sid: statement.sid.as_deref().map(str::to_owned),
                    distance: unmet.iter().map(|lack| lack.weight(same_bucket)).sum(),
                    unmet,
                }
            })
            .min_by_key(|miss| miss.distance)
            .filter(|miss| !miss.unmet.is_empty())
    }
}

impl Document {
    /// The grant of all these documents that came closest to applying.
    pub fn nearest<'d>(
        documents: impl IntoIterator<Item = &'d Self>,
        facts: &RequestFacts<'_>,
    ) -> Option<NearMiss> {
        documents
            .into_iter()
            .filter_map(|document| {
                let mut miss = document.policy.nearest(facts)?;
                miss.document = document.name.to_string();
                Some(miss)
            })
            .min_by_key(|miss| miss.distance)
    }
}

impl NearMiss {
    /// How far off it is; smaller is closer.
    pub fn distance(&self) -> u32 {
        self.distance
    }
}

impl Unmet {
    /// A wrong resource in the right bucket is the slip most often made, another action or
    /// another caller is rather another intention.
    fn weight(&self, same_bucket: bool) -> u32 {
        match self {
            Self::Condition { .. } | Self::PublicAccessBlocked => 2,
            Self::Resource { .. } if same_bucket => 1,
            Self::Resource { .. } => 6,
            Self::Action { .. } | Self::Principal { .. } => 4,
        }
    }
}

/// `statement 0 ("Read") of bucket policy of media: ..`.
impl std::fmt::Display for NearMiss {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_statement(out, self.statement, self.sid.as_deref(), &self.document)?;
        out.write_str(" comes closest, but ")?;
        for (nth, lack) in self.unmet.iter().enumerate() {
            if nth > 0 {
                out.write_str(", and ")?;
            }
            lack.fmt(out)?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Citation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_statement(out, self.statement, self.sid.as_deref(), &self.document)?;
        out.write_str(match self.effect {
            Effect::Allow => " allows",
            Effect::Deny => " denies",
        })?;
        match &self.action {
            Some(action) => write!(out, " `{action}`")?,
            None => out.write_str(" all but the listed actions")?,
        }
        if let Some(resource) = &self.resource {
            write!(out, " on `{resource}`")?;
        }
        if let Some(principal) = &self.principal {
            write!(out, " for `{principal}`")?;
        }
        if !self.conditions.is_empty() {
            write!(out, " under {}", self.conditions.join(" and "))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let relation = |negated: bool| if negated { "excludes" } else { "lacks" };
        match self {
            Self::Principal {
                listed,
                negated,
                caller,
            } => write!(
                out,
                "its {} [{}] {} `{caller}`",
                if *negated {
                    "NotPrincipal"
                } else {
                    "Principal"
                },
                listed.join(", "),
                relation(*negated),
            ),
            Self::Action {
                listed,
                negated,
                needed,
            } => write!(
                out,
                "its {} [{}] {} `{needed}`",
                if *negated { "NotAction" } else { "Action" },
                listed.join(", "),
                relation(*negated),
            ),
            Self::Resource {
                listed,
                negated,
                needed,
            } => write!(
                out,
                "its {} [{}] {} `{needed}`",
                if *negated { "NotResource" } else { "Resource" },
                listed.join(", "),
                relation(*negated),
            ),
            Self::Condition {
                operator,
                key,
                wanted,
                found,
            } => {
                write!(
                    out,
                    "its condition {operator} {key} [{}] does not hold for ",
                    wanted.join(", ")
                )?;
                match found {
                    Some(found) => write!(out, "`{found}`"),
                    None => out.write_str("a request without that key"),
                }
            }
            Self::PublicAccessBlocked => {
                out.write_str("it grants to the public, which Block Public Access turns off")
            }
        }
    }
}

fn write_statement(
    out: &mut std::fmt::Formatter<'_>,
    index: usize,
    sid: Option<&str>,
    document: &str,
) -> std::fmt::Result {
    write!(out, "statement {index}")?;
    if let Some(sid) = sid {
        write!(out, " (\"{sid}\")")?;
    }
    if !document.is_empty() {
        write!(out, " of {document}")?;
    }
    Ok(())
}
