//! The state of a scorer, as its supervisor and the page of operations show it.

use serde::{Deserialize, Serialize};

use crate::delivery::Waiting;

/// A dependency that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Its name.
    pub what: String,
    /// The length of the outage, in seconds.
    pub for_s: u64,
}

impl Wait {
    /// Returns the wait for a dependency.
    pub fn new(what: &str, outage: &Waiting) -> Self {
        Wait { what: what.to_owned(), for_s: outage.since.elapsed().as_secs() }
    }
}

/// The state of the scorers of a process, or of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Messages that are read and not yet durable.
    pub in_flight: u64,
    /// Messages of the partitions read here that are not yet committed, where that is known.
    pub lag: Option<u64>,
    /// The dependencies that do not serve.
    pub waiting: Vec<Wait>,
}

impl Status {
    /// Returns the state of a cluster whose processes have these states.
    pub fn of_all<'a>(statuses: impl Iterator<Item = &'a Status>) -> Self {
        let mut all = Status { lag: Some(0), ..Status::default() };
        for Status { in_flight, lag, waiting } in statuses {
            all.in_flight += in_flight;
            all.lag = all.lag.zip(*lag).map(|(one, other)| one + other);
            for wait in waiting {
                // All processes wait for the same log and the same store.
                match all.waiting.iter_mut().find(|known| known.what == wait.what) {
                    Some(known) => known.for_s = known.for_s.max(wait.for_s),
                    None => all.waiting.push(wait.clone()),
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_state_is_that_of_its_processes() {
        let wait = |what: &str, for_s| Wait { what: what.into(), for_s };
        let one = Status { in_flight: 2, lag: Some(3), waiting: vec![wait("the log", 5)] };
        let other = Status { in_flight: 4, lag: Some(1), waiting: vec![wait("the log", 7), wait("the store", 1)] };
        let all = Status::of_all([&one, &other].into_iter());
        assert_eq!(all, Status { in_flight: 6, lag: Some(4), waiting: vec![wait("the log", 7), wait("the store", 1)] });
        let unknown = Status { lag: None, ..one.clone() };
        assert_eq!(Status::of_all([&one, &unknown].into_iter()).lag, None);
    }
}
