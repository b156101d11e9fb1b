//! One directory for everybody: readers take what is current, a writer puts the next one.

use std::sync::{Arc, PoisonError, RwLock};

use osier_types::Timestamp;

use super::{CallerPolicies, Directory};
use crate::{Identity, KeyRecord, KeyRing, TokenFault};

/// A directory that can be replaced while it is used. Clones show the same one.
///
/// Writers take turns among themselves: clone [`Self::current`], change the clone, keep its
/// changes, then [`Self::replace`].
#[derive(Clone, Debug, Default)]
pub struct SharedDirectory(Arc<RwLock<Arc<Directory>>>);

impl SharedDirectory {
    /// Shows `directory`.
    pub fn new(directory: Directory) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(directory))))
    }

    /// The directory as it is now.
    pub fn current(&self) -> Arc<Directory> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows `directory` from now on.
    pub fn replace(&self, directory: Directory) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }

    /// As [`Directory::layers`].
    pub fn layers(&self, identity: &Identity) -> Option<CallerPolicies> {
        self.current().layers(identity)
    }
}

impl KeyRing for SharedDirectory {
    fn key(&self, access_key_id: &str) -> Option<KeyRecord> {
        self.current().key(access_key_id)
    }

    fn temporary_key(
        &self,
        access_key_id: &str,
        token: &[u8],
        now: Timestamp,
    ) -> Result<KeyRecord, TokenFault> {
        self.current().temporary_key(access_key_id, token, now)
    }
}
