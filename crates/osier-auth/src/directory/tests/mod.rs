//! Every operation: what it does, and each way it is refused.

mod door;
mod groups;
mod inline;
mod keys;
mod load;
mod policies;
mod roles;
mod sts;
mod users;

use osier_types::SeededRng;

use super::*;
use crate::policy::Conditions;
use crate::testing::NOW;
use crate::{Identity, KeyRing as _};

pub(super) const ACCOUNT: &str = "1000000000000001";
pub(super) const OTHER: &str = "1000000000000002";
pub(super) const READ: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:Get*","Resource":"*"}]}"#;
pub(super) const ASSUME: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;

/// A directory under test with its time and chance.
pub(super) struct World {
    pub(super) directory: Directory,
    pub(super) now: Timestamp,
    pub(super) rng: SeededRng,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            directory: Directory::default(),
            now: NOW,
            rng: SeededRng::new(7),
        };
        for id in [ACCOUNT, OTHER] {
            world.run(|directory, context| {
                let new = NewAccount {
                    id: Some(id.to_owned()),
                    display_name: "root".to_owned(),
                    email: String::new(),
                };
                directory.create_account(new, context).unwrap();
            });
        }
        world.directory.rotate_token_keys(NOW, &world.rng).unwrap();
        world.directory.take_changes();
        world
    }

    pub(super) fn run<T>(&mut self, act: impl FnOnce(&mut Directory, &Context<'_>) -> T) -> T {
        self.run_in(ACCOUNT, act)
    }

    pub(super) fn run_in<T>(
        &mut self,
        account: &str,
        act: impl FnOnce(&mut Directory, &Context<'_>) -> T,
    ) -> T {
        let context = Context {
            account,
            now: self.now,
            rng: &self.rng,
        };
        act(&mut self.directory, &context)
    }

    pub(super) fn user(&mut self, name: &str) -> User {
        self.run(|directory, context| {
            let request = CreateUser {
                user_name: name.to_owned(),
                ..CreateUser::default()
            };
            directory.create_user(context, request).unwrap()
        })
    }

    pub(super) fn group(&mut self, name: &str) -> Group {
        self.run(|directory, context| {
            let request = CreateGroup {
                group_name: name.to_owned(),
                comments: None,
            };
            directory.create_group(context, request).unwrap()
        })
    }

    pub(super) fn key(&mut self, user: Option<&str>) -> CreatedAccessKey {
        self.run(|directory, context| {
            let request = CreateAccessKey {
                user_name: user.map(str::to_owned),
            };
            directory.create_access_key(context, &request).unwrap()
        })
    }

    pub(super) fn policy(&mut self, name: &str, document: &str) {
        self.run(|directory, context| {
            let request = CreatePolicy {
                policy_name: name.to_owned(),
                policy_document: document.to_owned(),
                ..CreatePolicy::default()
            };
            directory.create_policy(context, request).unwrap();
        });
    }

    pub(super) fn role(&mut self, name: &str, trusted: &str) -> Role {
        self.run(|directory, context| {
            let request = CreateRole {
                role_name: name.to_owned(),
                assume_role_policy_document: trust(trusted),
                ..CreateRole::default()
            };
            directory.create_role(context, request).unwrap()
        })
    }

    pub(super) fn attach_to_user(&mut self, kind: &str, policy: &str, user: &str) {
        self.run(|directory, context| {
            let request = AttachPolicyToUser {
                policy_name: policy.to_owned(),
                policy_type: kind.to_owned(),
                user_name: user.to_owned(),
            };
            directory.attach_policy_to_user(context, &request).unwrap();
        });
    }

    pub(super) fn attach_to_role(&mut self, kind: &str, policy: &str, role: &str) {
        self.run(|directory, context| {
            let request = AttachPolicyToRole {
                policy_name: policy.to_owned(),
                policy_type: kind.to_owned(),
                role_name: role.to_owned(),
            };
            directory.attach_policy_to_role(context, &request).unwrap();
        });
    }

    /// A user as its key shows it.
    pub(super) fn identity_of(&mut self, user: &str) -> Identity {
        let key = self.key(Some(user));
        self.directory.key(&key.access_key_id).unwrap().identity
    }

    pub(super) fn root(&mut self) -> Identity {
        let key = self.key(None);
        self.directory.key(&key.access_key_id).unwrap().identity
    }

    /// Asks as a client does.
    pub(super) fn ask(
        &mut self,
        caller: &Identity,
        request: ControlRequest,
    ) -> Result<ControlOutcome, ControlFault> {
        let Self {
            directory,
            now,
            rng,
        } = self;
        directory.execute(caller, request, &Conditions::default(), *now, rng)
    }
}

pub(super) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{{"RAM":["{principal}"]}}}}]}}"#
    )
}

pub(super) fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

/// The code of a refusal.
#[track_caller]
pub(super) fn code<T: std::fmt::Debug>(result: Result<T, ControlFault>) -> String {
    let fault = result.unwrap_err();
    assert!(!fault.to_string().is_empty());
    fault.code()
}

pub(super) fn named(name: &str) -> String {
    name.to_owned()
}
