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
        // By its id: a role made anew under an old name is another role.
        let role = account
            .role_by_id(&claims.role_id)
            .ok_or(TokenFault::Invalid)?;
        Ok(KeyRecord {
            secret: claims.secret,
            identity: Identity {
                account: Arc::clone(&account.owner),
                principal: Principal::AssumedRole {
                    role: Arc::clone(&role.record.name),
                    role_id: Arc::clone(&role.record.id),
                    session: claims.session.into(),
                },
                session_policy: claims.policy.map(Arc::from),
            },
            enabled: true,
            token: None,
        })
    }
}

impl Directory {
    fn issuer_exists(&self, issuer: &Issuer) -> bool {
        let (Issuer::User { account, id } | Issuer::Role { account, id }) = issuer;
        let Some(account) = self.accounts.get(account.as_str()) else {
            return false;
        };
        match issuer {
            Issuer::User { .. } => account.user_by_id(id).is_some(),
            Issuer::Role { .. } => account.role_by_id(id).is_some(),
        }
    }
}
