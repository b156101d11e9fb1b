//! Small files of ours with secrets in them: for their owner alone, never through a
//! link (S44), and written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// A file with a secret can't be used.
#[derive(Debug, thiserror::Error)]
#[error("`{}` {reason}", path.display())]
pub struct PrivateFileError {
    path: PathBuf,
    reason: String,
}

impl PrivateFileError {
    pub(crate) fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The content of the file at `path`, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, PrivateFileError> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(PrivateFileError::new(
                path,
                format!("can't be opened: {error}"),
            ));
        }
    };
    let mut text = Zeroizing::new(String::new());
    let read = file.metadata().and_then(|metadata| {
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "others may read this file; it should have mode 0600");
        }
        (&file).take(BYTES_MAX).read_to_string(&mut text)
    });
    read.map_err(|error| PrivateFileError::new(path, format!("can't be read: {error}")))?;
    Ok(Some(text))
}

/// Writes a file whole or not at all, for its owner only.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = (|| {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.map_err(|error| PrivateFileError::new(path, format!("can't be written: {error}")))
}

fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

/// No key is nearly as long.
const BYTES_MAX: u64 = 64 << 10;
