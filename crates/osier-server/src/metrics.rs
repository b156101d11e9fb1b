//! Numbers for Prometheus: what was asked, how it went, and what the engine does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use osier_engine_local::LocalEngine;
use osier_gateway::Gateway;
use osier_http::HttpStats;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Everything that is measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answer, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
    sent: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    op: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    op: &'static str,
}

impl Metrics {
    /// Metrics of a server whose connections count in `http` and whose engine
    /// tells its numbers by `engine`.
    pub(crate) fn new(
        http: HttpNumbers,
        edge: EdgeNumbers,
        engine: impl Fn() -> Vec<(&'static str, &'static str, Kind, u64)> + Send + Sync + 'static,
    ) -> Self {
        let mut registry = Registry::with_prefix("osier");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let seconds: Family<Operation, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(latencies);
        registry.register_with_unit(
            "http_request",
            "Time from head to the last byte of the answer",
            Unit::Seconds,
            seconds.clone(),
        );
        let sent = Counter::default();
        registry.register_with_unit(
            "http_response_body",
            "Bytes of answers' bodies",
            Unit::Bytes,
            sent.clone(),
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What runs", build);
        registry.register_collector(Box::new(http));
        registry.register_collector(Box::new(edge));
        registry.register_collector(Box::new(EngineNumbers(Box::new(engine))));
        Self {
            registry,
            requests,
            seconds,
            sent,
        }
    }

    /// One answer has been given to its end.
    pub(crate) fn answered(&self, op: &'static str, status: u16, bytes: u64, took: Duration) {
        self.requests.get_or_create(&Answer { op, status }).inc();
        self.seconds
            .get_or_create(&Operation { op })
            .observe(took.as_secs_f64());
        self.sent.inc_by(bytes);
    }

    /// All of it in the text format.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            // Writing to a string does not fail.
            Err(fmt::Error) => String::new(),
        }
    }
}

/// From 0.1 ms to 52 s, doubling.
fn latencies() -> Histogram {
    Histogram::new((0..20).map(|step| 1e-4 * f64::from(1_u32 << step)))
}

/// What kind of number an engine tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, kind, value): (&str, &str, Kind, u64),
) -> fmt::Result {
    match kind {
        Kind::Counter => {
            let counter: ConstCounter<u64> = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        }
        Kind::Gauge => {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        }
    }
}

/// Numbers of the connections, which exist only once those are served.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpNumbers(pub(crate) Arc<std::sync::OnceLock<Arc<HttpStats>>>);

impl Collector for HttpNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(stats) = self.0.get() else {
            return Ok(());
        };
        for number in [
            (
                "http_connections_accepted",
                "Connections accepted",
                Kind::Counter,
                stats.accepted(),
            ),
            (
                "http_connections_open",
                "Connections open",
                Kind::Gauge,
                stats.open(),
            ),
            (
                "http_connections_idle",
                "Open connections without a request",
                Kind::Gauge,
                stats.parked(),
            ),
            (
                "http_requests_refused",
                "Requests refused before they were understood",
                Kind::Counter,
                stats.refused(),
            ),
            (
                "http_panics",
                "Requests whose handler panicked",
                Kind::Counter,
                stats.panics(),
            ),
            (
                "http_received_bytes",
                "Bytes read from clients",
                Kind::Counter,
                stats.bytes_in(),
            ),
            (
                "http_sent_bytes",
                "Bytes written to clients",
                Kind::Counter,
                stats.bytes_out(),
            ),
        ] {
            encode(&mut encoder, number)?;
        }
        Ok(())
    }
}

/// Numbers of sites and of what is kept for them, which exist only once those are served.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeNumbers(pub(crate) Arc<std::sync::OnceLock<Arc<Gateway>>>);

impl Collector for EdgeNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(gateway) = self.0.get() else {
            return Ok(());
        };
        let mut requests = encoder.encode_descriptor(
            "edge_requests",
            "Requests to sites answered, by what the cache had to do with them",
            None,
            MetricType::Counter,
        )?;
        for ((cache, status), count) in gateway.answered() {
            let labels = [("cache", cache), ("status", status)];
            ConstCounter::new(count).encode(requests.encode_family(&labels)?)?;
        }
        let kept = gateway.numbers();
        let disk = kept.disk.unwrap_or_default();
        let spill = gateway.spill_numbers();
        let gauges = [
            (
                "edge_memory_entries",
                "Answers and slices in memory",
                kept.memory_entries,
            ),
            (
                "edge_memory_bytes",
                "Bytes of memory for kept answers",
                kept.memory_bytes,
            ),
            (
                "edge_disk_entries",
                "Answers and slices on disk",
                disk.entries,
            ),
            (
                "edge_disk_bytes",
                "Bytes of disk for kept answers",
                disk.bytes,
            ),
            (
                "edge_spill_bytes",
                "Bytes of disk for answers that wait for slow clients",
                spill.bytes,
            ),
        ];
        let counters = [
            (
                "edge_memory_evicted",
                "What made room in memory",
                kept.memory_evicted,
            ),
            ("edge_purges", "Purges", kept.purged),
            ("edge_disk_reads", "Records read from disk", disk.hits),
            ("edge_disk_writes", "Records written to disk", disk.written),
            (
                "edge_disk_written_bytes",
                "Bytes written to disk",
                disk.written_bytes,
            ),
            (
                "edge_disk_rewrites",
                "Records moved on because they were asked for",
                disk.rewritten,
            ),
            (
                "edge_disk_evicted",
                "Records that made room on disk",
                disk.evicted,
            ),
            (
                "edge_disk_dropped",
                "Records not written because the disk was too slow",
                disk.dropped,
            ),
            (
                "edge_disk_damaged",
                "Records that were not as they were written",
                disk.damaged,
            ),
            ("edge_disk_failures", "Writes that failed", disk.failed),
            (
                "edge_spilled",
                "Answers that waited on disk for slow clients",
                spill.answers,
            ),
            (
                "edge_spill_failures",
                "Answers whose origin waited because the disk failed",
                spill.failures,
            ),
        ];
        for (name, help, value) in gauges {
            encode(&mut encoder, (name, help, Kind::Gauge, value))?;
        }
        for (name, help, value) in counters {
            encode(&mut encoder, (name, help, Kind::Counter, value))?;
        }
        Ok(())
    }
}

/// The numbers of the local engine.
pub(crate) fn engine_numbers(engine: &LocalEngine) -> Vec<(&'static str, &'static str, Kind, u64)> {
    let stats = engine.stats();
    vec![
        (
            "engine_commits",
            "Batches written",
            Kind::Counter,
            stats.commits,
        ),
        (
            "engine_commit_groups",
            "Groups they were written in",
            Kind::Counter,
            stats.commit_groups,
        ),
        (
            "engine_volume_appends",
            "Small blobs written",
            Kind::Counter,
            stats.volume_appends,
        ),
        (
            "engine_volume_flushes",
            "Groups they were synced in",
            Kind::Counter,
            stats.volume_flushes,
        ),
        (
            "engine_volume_written_bytes",
            "Bytes given out in volumes",
            Kind::Counter,
            stats.volume_bytes_written,
        ),
        (
            "engine_freed_bytes",
            "Bytes of blobs given back",
            Kind::Counter,
            stats.freed_bytes,
        ),
        (
            "engine_garbage_blobs",
            "Deleted blobs that still take space",
            Kind::Gauge,
            stats.garbage_blobs,
        ),
        (
            "engine_unlinked_blobs",
            "Blobs that no row refers to yet",
            Kind::Gauge,
            stats.unlinked_blobs,
        ),
        (
            "engine_row_cache_bytes",
            "Bytes of the row cache in use",
            Kind::Gauge,
            stats.row_cache_bytes,
        ),
        (
            "engine_metadata_bytes",
            "Bytes of the metadata on disk",
            Kind::Gauge,
            stats.metadata_bytes,
        ),
        (
            "engine_memtable_bytes",
            "Bytes of the metadata not in tables yet",
            Kind::Gauge,
            stats.memtable_bytes,
        ),
        (
            "engine_scrubbed_blobs",
            "Blobs that scrubs have read",
            Kind::Counter,
            stats.scrubbed_blobs,
        ),
        (
            "engine_damaged",
            "Damage that scrubs have found",
            Kind::Counter,
            stats.damaged,
        ),
        (
            "engine_disk_free_bytes",
            "Free bytes of the file system",
            Kind::Gauge,
            stats.free_bytes,
        ),
        (
            "engine_poisoned",
            "1 when writing has stopped after a failure of the disk",
            Kind::Gauge,
            u64::from(stats.poisoned),
        ),
    ]
}

type Numbers = dyn Fn() -> Vec<(&'static str, &'static str, Kind, u64)> + Send + Sync;

struct EngineNumbers(Box<Numbers>);

impl fmt::Debug for EngineNumbers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EngineNumbers")
    }
}

impl Collector for EngineNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for number in (self.0)() {
            encode(&mut encoder, number)?;
        }
        Ok(())
    }
}
