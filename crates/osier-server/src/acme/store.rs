//! What an authority gave us, on disk: the account and one file for each host with the key, the
//! certificate and those that sign it. All of it is for its owner alone.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use osier_http::CertificateFiles;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::validity::{Validity, of_chain};
use crate::private_file::{self, PrivateFileError};

/// Files of one authority: what another gave is not mixed with them.
#[derive(Clone, Debug)]
pub(crate) struct IssuedFiles {
    folder: PathBuf,
}

impl IssuedFiles {
    pub(crate) fn new(data: &Path, directory: &str) -> Self {
        Self {
            folder: data.join("acme").join(name_of(directory)),
        }
    }

    /// The files of a host's certificate, where it has one.
    pub(crate) fn of(&self, host: &str) -> Option<CertificateFiles> {
        let path = self.path(host);
        path.exists().then(|| files(path))
    }

    pub(super) fn validity(&self, host: &str) -> Option<Validity> {
        of_chain(&private_file::read(&self.path(host)).ok()??)
    }

    /// Keeps a certificate beside the one in use.
    pub(super) fn write_new(
        &self,
        host: &str,
        chain: &str,
        key: &str,
    ) -> Result<CertificateFiles, PrivateFileError> {
        let path = self.path(host).with_extension("tried");
        self.write_to(&path, chain, key)?;
        Ok(files(path))
    }

    /// Keeps it in the place of the one in use.
    pub(super) fn write(&self, host: &str, chain: &str, key: &str) -> Result<(), PrivateFileError> {
        let path = self.path(host);
        self.write_to(&path, chain, key)?;
        // Nothing depends on it.
        let _ = std::fs::remove_file(path.with_extension("tried"));
        Ok(())
    }

    pub(super) fn account(&self) -> Result<Option<Zeroizing<String>>, PrivateFileError> {
        private_file::read(&self.folder.join(ACCOUNT))
    }

    pub(super) fn keep_account(&self, text: &str) -> Result<(), PrivateFileError> {
        self.make()?;
        private_file::write(&self.folder.join(ACCOUNT), text)
    }

    fn write_to(&self, path: &Path, chain: &str, key: &str) -> Result<(), PrivateFileError> {
        self.make()?;
        let text = Zeroizing::new(format!("{}\n{}\n", key.trim(), chain.trim()));
        private_file::write(path, &text)
    }

    fn make(&self) -> Result<(), PrivateFileError> {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.map_err(|error| PrivateFileError::new(&self.folder, format!("can't be made: {error}")))
    }

    fn path(&self, host: &str) -> PathBuf {
        self.folder.join(format!("{}.pem", name_of(host)))
    }
}

const ACCOUNT: &str = "account.json";

fn files(path: PathBuf) -> CertificateFiles {
    CertificateFiles {
        chain: path.clone(),
        key: path,
    }
}

/// A name for a file: nothing that a user wrote becomes one.
fn name_of(text: &str) -> String {
    let digest = Sha256::digest(text.to_ascii_lowercase().as_bytes());
    let half = digest.first_chunk::<16>().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(half))
}
