//! Dead letters, counted by the kind of their reason. There are few kinds, whatever comes in.

use engine::{
    domain::Domain,
    log::{DeadLetterKinds, DeadLetterReason},
};

use super::counters::Counter;

/// Dead letters by the kind of their reason.
#[derive(Debug)]
pub struct DeadLetterCounter {
    kinds: DeadLetterKinds,
    /// In the order of the kinds.
    counters: Box<[Counter]>,
}

impl DeadLetterCounter {
    pub(super) fn of<D: Domain>() -> Self {
        let kinds = DeadLetterKinds::of::<D>();
        DeadLetterCounter { kinds, counters: kinds.names().map(|_| Counter::default()).collect() }
    }

    pub(super) fn add(&self, kind: &DeadLetterReason) {
        self.counters.get(usize::from(self.kinds.number(kind))).into_iter().for_each(|counter| counter.add(1));
    }

    /// All of them.
    pub fn get(&self) -> u64 {
        self.counters.iter().map(Counter::get).sum()
    }

    /// Each kind with its number, also those that none was of.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.kinds.names().zip(self.counters.iter().map(Counter::get))
    }
}
