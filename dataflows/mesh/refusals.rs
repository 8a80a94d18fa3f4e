//! What is said of refusals: whoever wants to may knock as often as he likes, and the log is to stay short.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::channel::Channel;

/// One line in this time; the others are counted.
const PAUSE: Duration = Duration::from_secs(1);

/// Of those who have not proven themselves.
pub(super) static STRANGERS: Refusals = Refusals::new();
/// Of those who have: told apart, so that no stranger's noise covers it.
static PROCESSES: Refusals = Refusals::new();

/// Refuses a process, and says so here as well.
pub(super) async fn turn_away(channel: Channel, reason: String) {
    PROCESSES.say(format!("refused the process at {}: {reason}", channel.address()));
    channel.refuse(reason).await;
}

pub(super) struct Refusals(Mutex<Said>);

struct Said {
    at: Option<Instant>,
    unsaid: u64,
}

impl Refusals {
    const fn new() -> Self {
        Refusals(Mutex::new(Said { at: None, unsaid: 0 }))
    }

    pub(super) fn say(&self, line: String) {
        if let Some(line) = self.due(line, Instant::now()) {
            tracing::warn!("mesh: {line}");
        }
    }

    /// What is to be said now, if anything.
    fn due(&self, line: String, now: Instant) -> Option<String> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.at.is_some_and(|at| now.saturating_duration_since(at) < PAUSE) {
            said.unsaid += 1;
            return None;
        }
        said.at = Some(now);
        match std::mem::take(&mut said.unsaid) {
            0 => Some(line),
            unsaid => Some(format!("{line} (and {unsaid} other refusals before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_a_second_and_the_others_are_counted() {
        let (refusals, start) = (Refusals::new(), Instant::now());
        let at = |ms| refusals.due("no".into(), start + Duration::from_millis(ms));
        assert_eq!(at(0).as_deref(), Some("no"));
        assert_eq!((at(1), at(999)), (None, None));
        assert_eq!(at(1000).as_deref(), Some("no (and 2 other refusals before)"));
        assert_eq!(at(2000).as_deref(), Some("no"));
    }
}
