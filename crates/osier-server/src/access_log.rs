//! The access log of sites: a line for each request, as the template for nginx in front of a
//! bucket writes it (`production`), or as JSON.
//!
//! Queries stay out of it, because they may hold a signature. When the disk is slower than the
//! requests, lines are lost and counted: a proxy does not wait for its log.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use osier_gateway::AccessLine;
use osier_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::line_file::LineQueue;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessLogFormat {
    /// As nginx writes it by the template's `log_format production`.
    #[default]
    Production,
    /// One object a line.
    Json,
}

/// Where requests leave their lines.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    pub(crate) queue: LineQueue,
    pub(crate) format: AccessLogFormat,
    pub(crate) lost: Arc<AtomicU64>,
}

/// A request that was answered to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) now: Timestamp,
    pub(crate) client: IpAddr,
    pub(crate) host: &'a str,
    /// Method, path and version.
    pub(crate) request: &'a str,
    pub(crate) referer: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) forwarded_for: &'a str,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
    pub(crate) line: &'a AccessLine,
}

impl AccessLog {
    pub(crate) fn note(&self, answered: &Answered<'_>) {
        let line = match self.format {
            AccessLogFormat::Production => answered.production(),
            AccessLogFormat::Json => answered.json(),
        };
        if !self.queue.offer(line.into_bytes()) {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(
                    lost,
                    "lines of the access log are lost: the disk is too slow"
                );
            }
        }
    }
}

impl Answered<'_> {
    fn production(&self) -> String {
        let mut text = String::new();
        let upstream = self.line.upstream.is_some();
        let head = self.line.upstream_head.map_or_else(dash, seconds);
        let whole = if upstream { seconds(self.took) } else { dash() };
        // Writing to a string does not fail. Connecting is part of the time to the head, and
        // nobody is known by name.
        let _ = writeln!(
            text,
            "{} - - [{}] \"{}\" {} {} \"{}\" \"{}\" \"{}\" rt={} uct=\"-\" uht=\"{head}\" urt=\"{whole}\"",
            self.client,
            self.now.common_log(),
            escaped(self.request),
            self.line.status,
            self.bytes,
            escaped(self.referer),
            escaped(self.user_agent),
            escaped(self.forwarded_for),
            seconds(self.took),
        );
        text
    }

    fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            time: String,
            request_id: String,
            client: IpAddr,
            host: &'a str,
            site: Option<&'a str>,
            request: &'a str,
            status: u16,
            bytes: u64,
            cache: &'static str,
            code: Option<&'static str>,
            upstream: Option<String>,
            request_s: f64,
            upstream_head_s: Option<f64>,
            referer: &'a str,
            user_agent: &'a str,
            forwarded_for: &'a str,
        }
        let line = Line {
            time: self.now.iso8601(),
            request_id: self.line.request_id.to_string(),
            client: self.client,
            host: self.host,
            site: self.line.site.as_deref(),
            request: self.request,
            status: self.line.status,
            bytes: self.bytes,
            cache: self.line.cache.as_str(),
            code: self.line.error_code,
            upstream: self.line.upstream.map(|address| address.to_string()),
            request_s: self.took.as_secs_f64(),
            upstream_head_s: self.line.upstream_head.map(|time| time.as_secs_f64()),
            referer: self.referer,
            user_agent: self.user_agent,
            forwarded_for: self.forwarded_for,
        };
        // Texts and numbers can always be written.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

fn dash() -> String {
    "-".to_owned()
}

/// As nginx writes variables: a dash for nothing, `\xXX` for what could end a field or a line.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return dash();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | 0..=31 | 127..=255 => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered<'a>(line: &'a AccessLine, agent: &'a str) -> Answered<'a> {
        Answered {
            now: Timestamp::from_seconds(1_795_316_645),
            client: [192, 0, 2, 1].into(),
            host: "oss.example.com",
            request: "GET /a.jpg HTTP/1.1",
            referer: "",
            user_agent: agent,
            forwarded_for: "",
            bytes: 5,
            took: Duration::from_millis(1234),
            line,
        }
    }

    #[test]
    fn the_templates_line() {
        let line = AccessLine {
            status: 200,
            upstream: Some(([10, 0, 0, 1], 80).into()),
            upstream_head: Some(Duration::from_millis(7)),
            ..AccessLine::default()
        };
        assert_eq!(
            answered(&line, "curl \"8\"\n").production(),
            "192.0.2.1 - - [22/Nov/2026:03:04:05 +0000] \"GET /a.jpg HTTP/1.1\" 200 5 \"-\" \
             \"curl \\x228\\x22\\x0A\" \"-\" rt=1.234 uct=\"-\" uht=\"0.007\" urt=\"1.234\"\n"
        );
        let hit = AccessLine::default();
        assert!(
            answered(&hit, "")
                .production()
                .ends_with("uht=\"-\" urt=\"-\"\n")
        );
    }

    #[test]
    fn the_same_as_json() {
        let line = AccessLine {
            status: 200,
            ..AccessLine::default()
        };
        let text = answered(&line, "a\nb").json();
        assert_eq!(text.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["user_agent"], "a\nb");
        assert_eq!(
            (&read["status"], &read["cache"]),
            (&200.into(), &"BYPASS".into())
        );
    }
}
