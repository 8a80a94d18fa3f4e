//! Offset commits, of offsets that the durable frontier has passed (rule 4).

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use engine::log::{Offsets, Reader};

/// Least interval between commits: a commit is itself a write that the log must make durable.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
/// Interval at which offsets are committed again without traffic: brokers delete the commits of idle groups.
const RENEW_INTERVAL: Duration = Duration::from_secs(3600);

/// Collects offsets that may be committed, and commits them at intervals.
pub(super) struct Committer {
    reader: Rc<RefCell<Box<dyn Reader>>>,
    pending: Offsets,
    last: Instant,
}

impl Committer {
    pub(super) fn new(reader: Rc<RefCell<Box<dyn Reader>>>) -> Self {
        Committer { reader, pending: Offsets::new(), last: Instant::now() }
    }

    /// Adds offsets whose records are durable.
    pub(super) fn add(&mut self, offsets: Offsets) {
        self.pending.extend(offsets);
    }

    /// Commits the pending offsets, or renews the last commit, if the interval has elapsed.
    pub(super) fn commit_if_due(&mut self) {
        let since = self.last.elapsed();
        if !self.pending.is_empty() && since >= COMMIT_INTERVAL {
            self.commit();
        } else if since >= RENEW_INTERVAL {
            self.reader.borrow_mut().renew();
            self.last = Instant::now();
        }
    }

    /// Commits the pending offsets and returns when the log has acknowledged them; fails at the deadline.
    pub(super) fn finish(mut self, deadline: Instant) -> Result<(), engine::delivery::Unavailable> {
        if !self.pending.is_empty() {
            self.commit();
        }
        self.reader.borrow_mut().close(deadline)
    }

    fn commit(&mut self) {
        self.reader.borrow_mut().commit(&self.pending);
        self.pending.clear();
        self.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine::{
        delivery::Unavailable,
        log::{Lag, Message, Offset, PartitionId},
    };

    use super::*;

    /// A reader that records the committed offsets; a renewal is recorded as no offsets.
    struct Recorder(Arc<Mutex<Vec<Offsets>>>);

    impl Reader for Recorder {
        fn poll(&mut self, _: usize, _: &mut Vec<Message>) -> bool {
            false
        }

        fn commit(&mut self, offsets: &Offsets) {
            self.0.lock().unwrap().push(offsets.clone());
        }

        fn renew(&mut self) {
            self.0.lock().unwrap().push(Offsets::new());
        }

        fn close(&mut self, _: Instant) -> Result<(), Unavailable> {
            Ok(())
        }

        fn lag(&self) -> Option<Lag> {
            None
        }
    }

    #[test]
    fn commits_are_batched_and_renewed_without_traffic() {
        let commits: Arc<Mutex<Vec<Offsets>>> = Arc::default();
        let mut committer = Committer::new(Rc::new(RefCell::new(Box::new(Recorder(Arc::clone(&commits))))));
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        let offsets = |number, next| Offsets::from([(PartitionId(number), Offset(next))]);
        for (number, next) in [(0, 1), (0, 2), (1, 7)] {
            committer.last = Instant::now();
            committer.add(offsets(number, next));
            committer.commit_if_due();
        }
        assert_eq!(*commits.lock().unwrap(), []);
        committer.last = ago(COMMIT_INTERVAL);
        committer.commit_if_due();
        let both = Offsets::from([(PartitionId(0), Offset(2)), (PartitionId(1), Offset(7))]);
        assert_eq!(*commits.lock().unwrap(), std::slice::from_ref(&both));

        committer.last = ago(COMMIT_INTERVAL);
        committer.commit_if_due();
        assert_eq!(commits.lock().unwrap().len(), 1, "nothing is pending");
        committer.last = ago(RENEW_INTERVAL);
        committer.commit_if_due();
        assert_eq!(*commits.lock().unwrap(), [both, Offsets::new()]);
        committer.commit_if_due();
        assert_eq!(commits.lock().unwrap().len(), 2, "renewed just now");
    }
}
