//! A file of lines that many threads write and the system rotates: the lines pass through a
//! bounded queue to a thread of their own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use rustix::fs::OFlags;

/// Writes lines until it is dropped, and then what is left of them.
#[derive(Debug)]
pub(crate) struct LineFile {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// Where lines are left.
#[derive(Clone, Debug)]
pub(crate) struct LineQueue(SyncSender<Message>);

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Reopen,
    End,
}

impl LineFile {
    /// Begins to write to the file at `path`, behind what is there, on a thread of this name.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) fn start(path: PathBuf, name: &str) -> io::Result<Self> {
        let file = open(&path)?;
        let (queue, lines) = sync_channel(LINES_MAX);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || write(&path, file, &lines))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    pub(crate) fn queue(&self) -> LineQueue {
        LineQueue(self.queue.clone())
    }

    /// Goes on in a new file of the same name: the old one was moved away.
    pub(crate) fn reopen(&self) {
        let _ = self.queue.send(Message::Reopen);
    }
}

impl Drop for LineFile {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::End);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread that writes a log panicked");
        }
    }
}

impl LineQueue {
    /// Leaves a line, which ends in a line feed. When the disk is slow, this waits.
    pub(crate) fn put(&self, line: Vec<u8>) {
        let _ = self.0.send(Message::Line(line));
    }

    /// The same, but never waits: whether there was room.
    pub(crate) fn offer(&self, line: Vec<u8>) -> bool {
        self.0.try_send(Message::Line(line)).is_ok()
    }
}

fn open(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0))
        .open(path)?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

fn write(path: &Path, mut file: BufWriter<File>, lines: &Receiver<Message>) {
    let mut lost = 0_u64;
    loop {
        let next = lines.try_recv().or_else(|empty| {
            if let Err(failed) = file.flush() {
                complain(path, &mut lost, &failed);
            }
            match empty {
                TryRecvError::Empty => lines.recv().map_err(|_| TryRecvError::Disconnected),
                TryRecvError::Disconnected => Err(TryRecvError::Disconnected),
            }
        });
        match next {
            Ok(Message::Line(line)) => {
                if let Err(failed) = file.write_all(&line) {
                    complain(path, &mut lost, &failed);
                }
            }
            Ok(Message::Reopen) => match open(path) {
                // Dropping the old one writes what it still holds.
                Ok(new) => file = new,
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a log can't be reopened");
                }
            },
            Ok(Message::End) | Err(_) => {
                let _ = file.flush();
                return;
            }
        }
    }
}

/// Tells of lines that are lost, and less often the more there are.
fn complain(path: &Path, lost: &mut u64, error: &io::Error) {
    *lost += 1;
    if lost.is_power_of_two() {
        tracing::error!(path = %path.display(), lost, %error, "a log can't be written");
    }
}

/// Lines that wait.
const LINES_MAX: usize = 4096;
const BUFFER_BYTES: usize = 64 << 10;
