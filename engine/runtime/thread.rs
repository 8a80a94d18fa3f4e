//! Threads that are joined with a timeout.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The usual timeout of [`Thread::join`] in a `Drop`: a disk that hangs must not hang its user.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running thread. Dropping this detaches the thread.
#[derive(Debug)]
pub struct Thread(JoinHandle<()>);

impl Thread {
    /// Starts a thread called `name`.
    pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        thread::Builder::new().name(name.to_owned()).spawn(run).map(Thread)
    }

    /// Returns once the thread has ended, or after `timeout`; at once on the thread itself.
    pub fn join(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        if self.0.thread().id() == thread::current().id() {
            return;
        }
        while !self.0.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_join_ends_with_the_thread_or_with_the_timeout() {
        let (end, ended) = channel::<()>();
        let thread = Thread::spawn("test", move || _ = ended.recv()).unwrap();
        let start = Instant::now();
        thread.join(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20) && !thread.0.is_finished());
        drop(end);
        thread.join(Duration::from_secs(3600));
        assert!(thread.0.is_finished());
    }
}
