//! The audit log: one JSON line for each request, in a file that the system rotates.
//!
//! Lines pass through a bounded queue to a thread of their own. When the disk is slower than
//! the requests, requests wait: a line that was not written would be worse.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use osier_service::{RequestLog, Verdict};
use osier_types::{Resource, Timestamp};
use serde::Serialize;

use crate::line_file::{LineFile, LineQueue};

/// Writes the audit log until it is dropped, and then what is left of it.
#[derive(Debug)]
pub(crate) struct Audit(LineFile);

/// Where requests leave their lines.
#[derive(Clone, Debug)]
pub(crate) struct AuditQueue(LineQueue);

impl Audit {
    /// Begins to write to the file at `path`, behind what is there.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) fn start(path: PathBuf) -> io::Result<Self> {
        LineFile::start(path, "osier-audit").map(Self)
    }

    pub(crate) fn queue(&self) -> AuditQueue {
        AuditQueue(self.0.queue())
    }

    /// Goes on in a new file of the same name: the old one was moved away.
    pub(crate) fn reopen(&self) {
        self.0.reopen();
    }
}

impl AuditQueue {
    /// Puts down one request.
    pub(crate) fn note(&self, log: &RequestLog, now: Timestamp, status: u16, bytes: u64) {
        let line = Line::new(log, now, status, bytes);
        // A line is made of texts and numbers; writing it to memory can't fail.
        let Ok(mut line) = serde_json::to_vec(&line) else {
            return;
        };
        line.push(b'\n');
        self.0.put(line);
    }
}

/// One request, as the log tells it.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    request_id: &'a str,
    op: &'a str,
    source: Option<IpAddr>,
    secure: bool,
    identity: Option<String>,
    access_key_id: Option<&'a str>,
    accesses: Vec<Accessed<'a>>,
    decision: &'static str,
    status: u16,
    code: Option<&'static str>,
    ec: Option<&'a str>,
    bytes: u64,
}

#[derive(Serialize)]
struct Accessed<'a> {
    action: &'a str,
    resource: Cow<'a, str>,
    version: Option<String>,
    refused: bool,
}

impl<'a> Line<'a> {
    fn new(log: &'a RequestLog, now: Timestamp, status: u16, bytes: u64) -> Self {
        let accesses = log
            .accesses
            .iter()
            .enumerate()
            .map(|(nth, access)| Accessed {
                action: access.action,
                resource: name_of(&access.resource).into(),
                version: access.version.map(|version| version.to_string()),
                refused: log
                    .refused
                    .as_ref()
                    .is_some_and(|(refused, _)| *refused == nth),
            });
        let of_control = log.control.iter().flat_map(|asked| {
            asked.resources.iter().map(|resource| Accessed {
                action: asked.action,
                resource: Cow::Borrowed(resource),
                version: None,
                refused: log.verdict == Verdict::Refused,
            })
        });
        Self {
            time: now.iso8601(),
            request_id: &log.request_id,
            op: log.op,
            source: log.source,
            secure: log.secure,
            identity: log.identity.as_ref().map(osier_auth::Identity::arn),
            access_key_id: log.access_key_id.as_deref(),
            accesses: accesses.chain(of_control).collect(),
            decision: match log.verdict {
                Verdict::Granted => "granted",
                Verdict::Refused => "refused",
                Verdict::NotAsked => "none",
            },
            status,
            code: log.error_code,
            ec: log.ec.as_deref(),
            bytes,
        }
    }
}

fn name_of(resource: &Resource) -> String {
    match resource {
        Resource::Service => "acs:oss:*:*:*".to_owned(),
        Resource::Bucket(bucket) => format!("acs:oss:*:*:{bucket}"),
        Resource::Object(bucket, key) => format!("acs:oss:*:*:{bucket}/{key}"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use osier_types::{Access, AccessKind, BucketName, ObjectKey};

    use super::*;

    fn log(id: &str) -> RequestLog {
        let bucket = BucketName::parse("bkt").unwrap();
        let key = ObjectKey::parse("a\"\n\u{1}ü".as_bytes()).unwrap();
        RequestLog {
            request_id: id.to_owned(),
            op: "GetObject",
            access_key_id: Some("LTAI5tx".to_owned()),
            accesses: vec![Access {
                action: "oss:GetObject",
                resource: Resource::Object(bucket, key),
                version: None,
                kind: AccessKind::Read,
            }],
            verdict: Verdict::Granted,
            ..RequestLog::default()
        }
    }

    fn lines(path: &std::path::Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn nothing_is_lost_when_it_is_stopped_or_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let audit = Audit::start(path.clone()).unwrap();
        let queue = audit.queue();
        let now = Timestamp::from_seconds(1_795_316_645);
        for nth in 0..10_000 {
            queue.note(&log(&nth.to_string()), now, 200, 5);
        }
        let old = folder.path().join("audit.log.1");
        std::fs::rename(&path, &old).unwrap();
        audit.reopen();
        queue.note(&log("new"), now, 200, 5);
        drop(audit);
        let before = lines(&old);
        assert_eq!(before.len(), 10_000);
        for (nth, line) in before.iter().enumerate() {
            assert_eq!(line["request_id"], nth.to_string());
        }
        let after = lines(&path);
        assert_eq!(after.len(), 1);
        assert_eq!(after[0]["time"], "2026-11-22T03:04:05.000Z");
        assert_eq!(
            after[0]["accesses"][0]["resource"],
            "acs:oss:*:*:bkt/a\"\n\u{1}ü"
        );
        assert_eq!(after[0]["decision"], "granted");
        // A second start goes on behind it.
        let audit = Audit::start(path.clone()).unwrap();
        audit.queue().note(&log("more"), now, 403, 0);
        drop(audit);
        assert_eq!(lines(&path).len(), 2);
        // Late lines of a server that ended go nowhere, and hurt nobody.
        queue.note(&log("late"), now, 200, 5);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn s44_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(Audit::start(path).is_err());
    }
}
