//! Tests of the monitor of a score dataflow between a log and a store in memory.

#![allow(unreachable_pub, dead_code, clippy::expect_used, clippy::panic)]

mod exposition;
mod in_memory;

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use delaycast_dataflows::{live, monitor::Monitor};
use engine::{
    answer::ModelVersion,
    delivery::{Health, Unavailable},
    process,
    sqlite::FileMetrics,
};
use exposition::Page;
use in_memory::{Fault, MemoryLog, MemoryStore, Running, domain::message, until};

/// Longer than the first bucket of the histogram, 0.1 s.
const WAIT: Duration = Duration::from_millis(150);
const TABLE: &str = include_str!("../../docs/metrics.md");

struct Rig {
    log: Arc<MemoryLog>,
    store: Arc<MemoryStore>,
    running: Running,
    monitor: Monitor,
}

impl Rig {
    /// Starts a dataflow of two partitions and two workers.
    fn start() -> Self {
        let store = MemoryStore::new();
        let log = MemoryLog::new(2, &store);
        let running = Running::start(2, &log, &store);
        let monitor = Monitor::new("1.2.3", process::usage, &running.stop);
        monitor.uses(&ModelVersion::new("by-value"));
        monitor.scores(&running.connections, &running.counters);
        until("all workers turn", || monitor.ready().is_empty());
        Rig { log, store, running, monitor }
    }

    fn page(&self) -> Page {
        Page::read(&self.monitor.metrics())
    }

    fn until(&self, series: &str, holds: impl Fn(f64) -> bool) {
        until(&format!("{series} is as expected"), || self.page().get(series).is_some_and(&holds));
    }

    /// Sets the values that come from outside of the dataflow.
    fn set_external(&self) {
        self.running.counters.generation.set(3);
        self.running.counters.restarts.set(2);
        self.running.counters.certificate_expires_at_s.set(1_800_000_000);
        self.monitor.shows_files(|| {
            let file = "var/delaycast.db".to_owned();
            vec![FileMetrics { file, wal_bytes: 4096, blocked_checkpoints: 2, is_intact: true }]
        });
        self.reads_events();
    }

    /// Lets the process read events; returns their health, and their counters, which are 1, 2, 3 and so on.
    fn reads_events(&self) -> (Arc<Health>, Arc<live::Counters>) {
        let (health, counters) = (Arc::new(Health::new("the log of events")), Arc::new(live::Counters::default()));
        let live::Counters { read, broken, kept, repeated, expired, removed, changed } = &*counters;
        let all = [read, broken, kept, repeated, expired, removed, changed];
        all.into_iter().zip(1..).for_each(|(counter, value)| counter.add(value));
        self.monitor.reads_events(&health, &counters);
        (health, counters)
    }
}

#[test]
fn metrics_follow_the_dataflow() {
    let rig = Rig::start();
    rig.store.fault(Fault::Block);
    let requests: Vec<_> = (0..10).map(|number| message(&format!("request-{number}"), 0.0)).collect();
    let bytes: usize = requests.iter().map(Vec::len).sum();
    requests.into_iter().enumerate().for_each(|(number, request)| rig.log.append(number % 2, request));
    rig.until("delaycast_in_flight_records", |value| value == 10.0);
    rig.until("delaycast_scored_requests_total", |value| value == 10.0);
    rig.until("delaycast_lag_records{partition=\"0\"}", |value| value == 5.0);
    rig.until("delaycast_lag_records{partition=\"1\"}", |value| value == 5.0);
    rig.until("delaycast_frontier_lag_seconds", |value| value >= 0.2);
    thread::sleep(WAIT);
    let page = rig.page();
    assert_eq!(page.value("delaycast_in_flight_bytes"), bytes as f64);
    assert_eq!(page.value("delaycast_landed_answers_total"), 0.0);
    assert_eq!(page.value("delaycast_latency_seconds_count"), 0.0);

    rig.store.fault(Fault::None);
    for (reason, bad) in [
        ("empty", ""),
        ("not_json", "{"),
        ("Sensor", r#"{"UUID": "known"}"#),
        ("Value", r#"{"UUID": "known, too", "Sensor": "S1", "Value": "seven"}"#),
    ] {
        let series = format!("delaycast_dead_letters_total{{reason=\"{reason}\"}}");
        let before = rig.page().value(&series);
        rig.log.append(0, bad.into());
        rig.until(&series, |value| value == before + 1.0);
    }
    rig.store.refuse("unwanted");
    rig.log.append(1, message("unwanted", 0.0));
    rig.until("delaycast_dead_letters_total{reason=\"refused_by_store\"}", |value| value == 1.0);
    rig.until("delaycast_landed_rejections_total", |value| value == 3.0);
    rig.until("delaycast_in_flight_records", |value| value == 0.0);
    for partition in 0..2 {
        rig.until(&format!("delaycast_lag_records{{partition=\"{partition}\"}}"), |value| value == 0.0);
    }
    rig.until("delaycast_frontier_lag_seconds", |value| value < 0.2);
    let page = rig.page();
    assert_eq!(page.value("delaycast_in_flight_bytes"), 0.0);
    assert_eq!(page.value("delaycast_consumed_records_total"), 15.0);
    assert_eq!(page.value("delaycast_scored_requests_total"), 11.0);
    assert_eq!(page.value("delaycast_landed_answers_total"), 10.0);
    // Ten answers; the rejected one has no latency.
    assert_eq!(page.value("delaycast_latency_seconds_count"), 10.0);
    assert_eq!(page.value("delaycast_latency_seconds_bucket{le=\"0.1\"}"), 0.0);
    assert!(page.value("delaycast_latency_seconds_sum") >= 1.0);
    rig.running.stop().expect("stopped in order");
}

#[test]
fn external_values_are_shown() {
    let rig = Rig::start();
    let page = rig.page();
    assert!(["generation", "restarts_total"].iter().all(|name| !page.types.contains_key(&format!("delaycast_{name}"))));
    rig.set_external();
    let page = rig.page();
    assert_eq!(page.value("delaycast_generation"), 3.0);
    assert_eq!(page.value("delaycast_restarts_total"), 2.0);
    assert_eq!(page.value("delaycast_certificate_expiry_timestamp_seconds"), 1_800_000_000.0);
    assert_eq!(page.value("delaycast_wal_bytes{file=\"var/delaycast.db\"}"), 4096.0);
    assert_eq!(page.value("delaycast_wal_blocked_checkpoints_total{file=\"var/delaycast.db\"}"), 2.0);
    assert_eq!(page.value("delaycast_file_intact{file=\"var/delaycast.db\"}"), 1.0);
    assert_eq!(page.value("delaycast_build_info{version=\"1.2.3\"}"), 1.0);
    assert_eq!(page.value("delaycast_model_info{version=\"by-value\"}"), 1.0);
    rig.running.stop().expect("stopped in order");
}

#[test]
fn a_process_is_not_ready_but_live_while_the_store_is_down() {
    let rig = Rig::start();
    rig.store.fault(Fault::Fail(usize::MAX));
    rig.log.append(0, message("waits", 0.0));
    until("the outage is noticed", || !rig.monitor.ready().is_empty());
    let waits = rig.monitor.ready();
    assert!(waits[0].starts_with("the store of answers in memory: the store is down"), "{waits:?}");
    assert_eq!((waits.len(), rig.monitor.live()), (1, Ok(())));
    let outage = |dependency| format!("delaycast_outage_seconds{{dependency=\"{dependency}\"}}");
    rig.until(&outage("answers"), |value| value > 0.0);
    assert_eq!(rig.page().value(&outage("log")), 0.0);
    rig.store.fault(Fault::None);
    until("the store serves again", || rig.monitor.ready().is_empty());
    rig.until(&outage("answers"), |value| value == 0.0);
    rig.running.stop.request();
    assert_eq!(rig.monitor.ready()[0], "stopping");
    rig.running.stop().expect("stopped in order");
}

#[test]
fn an_outage_of_the_log_of_events_is_shown_and_the_process_stays_ready() {
    let rig = Rig::start();
    let outage = "delaycast_outage_seconds{dependency=\"events\"}";
    let names = ["read", "broken", "kept", "repeated", "expired", "removed", "changed"];
    let values = |page: &Page| names.map(|name| page.get(&format!("delaycast_events_{name}_total")));
    let page = rig.page();
    assert_eq!((values(&page), page.get(outage)), ([None; 7], None), "it reads no events");

    let (health, counters) = rig.reads_events();
    let page = rig.page();
    assert_eq!((values(&page), page.value(outage)), ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(Some), 0.0));
    counters.kept.add(10);
    health.waiting(&Unavailable::needs_operator("no such topic"));
    rig.until(outage, |value| value > 0.0);
    assert_eq!(rig.page().value("delaycast_events_kept_total"), 13.0);
    assert_eq!(rig.monitor.ready(), [""; 0]);
    health.serving();
    rig.until(outage, |value| value == 0.0);
    rig.running.stop().expect("stopped in order");
}

#[test]
fn the_table_in_the_docs_has_all_metrics() {
    let rig = Rig::start();
    rig.set_external();
    until("lag is known", || rig.page().labels.contains_key("delaycast_lag_records"));
    let shown: BTreeMap<String, (String, Vec<String>)> = {
        let Page { types, labels, .. } = rig.page();
        let labels_of = |name: &String| labels.get(name).into_iter().flatten().cloned().collect();
        types.iter().map(|(name, kind)| (name.clone(), (kind.clone(), labels_of(name)))).collect()
    };
    let documented = TABLE.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        // A cell begins with the label in backticks; its values follow.
        let label = cells[2].split('`').nth(1).map(str::to_owned);
        Some((cells[0].trim_end_matches('`').to_owned(), (cells[1].to_owned(), Vec::from_iter(label))))
    });
    assert_eq!(documented.collect::<BTreeMap<_, _>>(), shown);
    // The values of closed sets are documented, too.
    for value in rig.monitor.metrics().lines().filter(|line| line.starts_with("delaycast_outage")) {
        let name = value.split('"').nth(1).expect("an outage has a label");
        assert!(TABLE.contains(&format!("`{name}`")), "{name}");
    }
    rig.running.stop().expect("stopped in order");
}
