//! Settings as they once were: one numbered file each in the data directory, for their owner
//! alone, because keys may stand in them. Where there were domains of the CDN API, a second file
//! has them; it is written first, so that a number counts when all of it is there.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use osier_cdn::Domains;

use super::ReloadError;
use crate::private_file;

/// Snapshots that are kept; the oldest makes room.
const KEPT_MAX: usize = 20;

#[derive(Debug)]
pub(super) struct Snapshots {
    folder: PathBuf,
}

impl Snapshots {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            folder: data.join("settings"),
        }
    }

    /// Keeps `text` and `domains`, unless they are the last that were kept; their number.
    pub(super) fn keep(&self, text: &str, domains: &Domains) -> Result<u64, ReloadError> {
        let numbers = self.numbers()?;
        if let Some(last) = numbers.last()
            && self.read(*last)? == text
            && self.domains(*last)? == *domains
        {
            return Ok(*last);
        }
        let number = numbers.last().map_or(1, |last| last + 1);
        let path = self.path(number);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        let domains_path = self.domains_path(number);
        made.and_then(|()| {
            if domains.is_empty() {
                // Of a snapshot that was never finished.
                match std::fs::remove_file(&domains_path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            } else {
                private_file::write(&domains_path, &domains.to_json())
                    .map_err(|error| io::Error::other(error.to_string()))?;
            }
            private_file::write(&path, text).map_err(|error| io::Error::other(error.to_string()))
        })
        .map_err(|source| ReloadError::File { path, source })?;
        let room = (numbers.len() + 1).saturating_sub(KEPT_MAX);
        for old in numbers.iter().take(room) {
            // One more than should be is no harm.
            let _ = std::fs::remove_file(self.path(*old));
            let _ = std::fs::remove_file(self.domains_path(*old));
        }
        Ok(number)
    }

    /// All numbers, oldest first.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, ReloadError> {
        let failed = |source| ReloadError::File {
            path: self.folder.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".toml"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn read(&self, number: u64) -> Result<String, ReloadError> {
        let path = self.path(number);
        std::fs::read_to_string(&path).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                ReloadError::NoSnapshot(number)
            } else {
                ReloadError::File { path, source }
            }
        })
    }

    /// The domains of a snapshot; none where there is no file with them.
    pub(super) fn domains(&self, number: u64) -> Result<Domains, ReloadError> {
        let path = self.domains_path(number);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Domains::from_json(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Domains::default()),
            Err(source) => Err(ReloadError::File { path, source }),
        }
    }

    fn domains_path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.cdn.json"))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_twenty_are_kept_and_the_same_twice_is_one() {
        let data = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::new(data.path());
        assert!(snapshots.numbers().unwrap().is_empty());
        for number in 1..=25 {
            let text = format!("# {number}");
            assert_eq!(snapshots.keep(&text, &Domains::default()).unwrap(), number);
            assert_eq!(snapshots.keep(&text, &Domains::default()).unwrap(), number);
        }
        let numbers = snapshots.numbers().unwrap();
        assert_eq!(numbers, (6..=25).collect::<Vec<_>>());
        assert_eq!(snapshots.read(7).unwrap(), "# 7");
        assert!(matches!(snapshots.read(1), Err(ReloadError::NoSnapshot(1))));
    }
}
