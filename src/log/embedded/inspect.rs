//! What an operator should know of an embedded log.

use crate::{
    delivery::Unavailable,
    finding::Finding,
    log::Log,
    sqlite::{Inspector, Tally},
};

use super::EmbeddedLog;

/// This many messages behind, somebody should look.
const LAG_NOTED: u64 = 1000;

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

/// How far a group is behind.
pub(crate) fn lag_of(group: &str, has_committed: bool, lag: u64) -> Finding {
    if !has_committed {
        let advice = "start a scorer; the first one reads from the earliest message";
        return Finding::notice("lag", format!("group {group} has committed nothing yet"), advice);
    }
    let found = format!("group {group} has {lag} messages to go");
    if lag < LAG_NOTED {
        return Finding::well("lag", found);
    }
    Finding::notice("lag", found, "see what the scorers wait for, in their logs or at /ops; if nothing, start more")
}

/// How many dead letters there are.
pub(crate) fn dead_letters(count: u64) -> Finding {
    if count == 0 {
        return Finding::well("dead letters", "none");
    }
    let advice = "`delaycast replay --dry-run` tells why they died; without --dry-run it sends them back";
    Finding::notice("dead letters", format!("{count} are kept"), advice)
}
