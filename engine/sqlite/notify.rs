//! Notifications: waiting threads learn of commits, of this process and of others.

use std::{
    io,
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};

use rusqlite::Connection;

use super::error::unavailable;
use crate::runtime::{Condvar, Mutex, MutexGuard, Thread};

/// Interval at which the watcher looks for commits of other processes: one read of shared memory.
const WATCH_EVERY: Duration = Duration::from_millis(5);
/// Pause while nothing listens, and after an error.
const IDLE: Duration = Duration::from_secs(1);

/// Wakes the one thread that waits for it. A notification without a waiting thread is kept for the next wait.
#[derive(Default)]
pub(crate) struct Notifier {
    is_notified: Mutex<bool>,
    notified: Condvar,
}

impl Notifier {
    /// Notifies.
    pub(crate) fn notify(&self) {
        *self.is_notified.lock() = true;
        self.notified.notify_one();
    }

    /// Waits for a notification, or until `timeout`. Returns whether there was one since the last wait.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let guard = self.is_notified.lock();
        let mut is_notified = self.notified.wait_timeout_while(guard, timeout, |is_notified| !*is_notified);
        std::mem::take(&mut *is_notified)
    }
}

/// The notifiers of a database: one for each thread that listens.
#[derive(Default)]
pub(super) struct Notifiers {
    state: Mutex<NotifiersState>,
    changed: Condvar,
}

#[derive(Default)]
struct NotifiersState {
    notifiers: Vec<Weak<Notifier>>,
    is_closed: bool,
}

/// The next action of the watcher.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// There are listeners: look for commits.
    Watch,
    /// There is no listener: wait.
    Idle,
    /// The database is closed: end.
    End,
}

impl Notifiers {
    fn state(&self) -> MutexGuard<'_, NotifiersState> {
        self.state.lock()
    }

    /// Adds a notifier, until it is dropped.
    pub(super) fn add(&self, notifier: &Arc<Notifier>) {
        self.state().notifiers.push(Arc::downgrade(notifier));
        self.changed.notify_all();
    }

    /// Notifies all of them.
    pub(super) fn notify(&self) {
        for notifier in self.state().notifiers.iter().filter_map(Weak::upgrade) {
            notifier.notify();
        }
    }

    /// Ends the watcher.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until a notifier is added or the database is closed, for `timeout` at most; returns the next action.
    fn wait(&self, timeout: Duration) -> Action {
        let state = self.state();
        let mut state = match state.is_closed {
            true => state,
            false => self.changed.wait_timeout(state, timeout),
        };
        state.notifiers.retain(|notifier| notifier.strong_count() > 0);
        match (state.is_closed, state.notifiers.is_empty()) {
            (true, _) => Action::End,
            (false, true) => Action::Idle,
            (false, false) => Action::Watch,
        }
    }
}

/// Starts the watcher: a thread that notifies all after a commit of another connection than `connection`, until they
/// are closed.
pub(super) fn start_watcher(connection: Connection, path: &Path, notifiers: &Arc<Notifiers>) -> io::Result<Thread> {
    let (path, notifiers) = (path.to_owned(), Arc::clone(notifiers));
    Thread::spawn("sqlite-watch", move || watch(&connection, &path, &notifiers))
}

fn watch(connection: &Connection, path: &Path, notifiers: &Notifiers) {
    let (mut last_version, mut pause, mut is_warned) = (None, Duration::ZERO, false);
    loop {
        match notifiers.wait(pause) {
            Action::End => return,
            Action::Idle => pause = IDLE,
            Action::Watch => match data_version(connection) {
                Ok(version) => {
                    if last_version != Some(version) {
                        notifiers.notify();
                    }
                    (last_version, pause, is_warned) = (Some(version), WATCH_EVERY, false);
                }
                Err(error) => {
                    if !is_warned {
                        tracing::warn!("cannot watch for changes: {}", unavailable(&error, path));
                    }
                    // Readers meet the same error and report it. The watcher retries, and notifies of what it missed.
                    (pause, is_warned) = (IDLE, true);
                }
            },
        }
    }
}

/// Returns a number that changes with every commit of another connection.
/// See <https://www.sqlite.org/pragma.html#pragma_data_version>.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_notifiers_are_forgotten() {
        let (notifiers, notifier) = (Notifiers::default(), Arc::new(Notifier::default()));
        assert_eq!(notifiers.wait(Duration::ZERO), Action::Idle);
        notifiers.add(&notifier);
        assert_eq!(notifiers.wait(Duration::ZERO), Action::Watch);
        notifiers.notify();
        assert!(notifier.wait(Duration::from_secs(20)));
        drop(notifier);
        assert_eq!(notifiers.wait(Duration::ZERO), Action::Idle);
        notifiers.close();
        assert_eq!(notifiers.wait(Duration::from_secs(20)), Action::End);
    }
}
