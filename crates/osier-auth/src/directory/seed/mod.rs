//! Identities from one TOML file, so that a test suite gets a ready server in one command.
//!
//! [`parse`] checks everything that can be checked without knowing what is there already;
//! [`Directory::apply_seed`] adds what is missing and changes what differs, and never deletes.
//! Every complaint has a line and a column, and shows no value: it might be a secret.

mod file;
mod lines;

use std::ops::Range;
use std::sync::Arc;

use osier_types::{BucketAcl, BucketName, Rng, SeededRng, Timestamp};
use toml::Spanned;

use super::record::{PolicyName, Record};
use super::{
    AccessKeyStatus, AddUserToGroup, AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser,
    Context, ControlFault, CreateGroup, CreatePolicy, CreatePolicyVersion, CreateRole, CreateUser,
    Directory, Entity, NewAccount, UpdateGroup, UpdateRole, UpdateUser,
};
use file::{Account, File, Group, Key, Policy, Role, User};
use lines::Lines;

/// A seed file that was read and checked.
#[derive(Clone, Debug)]
pub struct Seed {
    accounts: Vec<Account>,
    /// The buckets that are to be there.
    pub buckets: Vec<SeedBucket>,
    /// Where lines begin.
    lines: Lines,
}

/// A bucket that is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedBucket {
    /// The id of the account that is to own it.
    pub account: String,
    /// Its name.
    pub name: BucketName,
    /// Its access-control list.
    pub acl: BucketAcl,
}

/// What is wrong with a seed file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SeedError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In words for people.
    pub message: String,
}

/// Reads and checks a seed file.
///
/// # Errors
/// At the first thing that is wrong.
pub fn parse(text: &str) -> Result<Seed, SeedError> {
    let lines = Lines::of(text);
    let file: File = toml::from_str(text).map_err(|error| {
        lines.error(
            &error.span().unwrap_or_default(),
            without_values(error.message()),
        )
    })?;
    let mut seed = Seed {
        accounts: file.account,
        buckets: Vec::new(),
        lines,
    };
    for account in &seed.accounts {
        for bucket in &account.bucket {
            let error = |span, message: String| seed.lines.error(&span, message);
            let name = BucketName::parse(bucket.name.get_ref())
                .map_err(|invalid| error(bucket.name.span(), invalid.to_string()))?;
            if seed.buckets.iter().any(|other| other.name == name) {
                return Err(error(
                    bucket.name.span(),
                    "the bucket appears twice".to_owned(),
                ));
            }
            let acl = match &bucket.acl {
                None => BucketAcl::Private,
                Some(acl) => BucketAcl::parse(acl.get_ref()).map_err(|_| {
                    let reason = "expected `private`, `public-read` or `public-read-write`";
                    error(acl.span(), reason.to_owned())
                })?,
            };
            seed.buckets.push(SeedBucket {
                account: account.id.get_ref().clone(),
                name,
                acl,
            });
        }
    }
    seed.check_repetitions()?;
    // A trial finds what else is wrong. Its ids and secrets are thrown away.
    Directory::default().apply_seed(&seed, Timestamp::default(), &SeededRng::new(0))?;
    Ok(seed)
}

impl Directory {
    /// Sees to it that everything in `seed` is there, and tells how many things had to be
    /// added or changed. Doing so again changes nothing.
    ///
    /// # Errors
    /// When something is there already and belongs to somebody else, or is too much.
    pub fn apply_seed(
        &mut self,
        seed: &Seed,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<usize, SeedError> {
        let before = self.changes.len();
        for account in &seed.accounts {
            let context = &Context {
                account: account.id.get_ref(),
                now,
                rng,
            };
            let mut sower = Sower {
                directory: self,
                context,
                lines: &seed.lines,
            };
            sower.account(account)?;
        }
        Ok(self.changes.len() - before)
    }
}

/// Puts one account's things where they belong.
struct Sower<'a> {
    directory: &'a mut Directory,
    context: &'a Context<'a>,
    lines: &'a Lines,
}

impl Sower<'_> {
    fn account(&mut self, seed: &Account) -> Result<(), SeedError> {
        let at = seed.id.span();
        let known = self.directory.account_record(self.context.account).cloned();
        let done = match known {
            None => self.directory.create_account(
                NewAccount {
                    id: Some(seed.id.get_ref().clone()),
                    display_name: seed
                        .display_name
                        .clone()
                        .unwrap_or_else(|| "root".to_owned()),
                    email: seed.email.clone().unwrap_or_default(),
                },
                self.context,
            ),
            Some(known) => {
                let named = differs(seed.display_name.as_ref(), &known.owner.display_name);
                let reached = differs(seed.email.as_ref(), &known.email);
                if named || reached {
                    self.directory.update_account(
                        self.context.account,
                        seed.display_name.clone(),
                        seed.email.clone(),
                    )
                } else {
                    Ok(Arc::new(known))
                }
            }
        };
        self.check(&at, done)?;
        self.keys(None, &seed.key)?;
        for policy in &seed.policy {
            let done = self.policy(policy);
            self.check(&policy.document.span(), done)?;
        }
        for group in &seed.group {
            let done = self.group(group);
            self.check(&group.name.span(), done)?;
            for policy in &group.policies {
                let done = self.attach(policy.get_ref(), |kind, name| Target::Group {
                    kind,
                    name,
                    group: group.name.get_ref().clone(),
                });
                self.check(&policy.span(), done)?;
            }
        }
        for user in &seed.user {
            let done = self.user(user);
            self.check(&user.name.span(), done)?;
            for group in &user.groups {
                let done = present(self.directory.add_user_to_group(
                    self.context,
                    &AddUserToGroup {
                        user_name: user.name.get_ref().clone(),
                        group_name: group.get_ref().clone(),
                    },
                ));
                self.check(&group.span(), done)?;
            }
            for policy in &user.policies {
                let done = self.attach(policy.get_ref(), |kind, name| Target::User {
                    kind,
                    name,
                    user: user.name.get_ref().clone(),
                });
                self.check(&policy.span(), done)?;
            }
            self.keys(Some(user.name.get_ref()), &user.key)?;
        }
        for role in &seed.role {
            let done = self.role(role);
            self.check(&role.trust.span(), done)?;
            for policy in &role.policies {
                let done = self.attach(policy.get_ref(), |kind, name| Target::Role {
                    kind,
                    name,
                    role: role.name.get_ref().clone(),
                });
                self.check(&policy.span(), done)?;
            }
        }
        Ok(())
    }

    fn keys(&mut self, user: Option<&str>, keys: &[Key]) -> Result<(), SeedError> {
        for key in keys {
            let status = if key.active {
                AccessKeyStatus::Active
            } else {
                AccessKeyStatus::Inactive
            };
            let done = self.directory.put_access_key(
                self.context,
                user,
                key.id.get_ref(),
                &key.secret.0,
                status,
            );
            self.check(&key.id.span(), done)?;
        }
        Ok(())
    }

    fn policy(&mut self, seed: &Policy) -> Result<(), ControlFault> {
        let account = self.directory.account(self.context.account)?;
        let name = seed.name.get_ref();
        let Ok(entry) = account.policy(name) else {
            return self
                .directory
                .create_policy(
                    self.context,
                    CreatePolicy {
                        policy_name: name.clone(),
                        policy_document: seed.document.get_ref().clone(),
                        description: seed.description.clone(),
                        tags: Vec::new(),
                    },
                )
                .map(drop);
        };
        let same_text = entry.policy.text() == seed.document.get_ref();
        if differs(seed.description.as_ref(), &entry.record.description) {
            let mut record = (*entry.record).clone();
            record.description = seed.description.clone().unwrap_or_default();
            self.directory.keep(Record::Policy(Arc::new(record)))?;
        }
        if same_text {
            return Ok(());
        }
        self.directory
            .create_policy_version(
                self.context,
                CreatePolicyVersion {
                    policy_name: name.clone(),
                    policy_document: seed.document.get_ref().clone(),
                    set_as_default: true,
                    rotate_strategy: Some(
                        "DeleteOldestNonDefaultVersionWhenLimitExceeded".to_owned(),
                    ),
                },
            )
            .map(drop)
    }

    fn group(&mut self, seed: &Group) -> Result<(), ControlFault> {
        let account = self.directory.account(self.context.account)?;
        let name = seed.name.get_ref().clone();
        let done = match account.group(&name) {
            Err(_) => self.directory.create_group(
                self.context,
                CreateGroup {
                    group_name: name,
                    comments: seed.comments.clone(),
                },
            ),
            Ok(known) if differs(seed.comments.as_ref(), &known.comments) => {
                self.directory.update_group(
                    self.context,
                    UpdateGroup {
                        group_name: name,
                        new_group_name: None,
                        new_comments: seed.comments.clone(),
                    },
                )
            }
            Ok(_) => return Ok(()),
        };
        done.map(drop)
    }

    fn user(&mut self, seed: &User) -> Result<(), ControlFault> {
        let account = self.directory.account(self.context.account)?;
        let name = seed.name.get_ref().clone();
        let done = match account.user(&name) {
            Err(_) => self.directory.create_user(
                self.context,
                CreateUser {
                    user_name: name,
                    display_name: seed.display_name.clone(),
                    comments: seed.comments.clone(),
                    email: seed.email.clone(),
                    mobile_phone: None,
                },
            ),
            Ok(known)
                if differs(seed.display_name.as_ref(), &known.display_name)
                    || differs(seed.comments.as_ref(), &known.comments)
                    || differs(seed.email.as_ref(), &known.email) =>
            {
                self.directory.update_user(
                    self.context,
                    UpdateUser {
                        user_name: name,
                        new_display_name: seed.display_name.clone(),
                        new_comments: seed.comments.clone(),
                        new_email: seed.email.clone(),
                        ..UpdateUser::default()
                    },
                )
            }
            Ok(_) => return Ok(()),
        };
        done.map(drop)
    }

    fn role(&mut self, seed: &Role) -> Result<(), ControlFault> {
        let account = self.directory.account(self.context.account)?;
        let name = seed.name.get_ref().clone();
        let done = match account.role(&name).map(|known| &known.record) {
            Err(_) => self.directory.create_role(
                self.context,
                CreateRole {
                    role_name: name,
                    assume_role_policy_document: seed.trust.get_ref().clone(),
                    description: seed.description.clone(),
                    max_session_duration: seed.max_session_duration,
                    ..CreateRole::default()
                },
            ),
            Ok(known)
                if known.trust != *seed.trust.get_ref()
                    || differs(seed.description.as_ref(), &known.description)
                    || seed
                        .max_session_duration
                        .is_some_and(|seconds| seconds != known.max_session_duration) =>
            {
                self.directory.update_role(
                    self.context,
                    UpdateRole {
                        role_name: name,
                        new_assume_role_policy_document: Some(seed.trust.get_ref().clone()),
                        new_description: seed.description.clone(),
                        new_max_session_duration: seed.max_session_duration,
                        new_allow_console_login: None,
                    },
                )
            }
            Ok(_) => return Ok(()),
        };
        done.map(drop)
    }

    /// Attaches a policy, the account's own before a shipped one.
    fn attach(
        &mut self,
        policy: &str,
        target: impl FnOnce(String, String) -> Target,
    ) -> Result<(), ControlFault> {
        let account = self.directory.account(self.context.account)?;
        let name = if account.policy(policy).is_ok() {
            PolicyName::custom(policy)
        } else {
            PolicyName::system(policy)
        };
        let (kind, policy) = (name.kind.as_str().to_owned(), policy.to_owned());
        present(match target(kind, policy) {
            Target::User { kind, name, user } => self.directory.attach_policy_to_user(
                self.context,
                &AttachPolicyToUser {
                    policy_name: name,
                    policy_type: kind,
                    user_name: user,
                },
            ),
            Target::Group { kind, name, group } => self.directory.attach_policy_to_group(
                self.context,
                &AttachPolicyToGroup {
                    policy_name: name,
                    policy_type: kind,
                    group_name: group,
                },
            ),
            Target::Role { kind, name, role } => self.directory.attach_policy_to_role(
                self.context,
                &AttachPolicyToRole {
                    policy_name: name,
                    policy_type: kind,
                    role_name: role,
                },
            ),
        })
    }

    fn check<T>(&self, at: &Range<usize>, done: Result<T, ControlFault>) -> Result<(), SeedError> {
        done.map(drop)
            .map_err(|fault| self.lines.error(at, fault.to_string()))
    }
}

/// What a policy is attached to.
enum Target {
    User {
        kind: String,
        name: String,
        user: String,
    },
    Group {
        kind: String,
        name: String,
        group: String,
    },
    Role {
        kind: String,
        name: String,
        role: String,
    },
}

impl Seed {
    /// Two entries of one name would change each other for ever.
    fn check_repetitions(&self) -> Result<(), SeedError> {
        let mut keys = Vec::new();
        let mut accounts = Vec::new();
        for account in &self.accounts {
            accounts.push((account.id.get_ref().clone(), account.id.span()));
            keys.extend(account.key.iter());
            keys.extend(account.user.iter().flat_map(|user| &user.key));
            let names = |names: Vec<&Spanned<String>>, fold: bool| {
                let plain = |name: &&Spanned<String>| {
                    let text = name.get_ref();
                    let text = if fold {
                        text.to_ascii_lowercase()
                    } else {
                        text.clone()
                    };
                    (text, name.span())
                };
                self.unique(&names.iter().map(plain).collect::<Vec<_>>())
            };
            names(account.user.iter().map(|it| &it.name).collect(), false)?;
            names(account.group.iter().map(|it| &it.name).collect(), false)?;
            names(account.policy.iter().map(|it| &it.name).collect(), false)?;
            names(account.role.iter().map(|it| &it.name).collect(), true)?;
        }
        self.unique(&accounts)?;
        let key = |key: &&Key| (key.id.get_ref().clone(), key.id.span());
        self.unique(&keys.iter().map(key).collect::<Vec<_>>())
    }

    fn unique(&self, names: &[(String, Range<usize>)]) -> Result<(), SeedError> {
        for (nth, (name, at)) in names.iter().enumerate() {
            if names.iter().take(nth).any(|(other, _)| other == name) {
                return Err(self.lines.error(at, format!("`{name}` appears twice")));
            }
        }
        Ok(())
    }
}

/// Whether something is wanted that is not so.
fn differs(wanted: Option<&String>, is: &str) -> bool {
    wanted.is_some_and(|wanted| wanted != is)
}

/// What is there already is as wanted.
fn present(done: Result<(), ControlFault>) -> Result<(), ControlFault> {
    match done {
        Err(ControlFault::AlreadyExists {
            entity:
                Entity::Membership | Entity::UserPolicy | Entity::GroupPolicy | Entity::RolePolicy,
            ..
        }) => Ok(()),
        done => done,
    }
}

/// A complaint about a value's type shows the value, which might be a secret.
fn without_values(message: &str) -> String {
    for kind in ["invalid type", "invalid value"] {
        if message.starts_with(kind) {
            let expected = message.rsplit_once("expected ");
            let expected = expected.map_or("something else", |(_, expected)| expected);
            return format!("{kind}: expected {expected}");
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests;
