//! Keys for whoever runs the server: listed, made, disabled, deleted, and the root key
//! replaced. A secret is told once, to whom it was made for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use osier_auth::Secret;
use osier_auth::directory::{
    AccessKeyStatus, Context, ControlFault, CreateAccessKey, DeleteAccessKey, UpdateAccessKey,
};
use osier_service::Identities;
use osier_types::{Clock, Fault, Rng};
use serde::{Deserialize, Serialize};

use crate::identities::Root;
use crate::root_key::{new_key, write_key};
use crate::{KeyOrigin, RootKeyError};

/// What can be done with keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyTask {
    /// Tell all of them.
    List,
    /// Make one.
    Create {
        /// Whose; the root key's account when it is not said.
        account: Option<String>,
        /// The user; the account itself when it is not said.
        user: Option<String>,
    },
    /// Let one be used, or no longer.
    Set {
        /// Which.
        access_key_id: String,
        /// Whether it may be used.
        active: bool,
    },
    /// Delete one.
    Delete {
        /// Which.
        access_key_id: String,
    },
    /// A new root key in the place of the one before.
    Rotate,
}

/// What came of it.
#[derive(Clone, Serialize, Deserialize)]
pub enum KeyAnswer {
    /// All keys.
    Keys(Vec<ToldKey>),
    /// A new key, with the only look at its secret.
    Created {
        /// Names the key.
        access_key_id: String,
        /// Signs.
        access_key_secret: String,
    },
    /// Nothing more is to be told.
    Done,
}

/// Without the secret.
impl fmt::Debug for KeyAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(keys) => out.debug_tuple("Keys").field(keys).finish(),
            Self::Created { access_key_id, .. } => {
                out.debug_tuple("Created").field(access_key_id).finish()
            }
            Self::Done => out.write_str("Done"),
        }
    }
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldKey {
    /// Names the key.
    pub access_key_id: String,
    /// The account.
    pub account: String,
    /// The user, unless it is the account itself.
    pub user: Option<String>,
    /// Whether it may be used.
    pub active: bool,
    /// Since when it is here, as ISO 8601.
    pub created: String,
}

/// A task that can't be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such key.
    #[error("there is no key `{access_key_id}`")]
    Unknown {
        /// Which.
        access_key_id: String,
    },
    /// The environment gives the root key, and would bring the old one back.
    #[error("the root key comes from the environment; change it there")]
    Environment,
    /// The identities refuse it.
    #[error("{0}")]
    Refused(ControlFault),
    /// The new root key can't be kept.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The change can't be kept.
    #[error("the change can't be kept")]
    Store(#[source] Fault),
    /// The running server could not do it.
    #[error("{0}")]
    Server(String),
}

/// Where keys are changed.
pub(crate) struct Keys {
    pub(crate) identities: Arc<Identities>,
    pub(crate) data: PathBuf,
    /// The account of the root key.
    pub(crate) account: String,
    pub(crate) origin: KeyOrigin,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Keys {
    pub(crate) fn new(
        identities: Arc<Identities>,
        data: PathBuf,
        root: Root<'_>,
        clock: &Arc<dyn Clock>,
        rng: &Arc<dyn Rng>,
    ) -> Self {
        Self {
            identities,
            data,
            account: root.account_id.to_owned(),
            origin: root.key.map_or(KeyOrigin::Environment, |key| key.origin),
            clock: Arc::clone(clock),
            rng: Arc::clone(rng),
        }
    }

    pub(crate) async fn run(&self, task: KeyTask) -> Result<KeyAnswer, KeyError> {
        match task {
            KeyTask::List => Ok(KeyAnswer::Keys(self.list())),
            KeyTask::Create { account, user } => self.create(account, user).await,
            KeyTask::Set {
                access_key_id,
                active,
            } => self.set(access_key_id, active).await,
            KeyTask::Delete { access_key_id } => self.delete(access_key_id).await,
            KeyTask::Rotate => self.rotate().await,
        }
    }

    fn list(&self) -> Vec<ToldKey> {
        let held = self.identities.current().held_keys();
        held.into_iter()
            .map(|key| ToldKey {
                access_key_id: key.access_key_id.to_string(),
                account: key.account.to_string(),
                user: key.user.map(|user| user.to_string()),
                active: key.status == AccessKeyStatus::Active,
                created: key.create_date.iso8601(),
            })
            .collect()
    }

    async fn create(
        &self,
        account: Option<String>,
        user: Option<String>,
    ) -> Result<KeyAnswer, KeyError> {
        let account = account.as_ref().unwrap_or(&self.account);
        let request = CreateAccessKey { user_name: user };
        let created = self
            .identities
            .change(|directory| directory.create_access_key(&self.context(account), &request));
        let created = created
            .await
            .map_err(KeyError::Store)?
            .map_err(KeyError::Refused)?;
        let secret = created.access_key_secret.reveal();
        Ok(KeyAnswer::Created {
            access_key_id: created.access_key_id,
            access_key_secret: String::from_utf8_lossy(secret).into_owned(),
        })
    }

    async fn set(&self, access_key_id: String, active: bool) -> Result<KeyAnswer, KeyError> {
        let set = self.identities.change(|directory| {
            let Some(held) = directory.find_key(&access_key_id) else {
                return Ok(false);
            };
            let status = if active {
                AccessKeyStatus::Active
            } else {
                AccessKeyStatus::Inactive
            };
            let request = UpdateAccessKey {
                user_name: held.user.map(|user| user.to_string()),
                user_access_key_id: access_key_id.clone(),
                status: status.as_str().to_owned(),
            };
            let done = directory.update_access_key(&self.context(&held.account), &request);
            done.map(|()| true)
        });
        let found = set.await.map_err(KeyError::Store)?;
        done(found.map_err(KeyError::Refused)?, access_key_id)
    }

    async fn delete(&self, access_key_id: String) -> Result<KeyAnswer, KeyError> {
        let deleted = self.identities.change(|directory| {
            let Some(held) = directory.find_key(&access_key_id) else {
                return Ok(false);
            };
            let request = DeleteAccessKey {
                user_name: held.user.map(|user| user.to_string()),
                user_access_key_id: access_key_id.clone(),
            };
            let done = directory.delete_access_key(&self.context(&held.account), &request);
            done.map(|()| true)
        });
        let found = deleted.await.map_err(KeyError::Store)?;
        done(found.map_err(KeyError::Refused)?, access_key_id)
    }

    /// The file first: should the server end in between, the next one begins with the new key.
    async fn rotate(&self) -> Result<KeyAnswer, KeyError> {
        if self.origin == KeyOrigin::Environment {
            return Err(KeyError::Environment);
        }
        let key = new_key(self.account.clone(), &*self.rng);
        write_key(&self.data, &key)?;
        let secret = Secret::from(key.access_key_secret.as_str());
        let adopted = self.identities.change(|directory| {
            directory.adopt_root_key(&self.context(&self.account), &key.access_key_id, &secret)
        });
        adopted
            .await
            .map_err(KeyError::Store)?
            .map_err(KeyError::Refused)?;
        Ok(KeyAnswer::Created {
            access_key_id: key.access_key_id,
            access_key_secret: key.access_key_secret,
        })
    }

    fn context<'a>(&'a self, account: &'a str) -> Context<'a> {
        Context {
            account,
            now: self.clock.now(),
            rng: &*self.rng,
        }
    }
}

fn done(found: bool, access_key_id: String) -> Result<KeyAnswer, KeyError> {
    if found {
        Ok(KeyAnswer::Done)
    } else {
        Err(KeyError::Unknown { access_key_id })
    }
}
