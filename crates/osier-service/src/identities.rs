//! Identities while they are served: everybody reads the directory that is current, and
//! changes are made one after the other, sealed, and on disk before anybody sees them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use osier_auth::directory::{
    Change, ControlFault, ControlOutcome, ControlRequest, Directory, LoadError, Record,
    SharedDirectory, UnsealError, Vault,
};
use osier_auth::policy::Conditions;
use osier_auth::{Identity, KeyRecord, KeyRing, TokenFault};
use osier_store::{IdentityRow, Store};
use osier_types::{Fault, FaultKind, Rng, Timestamp};

/// The identities of a server, kept by its store.
pub struct Identities {
    store: Arc<Store>,
    vault: Vault,
    rng: Arc<dyn Rng>,
    directory: SharedDirectory,
    /// Held from looking at the directory until its successor is shown.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The identities that a store keeps can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentitiesError {
    /// They can't be read from the store.
    #[error("the stored identities can't be read")]
    Store(#[source] Fault),
    /// They can't be opened.
    #[error(transparent)]
    Sealed(#[from] UnsealError),
    /// They do not fit together.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Identities {
    /// Reads what `store` keeps and `vault` opens.
    ///
    /// # Errors
    /// When it can't be read, or the vault is another.
    pub async fn open(
        store: Arc<Store>,
        vault: Vault,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, IdentitiesError> {
        let rows = store.identity_rows().await;
        let records = rows
            .map_err(IdentitiesError::Store)?
            .iter()
            .map(|(name, sealed)| Record::open(&vault, name, sealed))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            store,
            vault,
            rng,
            directory: SharedDirectory::new(Directory::load(records)?),
            turn: Arc::default(),
        })
    }

    /// The directory as it is now.
    pub fn current(&self) -> Arc<Directory> {
        self.directory.current()
    }

    /// Notes that a key signed a request.
    pub(crate) fn note_use(&self, access_key_id: &str, now: Timestamp) {
        self.current().note_use(access_key_id, now);
    }

    /// Does what `caller` asks RAM or STS for, if it may.
    ///
    /// # Errors
    /// A fault when a change can't be kept. What the operation itself says comes inside.
    pub async fn execute(
        &self,
        caller: &Identity,
        request: ControlRequest,
        conditions: &Conditions<'_>,
        now: Timestamp,
    ) -> Result<Result<ControlOutcome, ControlFault>, Fault> {
        let rng = &*self.rng;
        if !request.changes() {
            let told = self.current().answer(caller, request, conditions, now, rng);
            return Ok(told.unwrap_or(Err(ControlFault::Internal)));
        }
        self.change(|directory| directory.execute(caller, request, conditions, now, rng))
            .await
    }

    /// Changes the directory. Others see the change, and the caller gets its result, once it
    /// is on disk; when `change` refuses, nothing is changed. Changes see each other.
    ///
    /// # Errors
    /// A fault when the change can't be kept; then it is not seen. What `change` refuses comes
    /// inside.
    pub async fn change<T: Send, E: Send>(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, Fault> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let mut directory = (*self.current()).clone();
        let done = match change(&mut directory) {
            Ok(done) => done,
            Err(refused) => return Ok(Err(refused)),
        };
        let rows: Vec<IdentityRow> = directory
            .take_changes()
            .iter()
            .map(|change| self.sealed(change))
            .collect();
        let (store, shared) = (Arc::clone(&self.store), self.directory.clone());
        // In a task of its own: a client that goes away in the middle can't leave memory and
        // storage telling different things.
        let kept = tokio::spawn(async move {
            if !rows.is_empty() {
                store.keep_identity_rows(rows).await?;
            }
            shared.replace(directory);
            drop(turn);
            Ok::<(), Fault>(())
        });
        kept.await
            .map_err(|error| Fault::new(FaultKind::Internal).because(error))??;
        Ok(Ok(done))
    }

    fn sealed(&self, change: &Change) -> IdentityRow {
        let value = change.seal(&self.vault, &*self.rng);
        (Bytes::copy_from_slice(&change.name), value.map(Bytes::from))
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identities")
    }
}

impl KeyRing for Identities {
    fn key(&self, access_key_id: &str) -> Option<KeyRecord> {
        self.directory.key(access_key_id)
    }

    fn temporary_key(
        &self,
        access_key_id: &str,
        token: &[u8],
        now: Timestamp,
    ) -> Result<KeyRecord, TokenFault> {
        self.directory.temporary_key(access_key_id, token, now)
    }
}
