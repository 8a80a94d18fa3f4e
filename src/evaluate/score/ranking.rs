//! The area under the ROC curve, exactly, for any weights of the days.

/// The flights of one day that were given the same probability.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    probability: f32,
    day: u32,
    late: u32,
    others: u32,
}

/// Flights in the order of their probability: sorted once, walked for each resample. 16 bytes a flight, less with ties.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranking(Vec<Cell>);

impl Ranking {
    /// Takes the probability, the day's number, and whether it came true, of each flight.
    pub(super) fn new(flights: impl Iterator<Item = (f32, u32, bool)>) -> Self {
        let cell = |(probability, day, late): (f32, u32, bool)| Cell {
            // −0 and 0 are a tie.
            probability: probability + 0.0,
            day,
            late: u32::from(late),
            others: u32::from(!late),
        };
        let mut cells: Vec<Cell> = flights.map(cell).collect();
        cells.sort_unstable_by(|a, b| a.probability.total_cmp(&b.probability).then(a.day.cmp(&b.day)));
        cells.dedup_by(|next, kept| {
            let same = next.day == kept.day && next.probability == kept.probability;
            if same {
                kept.late += next.late;
                kept.others += next.others;
            }
            same
        });
        cells.shrink_to_fit();
        Ranking(cells)
    }

    /// The share of pairs of a late flight and another in which the late one has the higher probability; a tie counts
    /// for a half. A day's flights count as often as its weight says. `None` if there is no such pair.
    pub(super) fn auc(&self, weights: &[u32]) -> Option<f64> {
        // Twice the pairs won, so that a half stays an integer: below 2 · (2^32)² / 4.
        let (mut won_twice, mut late_total, mut below) = (0u64, 0u64, 0u64);
        for tied in self.0.chunk_by(|a, b| a.probability == b.probability) {
            let (mut late, mut others) = (0, 0);
            for cell in tied {
                let weight = u64::from(weights[cell.day as usize]);
                late += weight * u64::from(cell.late);
                others += weight * u64::from(cell.others);
            }
            won_twice += late * (2 * below + others);
            late_total += late;
            below += others;
        }
        let pairs = late_total as f64 * below as f64;
        (pairs > 0.0).then(|| won_twice as f64 / (2.0 * pairs))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every pair of a late flight and another, one by one.
    fn naive(flights: &[(f32, u32, bool)], weights: &[u32]) -> Option<f64> {
        let (mut won, mut pairs) = (0.0, 0.0);
        for late in flights.iter().filter(|flight| flight.2) {
            for other in flights.iter().filter(|flight| !flight.2) {
                let weight = f64::from(weights[late.1 as usize]) * f64::from(weights[other.1 as usize]);
                pairs += weight;
                won += weight * if late.0 > other.0 { 1.0 } else { f64::from(u8::from(late.0 == other.0)) / 2.0 };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    #[test]
    fn agrees_with_values_worked_out_by_hand() {
        let flights = [(0.1, 0, false), (0.4, 0, false), (0.35, 0, true), (0.8, 0, true)];
        assert_eq!(Ranking::new(flights.into_iter()).auc(&[1]), Some(0.75));
        let tied = [(0.5, 0, false), (0.5, 0, true), (0.5, 0, true)];
        assert_eq!(Ranking::new(tied.into_iter()).auc(&[1]), Some(0.5));
        assert_eq!(Ranking::new([(0.5, 0, true)].into_iter()).auc(&[1]), None);
        // Of two days, the one that was not drawn does not count.
        let days = [(0.9, 0, true), (0.1, 0, false), (0.1, 1, true), (0.9, 1, false)];
        let ranking = Ranking::new(days.into_iter());
        assert_eq!([[1, 0], [0, 3], [1, 1]].map(|weights| ranking.auc(&weights)), [Some(1.0), Some(0.0), Some(0.5)]);
    }

    proptest! {
        #[test]
        fn is_what_counting_all_pairs_gives(
            flights in proptest::collection::vec((0..8u8, 0..4u32, any::<bool>()), 0..60),
            weights in [0..5u32, 0..5u32, 0..5u32, 0..5u32],
        ) {
            let flights: Vec<_> = flights.into_iter().map(|(p, day, late)| (f32::from(p) / 7.0, day, late)).collect();
            prop_assert_eq!(Ranking::new(flights.iter().copied()).auc(&weights), naive(&flights, &weights));
        }
    }
}
