//! Findings that are worded alike for every connector.

use crate::finding::Finding;

/// Lag, in messages, from which on a finding is a warning.
const LAG_WARN: u64 = 1000;

/// Returns the finding on the lag of a group.
pub(super) fn lag_of(group: &str, has_committed: bool, lag: u64) -> Finding {
    if !has_committed {
        let advice = "start a scorer; the first one reads from the earliest message";
        return Finding::warn("lag", format!("group {group} has committed nothing yet"), advice);
    }
    let found = format!("group {group} has {lag} messages to go");
    if lag < LAG_WARN {
        return Finding::ok("lag", found);
    }
    Finding::warn("lag", found, "see what the scorers wait for, in their logs or at /ops; if nothing, start more")
}

/// Returns the finding on the number of dead letters.
pub(super) fn dead_letters(count: u64) -> Finding {
    if count == 0 {
        return Finding::ok("dead letters", "none");
    }
    let advice = "`delaycast replay --dry-run` tells why they died; without --dry-run it sends them back";
    Finding::warn("dead letters", format!("{count} are kept"), advice)
}
