//! Tests of backpressure.

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    fixture::{ANSWERS, Fixture},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{long, until},
};

/// Upper bound on the growth of memory after records in flight and prefetched messages have reached their bounds.
const GROWTH_MIB_MAX: f64 = 16.0;
/// Each failed write creates and drops documents of up to 4,096 answers, in each of two workers: temporary growth.
const TRY_MIB_MAX: f64 = 64.0;

#[test]
fn backpressure_with_the_store_down() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let (outage_s, per_second) = (if long() { 60 } else { 12 }, 5000);
    let (scorer, output) = fixture.score_with_output(2);
    let messages = outage_s * per_second;
    let load = Load::start(&fixture, messages, per_second);
    until("some are answered", || fixture.count(ANSWERS) > 100);
    servers.stop("mongo");
    let start = Instant::now();
    let mut resident = Vec::new();
    while start.elapsed() < Duration::from_secs(outage_s as u64 - 2) {
        thread::sleep(Duration::from_millis(200));
        resident.push(resident_mib(scorer.id()));
    }
    let full = fs::read_to_string(&output).unwrap();
    assert!(full.contains("waiting for the store of answers"), "{full}");
    // Two workers have 20,000 records each in flight; at this rate that is 8 s.
    let (warm_up, later) = resident.split_at(resident.len() * 2 / 3);
    let max = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
    let mut sorted = later.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    println!(
        "memory with the store down at {per_second}/s: {:.0} MiB at first, up to {:.0} MiB in the first two thirds of \
         {outage_s} s, usually {:.0} and at most {:.0} MiB after",
        resident[0],
        max(warm_up),
        usual,
        max(later)
    );
    assert!(usual < max(warm_up) + GROWTH_MIB_MAX, "memory grows: {resident:?}");
    assert!(max(later) < max(warm_up) + TRY_MIB_MAX, "a try to write takes too much: {resident:?}");
    servers.start("mongo");
    assert_promise("backpressure", 1, &load.audit(&fixture));
    assert!(fs::read_to_string(&output).unwrap().contains("serves again"));
    assert_eq!(scorer.terminate(), Some(0));
}

fn resident_mib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
