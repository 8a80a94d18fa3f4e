//! Threads that are joined with a timeout, and the request to stop, which they share.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::lock::{Condvar, Mutex};

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

/// A flag that threads read to learn that they must end; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_requested: AtomicBool,
    sleeping: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Requests the stop, and ends every [`Self::sleep`].
    pub fn request(&self) {
        self.0.is_requested.store(true, Ordering::Release);
        // A thread on its way into a sleep has either seen the flag or released the lock.
        drop(self.0.sleeping.lock());
        self.0.changed.notify_all();
    }

    /// Returns whether [`Self::request`] was called.
    pub fn is_requested(&self) -> bool {
        self.0.is_requested.load(Ordering::Acquire)
    }

    /// Sleeps for `pause`, or until a stop is requested. Returns false if it was.
    pub fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut sleeping = self.0.sleeping.lock();
        while !self.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            sleeping = self.0.changed.wait_timeout(sleeping, left);
        }
        false
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

    #[test]
    fn a_sleep_takes_its_time_or_ends_with_the_stop() {
        let stop = Stop::default();
        let start = Instant::now();
        assert!(stop.sleep(Duration::from_millis(20)));
        assert!(start.elapsed() >= Duration::from_millis(20));

        let sleeping = stop.clone();
        let sleeper = thread::spawn(move || sleeping.sleep(Duration::from_secs(3600)));
        thread::sleep(Duration::from_millis(20));
        assert!(!stop.is_requested() && !sleeper.is_finished());
        stop.request();
        assert!(!sleeper.join().unwrap());
        assert!(stop.is_requested() && !stop.sleep(Duration::from_secs(3600)));
    }
}
