//! The file of master keys, under which objects are encrypted at rest. It lies apart from the data:
//! whoever has only one of the two can read nothing that is encrypted.

use std::path::PathBuf;

use osier_store::{MasterKeys, MasterKeysUnfit, Store};
use osier_types::{Fault, Rng};
use zeroize::Zeroizing;

use crate::private_file::{self, PrivateFileError};
use crate::server::block_on;
use crate::{Settings, SystemRng};

/// The master keys can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeysError {
    /// The file can't be read, understood or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// There is no file, and objects were encrypted before.
    #[error("the master keys of this store are not at `{}`", path.display())]
    Gone {
        /// Where they should be.
        path: PathBuf,
    },
    /// They don't go with what is stored.
    #[error(transparent)]
    Unfit(#[from] MasterKeysUnfit),
    /// What is stored can't be read.
    #[error("the store can't be read")]
    Store(#[source] Fault),
    /// A name is taken, unknown or none.
    #[error(transparent)]
    Refused(#[from] osier_store::MasterKeyRefused),
}

/// Gives `store` the master keys of the settings' file, which is made where there is none. Where
/// it can't be made, the store goes on without, and refuses to encrypt under keys of its own.
pub(crate) fn open(
    settings: &Settings,
    store: &mut Store,
    rng: &dyn Rng,
) -> Result<(), MasterKeysError> {
    let path = settings.master_keys();
    let keys = match read(settings)? {
        Some(keys) => keys,
        None if known(store)? => return Err(MasterKeysError::Gone { path }),
        None => {
            let keys = MasterKeys::generate(rng);
            if let Err(error) = write(settings, &keys) {
                tracing::warn!(%error, "no file of master keys: only clients' own keys encrypt");
                return Ok(());
            }
            keys
        }
    };
    run(store.adopt_master_keys(keys))??;
    Ok(())
}

/// The master keys of a store, by name and newest version.
///
/// # Errors
/// When there is no file, or it can't be understood.
pub fn list_master_keys(settings: &Settings) -> Result<Vec<(String, u32)>, MasterKeysError> {
    let keys = existing(settings)?;
    let list = keys.list().into_iter();
    Ok(list.map(|(id, version)| (id.to_owned(), version)).collect())
}

/// Makes a master key of a new name. A running server knows it after its next start.
///
/// # Errors
/// As [`list_master_keys`], or when there is one.
pub fn add_master_key(settings: &Settings, id: &str) -> Result<(), MasterKeysError> {
    let mut keys = existing(settings)?;
    keys.add(id, &SystemRng)?;
    write(settings, &keys)
}

/// Makes a new version of a master key. Older ones stay: they open what they encrypted.
///
/// # Errors
/// As [`list_master_keys`], or when there is none of this name.
pub fn rotate_master_key(settings: &Settings, id: &str) -> Result<(), MasterKeysError> {
    let mut keys = existing(settings)?;
    keys.rotate(id, &SystemRng)?;
    write(settings, &keys)
}

fn existing(settings: &Settings) -> Result<MasterKeys, MasterKeysError> {
    read(settings)?.ok_or_else(|| MasterKeysError::Gone {
        path: settings.master_keys(),
    })
}

fn read(settings: &Settings) -> Result<Option<MasterKeys>, MasterKeysError> {
    let path = settings.master_keys();
    let Some(text) = private_file::read(&path)? else {
        return Ok(None);
    };
    let keys = MasterKeys::parse(&text)
        .map_err(|error| PrivateFileError::new(&path, format!("is no list of keys: {error}")))?;
    Ok(Some(keys))
}

fn write(settings: &Settings, keys: &MasterKeys) -> Result<(), MasterKeysError> {
    let mut text = Zeroizing::new(String::from(HEAD));
    text.push_str(&keys.to_text());
    Ok(private_file::write(&settings.master_keys(), &text)?)
}

const HEAD: &str = "\
# The master keys of this osier: name, version, key. Whoever has them and the data can read what is
# encrypted; whoever loses them has lost it. Keep a copy, and keep it away from copies of the data.
";

fn known(store: &Store) -> Result<bool, MasterKeysError> {
    run(store.knows_master_keys())?.map_err(MasterKeysError::Store)
}

fn run<T>(future: impl Future<Output = T>) -> Result<T, MasterKeysError> {
    block_on(future).map_err(|error| {
        MasterKeysError::Store(Fault::new(osier_types::FaultKind::Internal).because(error))
    })
}
