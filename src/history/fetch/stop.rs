//! Ending a fetch from another thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ureq::Agent;

/// How soon a pause notices that it is to end.
const NOTICE: Duration = Duration::from_millis(50);

/// Ends a fetch; clones end the same one. What it has begun can be resumed.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    agent: Agent,
}

impl Stop {
    pub(super) fn new(agent: Agent) -> Self {
        Stop { asked: Arc::default(), agent }
    }

    /// Asks. A read in progress ends at once; a connection being made is waited for, for its timeout at most.
    pub fn ask(&self) {
        // First the flag: whoever sees its connection break must know why.
        self.asked.store(true, Ordering::Release);
        self.agent.clone().shutdown();
    }

    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Waits, unless it is asked meanwhile.
    pub(super) fn pause(&self, pause: Duration) {
        let began_at = Instant::now();
        while !self.asked() && began_at.elapsed() < pause {
            thread::sleep(NOTICE.min(pause.saturating_sub(began_at.elapsed())));
        }
    }
}
