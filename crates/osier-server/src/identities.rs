//! The identities of a server at its start: the key they are sealed with, the account of
//! the root key, and what a seed file wants to be there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use osier_auth::Secret;
use osier_auth::directory::seed::{self, Seed, SeedError};
use osier_auth::directory::{Context, ControlFault, NewAccount, Vault};
use osier_service::{Identities, IdentitiesError};
use osier_store::{BytesSource, Caller, Store};
use osier_types::{Fault, FaultKind, Op, Owner, PutBucket, Rng, Timestamp};
use zeroize::Zeroizing;

use crate::private_file::{self, PrivateFileError};
use crate::{RootKey, Settings};

/// The file in the data directory that keeps the key of stored identities, unless the
/// settings name another.
pub const VAULT_KEY_FILE: &str = "vault-key";

/// The identities can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file of the vault's key can't be used.
    #[error(transparent)]
    VaultKey(#[from] PrivateFileError),
    /// There are identities, and the key they were sealed with is gone.
    #[error("this store has identities, and `{}` with their key is missing", path.display())]
    NoVaultKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// What is stored can't be used.
    #[error(transparent)]
    Stored(#[from] IdentitiesError),
    /// The root key does not fit the identities that are there.
    #[error("the root key can't be used")]
    RootKey(#[source] ControlFault),
    /// The seed file can't be read.
    #[error("can't read the seed file `{}`", path.display())]
    SeedUnreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The seed file is wrong.
    #[error("`{}`, {wrong}", path.display())]
    Seed {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        wrong: SeedError,
    },
    /// A bucket of the seed file belongs to somebody else.
    #[error("the bucket `{bucket}` of the seed file belongs to another account")]
    SeedBucket {
        /// Which bucket.
        bucket: String,
    },
    /// The store can't keep something.
    #[error("the store can't keep what a server begins with")]
    Store(#[source] Fault),
}

/// The account that a data directory was made for, and its root key where that is known: the
/// environment of a command may not be that of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) key: Option<&'a RootKey>,
}

impl<'a> From<&'a RootKey> for Root<'a> {
    fn from(key: &'a RootKey) -> Self {
        Self {
            account_id: &key.account_id,
            key: Some(key),
        }
    }
}

/// Opens the identities of `store`, and sees to it that those are there with which a server
/// begins: the account of the root key, and what the seed file at `sown` names.
pub(crate) async fn open(
    settings: &Settings,
    sown: Option<&Path>,
    store: &Arc<Store>,
    root: Root<'_>,
    now: Timestamp,
    rng: &Arc<dyn Rng>,
) -> Result<Arc<Identities>, IdentityError> {
    let seed = sown.map(read_seed).transpose()?;
    let kept = store.identity_rows().await.map_err(IdentityError::Store)?;
    let vault = vault(&settings.vault_key(), kept.is_empty(), rng.as_ref())?;
    let identities = Identities::open(Arc::clone(store), vault, Arc::clone(rng)).await?;
    let account = Context {
        account: root.account_id,
        now,
        rng: rng.as_ref(),
    };
    let begun = identities.change(|directory| {
        if directory.account_record(account.account).is_none() {
            let new = NewAccount {
                id: Some(root.account_id.to_owned()),
                display_name: root.account_id.to_owned(),
                email: String::new(),
            };
            directory.create_account(new, &account)?;
        }
        directory.rotate_token_keys(now, rng.as_ref())?;
        if let Some(key) = root.key {
            let secret = Secret::from(key.access_key_secret.as_str());
            directory.adopt_root_key(&account, &key.access_key_id, &secret)?;
        }
        Ok::<(), ControlFault>(())
    });
    begun
        .await
        .map_err(IdentityError::Store)?
        .map_err(IdentityError::RootKey)?;
    if let (Some(seed), Some(path)) = (&seed, sown) {
        let applied = identities
            .change(|directory| directory.apply_seed(seed, now, rng.as_ref()))
            .await
            .map_err(IdentityError::Store)?;
        let changed = applied.map_err(|wrong| IdentityError::Seed {
            path: path.to_owned(),
            wrong,
        })?;
        tracing::info!(path = %path.display(), changed, "the seed file was applied");
        seed_buckets(seed, store, &identities).await?;
    }
    Ok(Arc::new(identities))
}

/// The vault of the key in the file at `path`, which is made when nothing was sealed yet.
fn vault(path: &Path, first: bool, rng: &dyn Rng) -> Result<Vault, IdentityError> {
    let broken = |reason| PrivateFileError::new(path, reason);
    let mut key = Zeroizing::new([0; 32]);
    match private_file::read(path)? {
        Some(text) => {
            let read = BASE64.decode_slice(text.trim(), key.as_mut());
            if read.ok() != Some(key.len()) {
                return Err(broken("does not hold 32 bytes as Base64").into());
            }
        }
        None if first => {
            rng.fill(key.as_mut());
            let text = Zeroizing::new(format!("{}\n", BASE64.encode(key.as_ref())));
            private_file::write(path, &text)?;
        }
        None => {
            return Err(IdentityError::NoVaultKey {
                path: path.to_owned(),
            });
        }
    }
    Ok(Vault::new(*key))
}

fn read_seed(path: &Path) -> Result<Seed, IdentityError> {
    let text = std::fs::read_to_string(path).map_err(|source| IdentityError::SeedUnreadable {
        path: path.to_owned(),
        source,
    })?;
    seed::parse(&text).map_err(|wrong| IdentityError::Seed {
        path: path.to_owned(),
        wrong,
    })
}

/// Makes the buckets of a seed file that are not there yet. One that is there stays as it is.
async fn seed_buckets(
    seed: &Seed,
    store: &Store,
    identities: &Identities,
) -> Result<(), IdentityError> {
    let directory = identities.current();
    for bucket in &seed.buckets {
        match store.bucket(&bucket.name) {
            Ok(there) if there.owner.id == bucket.account => continue,
            Ok(_) => {
                return Err(IdentityError::SeedBucket {
                    bucket: bucket.name.to_string(),
                });
            }
            Err(fault) if matches!(fault.kind, FaultKind::NoSuchBucket(_)) => {}
            Err(fault) => return Err(IdentityError::Store(fault)),
        }
        let account = directory.account_record(&bucket.account);
        let caller = Caller {
            owner: account.map_or_else(Owner::default, |account| (*account.owner).clone()),
        };
        let op = Op::PutBucket(PutBucket {
            bucket: bucket.name.clone(),
            acl: Some(bucket.acl),
            storage_class: None,
            redundancy: None,
            tags: None,
            object_lock: false,
            ownership: None,
        });
        store
            .execute(&caller, op, &mut BytesSource::empty())
            .await
            .map_err(IdentityError::Store)?;
    }
    Ok(())
}
