//! Temporary keys: `AssumeRole`, `GetSessionToken` and `GetCallerIdentity`.

use std::borrow::Cow;
use std::sync::Arc;

use osier_types::{Rng, Timestamp};

use super::account::{RoleEntry, is_account_id};
use super::record::Record;
use super::{
    AssumeRole, AssumedRole, CallerIdentity, ControlFault, Credentials, Denial, Directory,
    GetSessionToken, SessionToken, ids, names,
};
use crate::policy::{
    Caller, Conditions, Policy, PolicyKind, RequestFacts, RequestResource, Verdict,
};
use crate::token::{Claims, Issuer, TokenKeys};
use crate::{Identity, Principal};

impl Directory {
    /// `AssumeRole`: a temporary key that may do what the role may, and no more than the
    /// session policy says.
    ///
    /// The caller must be a user or a role, hold `sts:AssumeRole` on the role, and be trusted
    /// by it. That a role exists is told only to those who may take it on.
    ///
    /// # Errors
    /// When a parameter is not valid, or one of the two permissions is missing.
    pub fn assume_role(
        &self,
        caller: &Identity,
        request: AssumeRole,
        conditions: &Conditions<'_>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<AssumedRole, ControlFault> {
        let (account_id, role_name) = parse_role_arn(&request.role_arn)?;
        let session = names::session_name(request.role_session_name)?;
        let seconds = request.duration_seconds.unwrap_or(DURATION_DEFAULT);
        if seconds < DURATION_MIN {
            return Err(duration_fault(DURATION_MIN));
        }
        check_session_policy(request.policy.as_deref().unwrap_or_default())?;
        let issuer = match &caller.principal {
            Principal::User { id, .. } => Issuer::User {
                account: caller.account.id.clone(),
                id: id.to_string(),
            },
            Principal::AssumedRole { role_id, .. } => Issuer::Role {
                account: caller.account.id.clone(),
                id: role_id.to_string(),
            },
            Principal::Root => {
                return Err(ControlFault::NoPermission {
                    action: ACTION.to_owned(),
                    resource: request.role_arn,
                    denial: Denial::RootAssumes,
                });
            }
        };
        let issuing_key = match &issuer {
            Issuer::Role { .. } => None,
            Issuer::User { .. } | Issuer::Account { .. } => permanent_key(caller, conditions),
        };
        let found = self
            .account(account_id)
            .and_then(|account| account.role(role_name));
        let conditions = Conditions {
            external_id: request.external_id.as_deref(),
            role_session_name: Some(&session),
            source_identity: request.source_identity.as_deref(),
            ..*conditions
        };
        let known_name = found.as_ref().map_or(role_name, |role| &*role.record.name);
        self.permit_assuming(caller, account_id, known_name, &conditions)?;
        let role = found?;
        trust(role, caller, &conditions)?;
        if seconds > role.record.max_session_duration {
            return Err(duration_fault(role.record.max_session_duration));
        }
        let issued = now.whole_seconds();
        let claims = Claims {
            access_key_id: ids::temporary_key_id(rng),
            secret: ids::secret(rng, SECRET_LEN),
            account: account_id.to_owned(),
            role_id: Some(role.record.id.to_string()),
            session,
            issued,
            expires: issued.plus_millis(i64::from(seconds) * 1000),
            policy: request.policy.filter(|policy| !policy.is_empty()),
            issuer,
            issuing_key,
        };
        let role = &role.record;
        Ok(AssumedRole {
            arn: format!("{}/{}", role.arn(), claims.session),
            assumed_role_id: format!("{}:{}", role.id, claims.session),
            credentials: self.credentials(claims, rng)?,
            source_identity: request.source_identity,
        })
    }

    /// `GetSessionToken`: a temporary key for the caller's own user or account, that may do what
    /// they may and no more than the session policy says; but it changes no identities. Nobody
    /// needs a permission for it.
    ///
    /// # Errors
    /// When a parameter is not valid, or the caller's key is a temporary one itself.
    pub fn get_session_token(
        &self,
        caller: &Identity,
        request: GetSessionToken,
        conditions: &Conditions<'_>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<SessionToken, ControlFault> {
        let account = caller.account.id.clone();
        let issuer = match &caller.principal {
            _ if caller.session_of.is_some() => None,
            Principal::User { id, .. } => Some(Issuer::User {
                account: account.clone(),
                id: id.to_string(),
            }),
            Principal::Root => Some(Issuer::Account {
                account: account.clone(),
            }),
            Principal::AssumedRole { .. } => None,
        };
        let issuer = issuer.ok_or_else(|| ControlFault::NoPermission {
            action: "sts:GetSessionToken".to_owned(),
            resource: "*".to_owned(),
            denial: Denial::SessionKey,
        })?;
        let issuing_key = permanent_key(caller, conditions).ok_or(ControlFault::Internal)?;
        let session = request.session.map(names::session_name).transpose()?;
        let longest = match &issuer {
            Issuer::Account { .. } => ACCOUNT_SESSION_MAX,
            Issuer::User { .. } | Issuer::Role { .. } => SESSION_MAX,
        };
        let seconds = request.duration_seconds.unwrap_or(SESSION_DEFAULT);
        if seconds < DURATION_MIN {
            return Err(duration_fault(DURATION_MIN));
        }
        if seconds > SESSION_MAX {
            let reason = format!("at most {SESSION_MAX} seconds");
            return Err(ControlFault::invalid("DurationSeconds", reason));
        }
        check_session_policy(request.policy.as_deref().unwrap_or_default())?;
        let issued = now.whole_seconds();
        let seconds = seconds.min(longest);
        let claims = Claims {
            access_key_id: ids::temporary_key_id(rng),
            secret: ids::secret(rng, SECRET_LEN),
            account,
            role_id: None,
            session: session.clone().unwrap_or_default(),
            issued,
            expires: issued.plus_millis(i64::from(seconds) * 1000),
            policy: request.policy.filter(|policy| !policy.is_empty()),
            issuer,
            issuing_key: Some(issuing_key),
        };
        Ok(SessionToken {
            credentials: self.credentials(claims, rng)?,
            session,
        })
    }

    fn credentials(&self, claims: Claims, rng: &dyn Rng) -> Result<Credentials, ControlFault> {
        let security_token = self
            .token_keys
            .seal(&claims, rng)
            .ok_or(ControlFault::Internal)?;
        Ok(Credentials {
            access_key_id: claims.access_key_id,
            access_key_secret: claims.secret,
            security_token,
            expiration: claims.expires,
        })
    }

    /// `GetCallerIdentity`: everybody may ask who they are.
    pub fn get_caller_identity(caller: &Identity) -> CallerIdentity {
        let account_id = caller.account.id.clone();
        let arn = caller.arn();
        match &caller.principal {
            Principal::Root => CallerIdentity {
                principal_id: account_id.clone(),
                user_id: Some(account_id.clone()),
                account_id,
                arn,
                identity_type: "Account",
                role_id: None,
            },
            Principal::User { id, .. } => CallerIdentity {
                account_id,
                arn,
                identity_type: "RAMUser",
                principal_id: id.to_string(),
                user_id: Some(id.to_string()),
                role_id: None,
            },
            Principal::AssumedRole {
                role_id, session, ..
            } => CallerIdentity {
                account_id,
                arn,
                identity_type: "AssumedRoleUser",
                principal_id: format!("{role_id}:{session}"),
                user_id: None,
                role_id: Some(role_id.to_string()),
            },
        }
    }

    /// Sees to it that there is a key for new tokens that is not too old, and drops those
    /// whose last token is over. To be called at the start and once in a while.
    ///
    /// # Errors
    /// None that can be caused from outside.
    pub fn rotate_token_keys(&mut self, now: Timestamp, rng: &dyn Rng) -> Result<(), ControlFault> {
        if let Some(key) = self.token_keys.next_key(now, rng) {
            self.keep(Record::TokenKey(Arc::new(key)))?;
        }
        for over in self.token_keys.drop_spent(now) {
            self.forget(&Record::TokenKey(over));
        }
        Ok(())
    }

    /// The keys of tokens.
    pub fn token_keys(&self) -> &TokenKeys {
        &self.token_keys
    }

    /// Whether the caller's own policies let it take on the role. The role's name counts as
    /// its ARN shows it, in lower case, and as it was given.
    fn permit_assuming(
        &self,
        caller: &Identity,
        account: &str,
        role: &str,
        conditions: &Conditions<'_>,
    ) -> Result<(), ControlFault> {
        let lower = role.to_ascii_lowercase();
        let permit = |name: &str| {
            let resource = RequestResource {
                service: "ram",
                region: "",
                owner: account,
                path: Cow::Owned(format!("role/{name}")),
            };
            self.permit(caller, ACTION, &resource, conditions)
        };
        match (permit(role), lower == role) {
            (Ok(()), true) => Ok(()),
            (given, true) => given,
            (given, false) => {
                let denied = |result: &Result<(), ControlFault>| {
                    matches!(result, Err(ControlFault::NoPermission { denial, .. })
                        if denial.is_explicit())
                };
                let shown = permit(&lower);
                if denied(&given) {
                    given
                } else if denied(&shown) {
                    shown
                } else {
                    given.or(shown)
                }
            }
        }
    }
}

/// The permanent key behind a request: with it end the temporary keys that it asked for.
fn permanent_key(caller: &Identity, conditions: &Conditions<'_>) -> Option<String> {
    let of_session = caller.session_of.as_deref();
    of_session.or(conditions.access_id).map(str::to_owned)
}

/// Whether the role trusts the caller.
fn trust(
    role: &RoleEntry,
    caller: &Identity,
    conditions: &Conditions<'_>,
) -> Result<(), ControlFault> {
    let path = format!("role/{}", role.record.name);
    let resource = RequestResource::control("ram", &role.record.account, &path);
    let facts = RequestFacts::new(ACTION, resource, Some(Caller::from(caller)), conditions);
    let refuse = |denial| {
        Err(ControlFault::NoPermission {
            action: ACTION.to_owned(),
            resource: role.record.arn(),
            denial,
        })
    };
    match role.trust.evaluate(&facts) {
        Verdict::Allow(_) => Ok(()),
        Verdict::Deny(_) => refuse(Denial::TrustDenies),
        Verdict::Ignore => refuse(Denial::TrustSilent),
    }
}

/// `acs:ram::<uid>:role/<name>`.
fn parse_role_arn(arn: &str) -> Result<(&str, &str), ControlFault> {
    if arn.is_empty() {
        return Err(ControlFault::MissingParameter { name: "RoleArn" });
    }
    arn.strip_prefix("acs:ram::")
        .and_then(|rest| rest.split_once(":role/"))
        .filter(|(account, role)| {
            is_account_id(account)
                && (1..=64).contains(&role.len())
                && role.chars().all(names::is_name)
        })
        .ok_or_else(|| ControlFault::invalid("RoleArn", "`acs:ram::<account>:role/<name>`"))
}

fn check_session_policy(policy: &str) -> Result<(), ControlFault> {
    if policy.is_empty() {
        return Ok(());
    }
    if policy.chars().count() > SESSION_POLICY_MAX {
        return Err(ControlFault::SessionPolicySize {
            max: SESSION_POLICY_MAX,
        });
    }
    Policy::parse(policy, PolicyKind::Session)
        .map(drop)
        .map_err(|invalid| ControlFault::SessionPolicyGrammar {
            path: invalid.path,
            reason: invalid.reason,
        })
}

fn duration_fault(bound: u32) -> ControlFault {
    let reason = if bound == DURATION_MIN {
        format!("at least {DURATION_MIN} seconds")
    } else {
        format!("at most the {bound} seconds that the role allows")
    };
    ControlFault::invalid("DurationSeconds", reason)
}

const ACTION: &str = "sts:AssumeRole";

/// `DurationSeconds`: at least this, and when absent that.
const DURATION_MIN: u32 = 900;
const DURATION_DEFAULT: u32 = 3600;

/// `DurationSeconds` of `GetSessionToken`: half a day when absent, at most a day and a half; a
/// session of an account itself is over after an hour, whatever it asks for.
const SESSION_DEFAULT: u32 = 43_200;
const SESSION_MAX: u32 = 129_600;
const ACCOUNT_SESSION_MAX: u32 = 3600;

/// `Policy`, in characters.
const SESSION_POLICY_MAX: usize = 2048;

/// As real ones have it.
const SECRET_LEN: usize = 44;
