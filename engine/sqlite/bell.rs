//! Bells: how waiting threads learn that there may be something new.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::runtime::{Condvar, Mutex, MutexGuard};

/// Wakes the one thread that waits for it. A bell that rings while nobody waits is heard at the next wait.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// Rings.
    pub(crate) fn ring(&self) {
        *self.rung.lock() = true;
        self.heard.notify_one();
    }

    /// Returns when it rings or has rung since the last wait, or at the limit. Whether it did ring.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let rung = self.rung.lock();
        let mut heard = self.heard.wait_timeout_while(rung, limit, |rung| !*rung);
        std::mem::take(&mut *heard)
    }
}

/// The bells of a database, as many as it has readers.
#[derive(Default)]
pub(super) struct Bells {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bells: Vec<Weak<Bell>>,
    closed: bool,
}

/// What a watcher has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Somebody listens.
    Watch,
    /// Nobody listens.
    Rest,
    /// The database is closed.
    Leave,
}

impl Bells {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds a bell, for as long as somebody holds it.
    pub(super) fn add(&self, bell: &Arc<Bell>) {
        self.state().bells.push(Arc::downgrade(bell));
        self.changed.notify_all();
    }

    /// Rings all bells.
    pub(super) fn ring(&self) {
        for bell in self.state().bells.iter().filter_map(Weak::upgrade) {
            bell.ring();
        }
    }

    /// Tells who [`Bells::wait`]s to leave.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Waits until something about the bells changes, or for `limit`; then says what there is to do.
    pub(super) fn wait(&self, limit: Duration) -> Duty {
        let state = self.state();
        let mut state = match state.closed {
            true => state,
            false => self.changed.wait_timeout(state, limit),
        };
        state.bells.retain(|bell| bell.strong_count() > 0);
        match (state.closed, state.bells.is_empty()) {
            (true, _) => Duty::Leave,
            (false, true) => Duty::Rest,
            (false, false) => Duty::Watch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bells_are_forgotten_with_their_listeners() {
        let (bells, bell) = (Bells::default(), Arc::new(Bell::default()));
        assert_eq!(bells.wait(Duration::ZERO), Duty::Rest);
        bells.add(&bell);
        assert_eq!(bells.wait(Duration::ZERO), Duty::Watch);
        bells.ring();
        assert!(bell.wait(Duration::from_secs(20)));
        drop(bell);
        assert_eq!(bells.wait(Duration::ZERO), Duty::Rest);
        bells.close();
        assert_eq!(bells.wait(Duration::from_secs(20)), Duty::Leave);
    }
}
