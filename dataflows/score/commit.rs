//! Offset commits, behind the durable frontier (rule 4).

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use delaycast::log::{Offsets, Reader};

/// Offsets are committed at most this often: a commit is itself a write that the log must make durable.
const EVERY: Duration = Duration::from_millis(100);
/// Without traffic the last commit is repeated this often, because brokers forget the commits of idle groups.
const RENEW: Duration = Duration::from_secs(3600);

/// Gathers what may be committed, and commits it now and then.
pub(super) struct Committer {
    reader: Rc<RefCell<Box<dyn Reader>>>,
    waiting: Offsets,
    committed: Offsets,
    last: Instant,
}

impl Committer {
    pub(super) fn new(reader: Rc<RefCell<Box<dyn Reader>>>) -> Self {
        Committer { reader, waiting: Offsets::new(), committed: Offsets::new(), last: Instant::now() }
    }

    /// These offsets are durable.
    pub(super) fn add(&mut self, offsets: Offsets) {
        self.waiting.extend(offsets);
    }

    /// Commits what waits, if it is time.
    pub(super) fn turn(&mut self) {
        let since = self.last.elapsed();
        if !self.waiting.is_empty() && since >= EVERY {
            self.commit();
        } else if since >= RENEW && !self.committed.is_empty() {
            self.waiting = self.committed.clone();
            self.commit();
        }
    }

    /// Commits what waits and returns once the log has it, or fails at the deadline.
    pub(super) fn finish(mut self, deadline: Instant) -> Result<(), delaycast::delivery::Unavailable> {
        if !self.waiting.is_empty() {
            self.commit();
        }
        self.reader.borrow_mut().close(deadline)
    }

    fn commit(&mut self) {
        self.reader.borrow_mut().commit(&self.waiting);
        self.committed.extend(std::mem::take(&mut self.waiting));
        self.last = Instant::now();
    }
}
