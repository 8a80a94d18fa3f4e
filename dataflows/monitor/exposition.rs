//! The metrics in the text format of Prometheus. docs/metrics.md has the alerts; a test compares its table with this.

use std::{fmt, sync::Arc};

use engine::{answer::ModelVersion, process::Usage, sqlite};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet, prometheus_text},
    metrics::MetricType,
    registry::Registry,
};

use crate::{
    live,
    score::{Counters, LatencyHistogram, ShadowCounters},
};

/// The values of all metrics.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) build: &'static str,
    pub(super) model: Option<ModelVersion>,
    pub(super) shadow: Option<ModelVersion>,
    /// The outage of each dependency in seconds; 0 while it serves.
    pub(super) outages: Vec<(&'static str, f64)>,
    pub(super) counters: Option<Arc<Counters>>,
    pub(super) events: Option<Arc<live::Counters>>,
    pub(super) usage: Option<Usage>,
    /// The open embedded files.
    pub(super) files: Vec<sqlite::FileMetrics>,
}

/// Returns the metrics as text.
pub(super) fn text(snapshot: Snapshot) -> String {
    let (mut registry, mut text) = (Registry::default(), String::new());
    registry.register_collector(Box::new(snapshot));
    // Writing to a string does not fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut encoder = Encoder(encoder);
        let Snapshot { build, model, shadow, outages, counters, events, usage, files } = self;
        encoder.info("delaycast_build", "The version of this program", "version", build)?;
        if let Some(model) = model {
            encoder.info("delaycast_model", "The version of the model in use", "version", model.as_str())?;
        }
        let help = "For how long this dependency has not served; 0 if it does";
        encoder.gauges("delaycast_outage_seconds", help, "dependency", outages)?;
        if let Some(usage) = usage {
            encoder.gauge("process_resident_memory_bytes", "Memory in use", usage.resident_bytes)?;
            encoder.counter("process_cpu_seconds", "Processor time, user and system", usage.cpu_seconds)?;
        }
        encoder.files(files)?;
        if let Some(events) = events {
            encoder.events(events)?;
        }
        let Some(counters) = counters else { return Ok(()) };
        let shadow = shadow.as_ref().map_or("none", ModelVersion::as_str);
        encoder.info("delaycast_shadow_model", "The version of the model that is tried out", "version", shadow)?;
        encoder.shadow(&counters.shadow)?;
        encoder.score(counters)
    }
}

/// An encoder of metrics. The format adds `_total` to counters and `_info` to infos.
struct Encoder<'a>(DescriptorEncoder<'a>);

impl Encoder<'_> {
    fn files(&mut self, files: &[sqlite::FileMetrics]) -> fmt::Result {
        if files.is_empty() {
            return Ok(());
        }
        let of = |value: fn(&sqlite::FileMetrics) -> u64| -> Vec<_> {
            files.iter().map(|it| (&it.file, value(it))).collect()
        };
        let help = "Length of the embedded file's write-ahead log";
        self.gauges("delaycast_wal_bytes", help, "file", &of(|it| it.wal_bytes))?;
        let help = "Checkpoints that could not cut the write-ahead log, because a process has a read transaction open";
        self.counters("delaycast_wal_blocked_checkpoints", help, "file", &of(|it| it.blocked_checkpoints))?;
        let help = "1 while the path of the embedded file names what is open; 0 once it was deleted or replaced";
        self.gauges("delaycast_file_intact", help, "file", &of(|it| it.is_intact.into()))
    }

    fn events(&mut self, events: &live::Counters) -> fmt::Result {
        let help = "Messages read from the log of events; all of them again after a start";
        self.counter("delaycast_events_read", help, events.read.get())?;
        self.counter(
            "delaycast_events_broken",
            "Messages that were no events: dead letters, each once",
            events.broken.get(),
        )?;
        self.counter("delaycast_events_kept", "Events that were new to this process", events.kept.get())?;
        self.counter("delaycast_events_repeated", "Events that were known", events.repeated.get())?;
        let help = "Events that came after the time until which their subject is kept";
        self.counter("delaycast_events_expired", help, events.expired.get())?;
        let help = "Events that were removed when that time had passed";
        self.counter("delaycast_events_removed", help, events.removed.get())?;
        let help = "Changes of subjects that workers of this process have taken over, each worker all of them";
        self.counter("delaycast_events_changed", help, events.changed.get())
    }

    fn score(&mut self, counters: &Counters) -> fmt::Result {
        self.counter("delaycast_consumed_records", "Records read from the log", counters.read.get())?;
        self.counter("delaycast_scored_requests", "Requests that the model has scored", counters.scored.get())?;
        self.counter("delaycast_landed_answers", "Answers that the store has acknowledged", counters.answers.get())?;
        let help = "Messages that the output topic has acknowledged: answers and rejections";
        self.counter("delaycast_landed_messages", help, counters.messages.get())?;
        let help = "Rejections that the store has acknowledged";
        self.counter("delaycast_landed_rejections", help, counters.rejections.get())?;
        self.gauge("delaycast_followed_requests", "Requests that are followed", counters.followed.get())?;
        let help = "Versions of followed answers that the store has acknowledged";
        self.counter("delaycast_landed_versions", help, counters.versions.get())?;
        let letters: Vec<_> = counters.dead_letters.by_kind().collect();
        self.counters("delaycast_dead_letters", "Dead letters that their log has acknowledged", "reason", &letters)?;
        let help = "Models that have taken effect since the start, beside the first";
        self.counter("delaycast_swapped_models", help, counters.models_swapped.get())?;
        let help = "Models that were named for use, and cannot be used";
        self.counter("delaycast_refused_models", help, counters.models_refused.get())?;
        let help = "From reading a record to the store's acknowledgement of its answer";
        self.histogram("delaycast_latency_seconds", help, &counters.latency.get())?;

        let help = "Records read and not yet durable, whatever becomes of them";
        self.gauge("delaycast_in_flight_records", help, counters.in_flight())?;
        self.gauge("delaycast_in_flight_bytes", "The bytes of their payloads", counters.in_flight_bytes())?;
        let lag: Vec<_> = counters.lag.by_partition().into_iter().map(|(of, lag)| (of.0.to_string(), lag)).collect();
        let help = "Messages that are not yet committed, of the partitions that this process reads";
        self.gauges("delaycast_lag_records", help, "partition", &lag)?;
        let progress = [("sent", counters.progress_sent.get()), ("received", counters.progress_received.get())];
        let help = "Messages about progress that workers of this process have broadcast, and received from all workers";
        self.counters("delaycast_progress_messages", help, "direction", &progress)?;
        if let Some(lag) = counters.workers.frontier_lag() {
            let help = "How far the clock is ahead of the durable frontier, of the worker that is farthest behind";
            self.gauge("delaycast_frontier_lag_seconds", help, lag.as_secs_f64())?;
        }
        if let Some(generation) = counters.generation.get() {
            self.gauge("delaycast_generation", "Which forming of the cluster this is", generation)?;
        }
        if let Some(restarts) = counters.restarts.get() {
            self.counter("delaycast_restarts", "How often the scorer was started again in its place", restarts)?;
        }
        if let Some(at) = counters.certificate_expires_at_s.get() {
            let help = "When the certificate of this process runs out, since 1970";
            self.gauge("delaycast_certificate_expiry_timestamp_seconds", help, at)?;
        }
        Ok(())
    }

    fn shadow(&mut self, shadow: &ShadowCounters) -> fmt::Result {
        let help = "Requests that the shadow has scored beside the model that answers";
        self.counter("delaycast_shadow_compared_requests", help, shadow.compared.get())?;
        let help = "Of these, those of which both hold the same class most probable";
        self.counter("delaycast_shadow_agreed_requests", help, shadow.agreed.get())?;
        let help = "The absolute differences of their probabilities, summed up; 0 to 2 a request";
        self.counter("delaycast_shadow_probability_change", help, shadow.change_millionths.get() as f64 / 1e6)?;
        let help = "What the store has acknowledged of the shadow";
        self.counter("delaycast_shadow_landed_answers", help, shadow.landed.get())?;
        let help = "Requests that the shadow did not get, or whose answers were lost";
        self.counter("delaycast_shadow_dropped_requests", help, shadow.dropped.get())
    }

    fn counter(&mut self, name: &str, help: &str, value: impl EncodeCounterValue) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(impl AsRef<str>, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values.iter().try_for_each(|(of, value)| {
            metric.encode_family(&[(label, of.as_ref())])?.encode_counter::<NoLabelSet, _, f64>(value, None)
        })
    }

    fn gauges<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(impl AsRef<str>, V)],
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.iter().try_for_each(|(of, value)| metric.encode_family(&[(label, of.as_ref())])?.encode_gauge(value))
    }

    fn info(&mut self, name: &str, help: &str, label: &str, value: &str) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(&[(label, value)])
    }

    fn histogram(&mut self, name: &str, help: &str, latencies: &LatencyHistogram) -> fmt::Result {
        let LatencyHistogram { buckets, count, sum_seconds } = latencies;
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(*sum_seconds, *count, buckets, None)
    }
}
