//! Dead letters, counted by the kind of their reason. There are few kinds, whatever comes in.

use delaycast::log::DeadLetterReason;

use super::counters::Counter;

/// Dead letters by the kind of their reason.
#[derive(Debug, Default)]
pub struct DeadLetterCounter([Counter; DeadLetterReason::ALL.len()]);

impl DeadLetterCounter {
    pub(super) fn add(&self, kind: DeadLetterReason) {
        let of_kind = DeadLetterReason::ALL.into_iter().zip(&self.0).find(|(known, _)| *known == kind);
        of_kind.into_iter().for_each(|(_, counter)| counter.add(1));
    }

    /// All of them.
    pub fn get(&self) -> u64 {
        self.0.iter().map(Counter::get).sum()
    }

    /// Each kind with its number, also those that none was of.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        DeadLetterReason::ALL.into_iter().map(DeadLetterReason::name).zip(self.0.iter().map(Counter::get))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_add_up() {
        let letters = DeadLetterCounter::default();
        for kind in [DeadLetterReason::RefusedByStore, DeadLetterReason::RefusedByStore, DeadLetterReason::Uuid] {
            letters.add(kind);
        }
        assert_eq!(letters.get(), 3);
        assert_eq!(letters.by_kind().count(), DeadLetterReason::ALL.len());
        let some: Vec<_> = letters.by_kind().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [("refused_by_store", 2), ("UUID", 1)]);
    }
}
