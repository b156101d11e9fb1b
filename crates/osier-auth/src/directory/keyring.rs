//! The directory as the ring of keys: a change shows in the next request.

use std::sync::Arc;

use osier_types::Timestamp;

use super::{AccessKeyStatus, Directory};
use crate::token::Issuer;
use crate::{Identity, KeyRecord, KeyRing, Principal, TokenFault};

impl KeyRing for Directory {
    fn key(&self, access_key_id: &str) -> Option<KeyRecord> {
        let record = &self.keys.get(access_key_id)?.record;
        let account = self.accounts.get(&record.account)?;
        let principal = match &record.user_id {
            None => Principal::Root,
            Some(id) => Principal::User {
                name: Arc::clone(&account.user_by_id(id)?.name),
                id: Arc::clone(id),
            },
        };
        Some(KeyRecord {
            secret: record.secret.clone(),
            identity: Identity::new(Arc::clone(&account.owner), principal),
            enabled: record.status == AccessKeyStatus::Active,
            token: None,
        })
    }

    fn temporary_key(
        &self,
        access_key_id: &str,
        token: &[u8],
        now: Timestamp,
    ) -> Result<KeyRecord, TokenFault> {
        let claims = self.token_keys.open(token)?;
        if claims.access_key_id != access_key_id {
            return Err(TokenFault::OtherKey);
        }
        if now >= claims.expires {
            return Err(TokenFault::Expired);
        }
        let issuing_key_exists = claims
            .issuing_key
            .as_ref()
            .is_none_or(|id| self.keys.contains_key(id.as_str()));
        if !issuing_key_exists || !self.issuer_exists(&claims.issuer) {
            return Err(TokenFault::Invalid);
        }
        let account = self
            .accounts
            .get(claims.account.as_str())
            .ok_or(TokenFault::Invalid)?;
        // By their ids: who was made anew under an old name is somebody else.
        let (principal, session_of) = match (&claims.role_id, &claims.issuer) {
            (Some(id), _) => {
                let role = &account.role_by_id(id).ok_or(TokenFault::Invalid)?.record;
                let principal = Principal::AssumedRole {
                    role: Arc::clone(&role.name),
                    role_id: Arc::clone(&role.id),
                    session: claims.session.into(),
                };
                (principal, None)
            }
            (None, Issuer::User { id, .. }) => {
                let user = account.user_by_id(id).ok_or(TokenFault::Invalid)?;
                let principal = Principal::User {
                    name: Arc::clone(&user.name),
                    id: Arc::clone(&user.id),
                };
                (
                    principal,
                    Some(claims.issuing_key.ok_or(TokenFault::Invalid)?),
                )
            }
            (None, Issuer::Account { .. }) => {
                let key = claims.issuing_key.ok_or(TokenFault::Invalid)?;
                (Principal::Root, Some(key))
            }
            (None, Issuer::Role { .. }) => return Err(TokenFault::Invalid),
        };
        Ok(KeyRecord {
            secret: claims.secret,
            identity: Identity {
                account: Arc::clone(&account.owner),
                principal,
                session_policy: claims.policy.map(Arc::from),
                session_of: session_of.map(Arc::from),
            },
            enabled: true,
            token: None,
        })
    }
}

impl Directory {
    fn issuer_exists(&self, issuer: &Issuer) -> bool {
        let account = |id: &String| self.accounts.get(id.as_str());
        match issuer {
            Issuer::User { account: of, id } => {
                account(of).is_some_and(|it| it.user_by_id(id).is_some())
            }
            Issuer::Role { account: of, id } => {
                account(of).is_some_and(|it| it.role_by_id(id).is_some())
            }
            Issuer::Account { account: of } => account(of).is_some(),
        }
    }
}
