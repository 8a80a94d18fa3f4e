//! Offset commits, behind the durable frontier (rule 4).

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use engine::log::{Offsets, Reader};

/// Offsets are committed at most this often: a commit is itself a write that the log must make durable.
const EVERY: Duration = Duration::from_millis(100);
/// Without traffic what is committed is committed again this often, because brokers forget the commits of idle groups.
const RENEW: Duration = Duration::from_secs(3600);

/// Gathers what may be committed, and commits it now and then.
pub(super) struct Committer {
    reader: Rc<RefCell<Box<dyn Reader>>>,
    waiting: Offsets,
    last: Instant,
}

impl Committer {
    pub(super) fn new(reader: Rc<RefCell<Box<dyn Reader>>>) -> Self {
        Committer { reader, waiting: Offsets::new(), last: Instant::now() }
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
        } else if since >= RENEW {
            self.reader.borrow_mut().renew();
            self.last = Instant::now();
        }
    }

    /// Commits what waits and returns once the log has it, or fails at the deadline.
    pub(super) fn finish(mut self, deadline: Instant) -> Result<(), engine::delivery::Unavailable> {
        if !self.waiting.is_empty() {
            self.commit();
        }
        self.reader.borrow_mut().close(deadline)
    }

    fn commit(&mut self) {
        self.reader.borrow_mut().commit(&self.waiting);
        self.waiting.clear();
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

    /// Remembers what is committed, and for a renewal nothing.
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
    fn commits_come_together_and_are_renewed_without_traffic() {
        let commits: Arc<Mutex<Vec<Offsets>>> = Arc::default();
        let mut committer = Committer::new(Rc::new(RefCell::new(Box::new(Recorder(Arc::clone(&commits))))));
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        let offsets = |number, next| Offsets::from([(PartitionId(number), Offset(next))]);
        for (number, next) in [(0, 1), (0, 2), (1, 7)] {
            committer.last = Instant::now();
            committer.add(offsets(number, next));
            committer.turn();
        }
        assert_eq!(*commits.lock().unwrap(), []);
        committer.last = ago(EVERY);
        committer.turn();
        let both = Offsets::from([(PartitionId(0), Offset(2)), (PartitionId(1), Offset(7))]);
        assert_eq!(*commits.lock().unwrap(), std::slice::from_ref(&both));

        committer.last = ago(EVERY);
        committer.turn();
        assert_eq!(commits.lock().unwrap().len(), 1, "nothing waits");
        committer.last = ago(RENEW);
        committer.turn();
        assert_eq!(*commits.lock().unwrap(), [both, Offsets::new()]);
        committer.turn();
        assert_eq!(commits.lock().unwrap().len(), 2, "renewed just now");
    }
}
