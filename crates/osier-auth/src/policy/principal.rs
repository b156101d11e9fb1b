//! `Principal` and `NotPrincipal`: who is meant.

use super::facts::{Caller, Who};
use super::glob::Glob;

/// A principal as a statement lists it.
#[derive(Clone, Debug)]
pub(super) struct PrincipalPattern {
    /// As written.
    pub(super) text: Box<str>,
    pub(super) meaning: Meaning,
}

#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// `*`: also the anonymous.
    Everyone,
    /// A bare uid: that account itself or that RAM user.
    Uid(Box<str>),
    /// `acs:ram::uid:root`: the account with all that acts for it.
    Account(Box<str>),
    /// `acs:ram::uid:user/name`.
    User { account: Box<str>, name: Glob },
    /// A role's sessions. Names of roles are compared without regard to case.
    Role {
        account: Box<str>,
        role: Glob,
        session: Glob,
    },
    /// A service's name.
    Service(Box<str>),
    /// An identity provider's name.
    Federated(Box<str>),
}

impl PrincipalPattern {
    /// Reads `*`, a uid, or one of the long forms.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let meaning = if text == "*" {
            Meaning::Everyone
        } else if is_uid(text.trim_end_matches('*')) {
            // The documentation masks uids with stars; such a text is nobody's.
            Meaning::Uid(text.into())
        } else {
            parse_arn(text).ok_or_else(|| {
                format!(
                    "`{text}` is no principal: expected `*`, a uid, \
                     `acs:ram::<uid>:root|user/<name>|role/<name>` or \
                     `arn:sts::<uid>:assumed-role/<role>/<session>`"
                )
            })?
        };
        Ok(Self {
            text: text.into(),
            meaning,
        })
    }

    /// Reads S3's `AWS` member and trust policies' `RAM`: a bare uid is the whole account.
    pub(super) fn parse_account(text: &str) -> Result<Self, String> {
        if is_uid(text) {
            return Ok(Self {
                text: text.into(),
                meaning: Meaning::Account(text.into()),
            });
        }
        Self::parse(text)
    }

    pub(super) fn service(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('*') {
            return Err(format!("`{text}` is no name of a service"));
        }
        Ok(Self {
            text: text.into(),
            meaning: Meaning::Service(text.into()),
        })
    }

    pub(super) fn federated(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('*') {
            return Err(format!("`{text}` is no name of an identity provider"));
        }
        Ok(Self {
            text: text.into(),
            meaning: Meaning::Federated(text.into()),
        })
    }

    /// `None` is anonymous.
    pub(super) fn matches(&self, caller: Option<Caller<'_>>) -> bool {
        let Some(Caller { account, who }) = caller else {
            return matches!(self.meaning, Meaning::Everyone);
        };
        match (&self.meaning, who) {
            (Meaning::Everyone, _) => true,
            (Meaning::Uid(uid), Who::Root) => **uid == *account,
            (Meaning::Uid(uid), Who::User { id, .. }) => **uid == *id,
            (Meaning::Account(uid), Who::Root | Who::User { .. } | Who::AssumedRole { .. }) => {
                **uid == *account
            }
            (Meaning::User { account: uid, name }, Who::User { name: found, .. }) => {
                **uid == *account && name.matches(found)
            }
            (
                Meaning::Role {
                    account: uid,
                    role,
                    session,
                },
                Who::AssumedRole {
                    role: found,
                    session: held,
                },
            ) => {
                **uid == *account
                    && role.matches(&found.to_ascii_lowercase())
                    && session.matches(held)
            }
            (Meaning::Service(name), Who::Service(found))
            | (Meaning::Federated(name), Who::Federated(found)) => **name == *found,
            _ => false,
        }
    }

    /// Whether it means the anonymous too.
    pub(super) fn is_everyone(&self) -> bool {
        matches!(self.meaning, Meaning::Everyone)
    }
}

fn parse_arn(text: &str) -> Option<Meaning> {
    let rest = [
        "acs:ram::",
        "acs:sts::",
        "arn:acs:ram::",
        "arn:sts::",
        "arn:aws:iam::",
        "arn:aws:sts::",
    ]
    .iter()
    .find_map(|prefix| text.strip_prefix(prefix))?;
    let (uid, who) = rest.split_once(':')?;
    if !is_uid(uid) {
        return None;
    }
    let account = Box::from(uid);
    if who == "root" {
        return Some(Meaning::Account(account));
    }
    let (kind, name) = who.split_once('/')?;
    if name.is_empty() {
        return None;
    }
    match kind {
        "user" => Some(Meaning::User {
            account,
            name: Glob::new(name),
        }),
        "role" => Some(Meaning::Role {
            account,
            role: Glob::new(&name.to_ascii_lowercase()),
            session: Glob::new("*"),
        }),
        "assumed-role" => {
            let (role, session) = name.split_once('/')?;
            if role.is_empty() || session.is_empty() {
                return None;
            }
            Some(Meaning::Role {
                account,
                role: Glob::new(&role.to_ascii_lowercase()),
                session: Glob::new(session),
            })
        }
        _ => None,
    }
}

fn is_uid(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
