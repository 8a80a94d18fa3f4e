//! Where reading a partition starts.

/// A partition as a broker describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The earliest offset that is kept.
    pub(super) low: u64,
    /// The offset that the next message will get.
    pub(super) high: u64,
}

/// The group's committed offset, if that is in range; else the earliest, and what to warn of, if messages may be read
/// again or have been missed.
pub(super) fn start(committed: Option<u64>, Extent { low, high }: Extent) -> (u64, Option<String>) {
    match committed {
        Some(offset) if (low..=high).contains(&offset) => (offset, None),
        Some(offset) => {
            (low, Some(format!("the committed offset {offset} is out of range ({low} to {high}): reading from {low}")))
        }
        None if low < high => (low, Some(format!("no offset is committed: reading from the earliest, {low}"))),
        None => (low, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_starts_at_the_committed_offset_or_at_the_earliest_with_a_warning() {
        let extent = Extent { low: 10, high: 20 };
        for committed in [10, 15, 20] {
            assert_eq!(start(Some(committed), extent), (committed, None));
        }
        for committed in [Some(0), Some(9), Some(21), None] {
            let (offset, warning) = start(committed, extent);
            assert_eq!(offset, 10);
            assert!(warning.unwrap().contains("reading from"));
        }
        assert_eq!(start(None, Extent { low: 7, high: 7 }), (7, None), "nothing is skipped or repeated");
    }
}
