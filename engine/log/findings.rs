//! What is found of any log, in the same words.

use crate::finding::Finding;

/// This many messages behind, somebody should look.
const LAG_NOTED: u64 = 1000;

/// How far a group is behind.
pub(super) fn lag_of(group: &str, has_committed: bool, lag: u64) -> Finding {
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
pub(super) fn dead_letters(count: u64) -> Finding {
    if count == 0 {
        return Finding::well("dead letters", "none");
    }
    let advice = "`delaycast replay --dry-run` tells why they died; without --dry-run it sends them back";
    Finding::notice("dead letters", format!("{count} are kept"), advice)
}
