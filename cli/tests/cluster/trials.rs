//! Trials of one fault, and the time of recovery of each.

use std::time::Duration;

use crate::support::long;

/// Returns the number of trials of a fault.
pub(crate) fn times() -> usize {
    if long() { 20 } else { 1 }
}

/// The trials of one fault, as a row of the table in docs/faults.md.
pub(crate) struct Trials {
    fault: String,
    noticed: Vec<Duration>,
    recovered: Vec<Duration>,
}

impl Trials {
    pub(crate) fn of(fault: impl Into<String>) -> Self {
        Trials { fault: fault.into(), noticed: Vec::new(), recovered: Vec::new() }
    }

    /// Adds a trial: the time until the others had left, where they do, and the time of recovery.
    pub(crate) fn add(&mut self, noticed: Option<Duration>, recovered: Duration) {
        self.noticed.extend(noticed);
        self.recovered.push(recovered);
        let noticed = noticed.map(|noticed| format!("noticed after {}, ", seconds(noticed))).unwrap_or_default();
        println!("{}, trial {}: {noticed}recovered after {}", self.fault, self.recovered.len(), seconds(recovered));
    }

    /// Prints the row.
    pub(crate) fn print(self) {
        let Trials { fault, noticed, recovered } = self;
        println!("| {fault} | {} | {} | {} |", recovered.len(), median_and_max(noticed), median_and_max(recovered));
    }
}

fn median_and_max(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    match times.last() {
        Some(last) => format!("{}, {}", seconds(times[times.len() / 2]), seconds(*last)),
        None => String::new(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
