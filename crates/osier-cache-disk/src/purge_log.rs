//! Purges that must outlive the process: one line each, on disk before a purge returns.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The log.
#[derive(Debug)]
pub struct PurgeLog {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    lines: usize,
}

/// What an earlier process left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The lines, in order.
    pub lines: Vec<String>,
    /// Whether a line before the last can't be read: what it said is not known.
    pub damaged: bool,
}

impl PurgeLog {
    /// The log of a directory, with what stands in it.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn open(directory: &Path) -> io::Result<(Self, Replayed)> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join("purges.log");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let replayed = replay(&text);
        let log = Self {
            open: Mutex::new(rewritten(&path, &replayed.lines)?),
            path,
        };
        Ok((log, replayed))
    }

    /// Adds lines, which are on disk when this returns.
    ///
    /// # Errors
    /// When they are not.
    pub fn append(&self, lines: &[String]) -> io::Result<()> {
        self.add(lines, File::sync_data)
    }

    /// Adds lines that outlive the process, and a power cut once the system wrote them.
    ///
    /// # Errors
    /// When they can't be added.
    pub fn append_unsynced(&self, lines: &[String]) -> io::Result<()> {
        self.add(lines, |_| Ok(()))
    }

    fn add(&self, lines: &[String], then: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
        let mut text = String::new();
        for line in lines {
            push(&mut text, line);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.file.write_all(text.as_bytes())?;
        open.lines += lines.len();
        then(&open.file)?;
        Ok(())
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.lines
    }

    /// Puts these lines in the place of all.
    ///
    /// # Errors
    /// When they are not on disk; then the old ones are.
    pub fn replace(&self, lines: &[String]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = rewritten(&self.path, lines)?;
        Ok(())
    }
}

fn rewritten(path: &Path, lines: &[String]) -> io::Result<Open> {
    let beside = path.with_extension("new");
    let mut text = String::new();
    for line in lines {
        push(&mut text, line);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    std::fs::rename(&beside, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(Open {
        file,
        lines: lines.len(),
    })
}

fn push(text: &mut String, line: &str) {
    let check = crc_fast::crc32_iscsi(line.as_bytes());
    // Writing to a string does not fail.
    let _ = writeln!(text, "{check:08x} {line}");
}

fn replay(text: &[u8]) -> Replayed {
    let mut replayed = Replayed::default();
    let mut lines = text.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        // What stands behind the last line feed was never acknowledged.
        if lines.peek().is_none() {
            break;
        }
        match checked(line) {
            Some(line) => replayed.lines.push(line.to_owned()),
            None => replayed.damaged = true,
        }
    }
    replayed
}

fn checked(line: &[u8]) -> Option<&str> {
    let (check, line) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let check = u32::from_str_radix(check, 16).ok()?;
    (crc_fast::crc32_iscsi(line.as_bytes()) == check).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn lines_outlive_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let (log, replayed) = PurgeLog::open(directory.path()).unwrap();
        assert_eq!(replayed, Replayed::default());
        log.append(&lines(&["a", "b"])).unwrap();
        log.append(&lines(&["c"])).unwrap();
        drop(log);
        let (log, replayed) = PurgeLog::open(directory.path()).unwrap();
        assert_eq!(replayed.lines, lines(&["a", "b", "c"]));
        log.replace(&lines(&["d"])).unwrap();
        log.append(&lines(&["e"])).unwrap();
        assert_eq!(log.lines(), 2);
        let (_, replayed) = PurgeLog::open(directory.path()).unwrap();
        assert_eq!(
            (replayed.lines, replayed.damaged),
            (lines(&["d", "e"]), false)
        );
    }

    #[test]
    fn a_torn_end_was_never_said_and_a_damaged_line_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let (log, _) = PurgeLog::open(directory.path()).unwrap();
        log.append(&lines(&["first", "second", "third"])).unwrap();
        let path = directory.path().join("purges.log");
        let whole = std::fs::read(&path).unwrap();
        for end in 0..whole.len() {
            let replayed = replay(&whole[..end]);
            let lines_left = whole[..end].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(
                (replayed.lines.len(), replayed.damaged),
                (lines_left, false)
            );
        }
        for place in 0..whole.len() {
            let mut broken = whole.clone();
            broken[place] ^= 1;
            let replayed = replay(&broken);
            let is_end = place == whole.len() - 1;
            assert!(replayed.damaged || is_end, "{place}");
        }
    }
}
