//! How long and how much a connection may.

use std::time::Duration;

/// Limits of connections. The defaults suit a server that faces the open network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Threads that accept and serve connections; 0 means one per core.
    pub threads: usize,
    /// Connections at a time; more wait in the kernel's queue. 0 means as many
    /// as the limit of open files allows.
    pub connections_max: usize,
    /// Whether HTTP/2 is offered where connections are encrypted.
    pub http2: bool,
    /// Bytes of a request head.
    pub head_bytes_max: usize,
    /// Bytes of a request line.
    pub request_line_bytes_max: usize,
    /// Time from the first to the last byte of a request head.
    pub head_timeout: Duration,
    /// Time without a request after which a connection is closed.
    pub idle_timeout: Duration,
    /// Time without a request after which a connection gives back its buffers.
    pub park_after: Duration,
    /// Time without a byte of a request body.
    pub body_timeout: Duration,
    /// Bytes per second below which a request body is too slow, measured over
    /// the time spent waiting for it and after `body_timeout`.
    pub body_rate_min: u64,
    /// Time in which a client takes no byte of an answer.
    pub write_timeout: Duration,
    /// Bytes of an unread request body that are read away so that the connection
    /// can serve the next request.
    pub drain_bytes_max: u64,
    /// Bytes read away before a connection is closed, so that the client sees the
    /// answer and not a reset.
    pub linger_bytes_max: u64,
    /// Time for that.
    pub linger_timeout: Duration,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            threads: 0,
            connections_max: 0,
            http2: false,
            head_bytes_max: 64 << 10,
            request_line_bytes_max: 32 << 10,
            head_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(5),
            park_after: Duration::from_millis(200),
            body_timeout: Duration::from_mins(1),
            body_rate_min: 1024,
            write_timeout: Duration::from_mins(1),
            drain_bytes_max: 256 << 10,
            linger_bytes_max: 64 << 20,
            linger_timeout: Duration::from_secs(10),
        }
    }
}

impl ConnectionSettings {
    /// How often a connection looks at what has not happened.
    pub(crate) fn tick(&self) -> Duration {
        [self.park_after, self.head_timeout, self.write_timeout]
            .into_iter()
            .fold(Duration::from_secs(1), Duration::min)
            .max(Duration::from_millis(10))
    }

    /// How many ticks fill `time`.
    pub(crate) fn ticks(&self, time: Duration) -> u32 {
        let ticks = time.as_nanos().div_ceil(self.tick().as_nanos().max(1));
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }
}
