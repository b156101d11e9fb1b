//! Who there is: every identity that could send a request, and every key.

use std::sync::Arc;

use super::Directory;
use super::account::Account;
use crate::{Identity, Principal};

/// The session's name in identities of roles that nobody has taken on.
const ANY_SESSION: &str = "any";

impl Directory {
    /// Every account, user and role, by account. Roles are as their sessions would be.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        self.accounts
            .values()
            .flat_map(|account| account.identities())
    }

    /// The ids of all keys, in no order.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(|id| &**id)
    }
}

impl Account {
    fn identities(&self) -> impl Iterator<Item = Identity> {
        let of = |principal| Identity::new(Arc::clone(&self.owner), principal);
        let users = self.users.values().map(move |user| {
            of(Principal::User {
                name: Arc::clone(&user.name),
                id: Arc::clone(&user.id),
            })
        });
        let roles = self.roles.values().map(move |role| {
            of(Principal::AssumedRole {
                role: Arc::clone(&role.record.name),
                role_id: Arc::clone(&role.record.id),
                session: ANY_SESSION.into(),
            })
        });
        std::iter::once(of(Principal::Root))
            .chain(users)
            .chain(roles)
    }
}
