//! What an operator should know of an embedded log.

use crate::{
    delivery::Unavailable,
    finding::Finding,
    log::{
        Log,
        findings::{dead_letters, lag_of},
    },
    sqlite::{Inspector, Tally},
};

use super::EmbeddedLog;

pub(super) fn inspect(log: &EmbeddedLog) -> Vec<Finding> {
    let path = log.database.path().display();
    let broken = |error: &Unavailable| Finding::broken("log", error.to_string(), format!("look after {path}"));
    let partitions = match log.partitions() {
        Ok(partitions) => partitions,
        Err(error) => return vec![broken(&error)],
    };
    let mut findings = vec![
        Finding::well("log", format!("{path} can be read and written")),
        Finding::well("topic", format!("{} has {partitions} partitions", log.topic)),
    ];
    let inspector = Inspector::of(&log.database);
    match inspector.committed_offsets(&log.topic) {
        Ok(committed) => {
            let own = committed.iter().filter(|committed| committed.group == *log.group);
            let lag: u64 = own.clone().map(|committed| committed.end.0.saturating_sub(committed.next.0)).sum();
            findings.push(lag_of(&log.group, own.count() > 0, lag));
        }
        Err(error) => findings.push(broken(&error)),
    }
    let dead = inspector.tallies().map(|tallies| tallies.into_iter().find(|tally| tally.name == "dead_letters"));
    match dead {
        Ok(tally) => findings.push(dead_letters(tally.as_ref().map_or(0, |tally: &Tally| tally.rows))),
        Err(error) => findings.push(broken(&error)),
    }
    findings
}
