//! Threads that end on their own, and are waited for with a limit.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a dropped handle waits for its threads. They need a moment; a disk that hangs must not hang its user.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// A thread that was started here.
pub struct Thread {
    handle: JoinHandle<()>,
}

impl Thread {
    /// Starts a thread.
    pub fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Ok(Thread { handle: thread::Builder::new().name(name.to_owned()).spawn(run)? })
    }

    /// Returns once the thread has ended, or at the limit. On the thread itself it returns at once.
    pub fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        if self.handle.thread().id() == thread::current().id() {
            return;
        }
        while !self.handle.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
