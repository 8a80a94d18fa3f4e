//! Notices what other processes commit.

use std::{io, path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;

use super::{
    bell::{Bells, Duty},
    fault,
};
use crate::runtime::Thread;

/// How often a watcher looks: one read of shared memory.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often it looks whether somebody listens again, and after an error.
const REST: Duration = Duration::from_secs(1);

/// Starts a thread that rings all bells after somebody else than `connection` has committed, until they are closed.
pub(super) fn start(connection: Connection, path: &Path, bells: &Arc<Bells>) -> io::Result<Thread> {
    let (path, bells) = (path.to_owned(), Arc::clone(bells));
    Thread::spawn("sqlite-watch", move || watch(&connection, &path, &bells))
}

fn watch(connection: &Connection, path: &Path, bells: &Bells) {
    let (mut seen, mut pause, mut said) = (None, Duration::ZERO, false);
    loop {
        match bells.wait(pause) {
            Duty::Leave => return,
            Duty::Rest => pause = REST,
            Duty::Watch => match data_version(connection) {
                Ok(version) => {
                    if seen != Some(version) {
                        bells.ring();
                    }
                    (seen, pause, said) = (Some(version), LOOK_EVERY, false);
                }
                Err(error) => {
                    if !said {
                        tracing::warn!("cannot watch for changes: {}", fault::unavailable(&error, path));
                    }
                    // Readers meet the same error, and report it; this one tries again, and rings if it missed anything.
                    (pause, said) = (REST, true);
                }
            },
        }
    }
}

/// Changes with every commit of another connection. See <https://www.sqlite.org/pragma.html#pragma_data_version>.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
