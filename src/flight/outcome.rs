//! The outcome of a flight of the past, as the leaves of a forest count it: a bin of its arrival delay, or cancelled.

use serde::{Deserialize, Serialize};

use super::class::{CLASS_CUTS_MINUTES, CLASSES, DelayClass};

/// Number of bins.
pub const DELAY_BINS: usize = 30;

/// The edges between the bins, in minutes; a delay equal to an edge is in the bin above. They are narrow where most
/// flights arrive, and each cut between two classes is one of them.
pub const DELAY_EDGES_MINUTES: [f32; DELAY_BINS - 1] = [
    -60.0, -45.0, -35.0, -30.0, -25.0, -20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0,
    45.0, 50.0, 60.0, 75.0, 90.0, 120.0, 150.0, 180.0, 240.0, 300.0, 600.0,
];

/// The ends that the first and the last bin are given, in minutes: a few flights in a million are beyond.
const OUTER_EDGES_MINUTES: [f32; 2] = [-90.0, 900.0];

/// One share per bin, earliest first; they sum to 1.
pub type DelayShares = [f32; DELAY_BINS];

/// A bin of delays, numbered from the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelayBin(u8);

impl DelayBin {
    /// The bin of a delay in minutes.
    pub fn of(minutes: f32) -> Self {
        // At most 29.
        DelayBin(DELAY_EDGES_MINUTES.partition_point(|&edge| edge <= minutes) as u8)
    }

    /// The number of the bin, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The ends of bin `index` in minutes; the first and the last bin are given some.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn ends(index: usize) -> [f32; 2] {
        let [first, last] = OUTER_EDGES_MINUTES;
        let from = index.checked_sub(1).map_or(first, |before| DELAY_EDGES_MINUTES[before]);
        [from, if index == DELAY_BINS - 1 { last } else { DELAY_EDGES_MINUTES[index] }]
    }
}

/// The time from which a forest counts the minutes of an arrival delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DelayReference {
    /// The scheduled arrival.
    Schedule,
    /// The scheduled arrival and the departure delay: what is left is what the flight itself loses or gains. The range
    /// of a flight that left three hours late is as narrow as that of any other.
    Departure,
}

/// The outcome of a training flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlightOutcome {
    /// It arrived.
    Arrived {
        /// The bin of its arrival delay.
        since_schedule: DelayBin,
        /// The bin of its arrival delay less its departure delay.
        since_departure: DelayBin,
    },
    /// It was cancelled. It has no class, and no tree is grown by it.
    Cancelled,
}

impl FlightOutcome {
    /// The outcome of a flight that arrived with these delays in minutes.
    pub fn arrived(arr_delay: f32, dep_delay: f32) -> Self {
        FlightOutcome::Arrived {
            since_schedule: DelayBin::of(arr_delay),
            since_departure: DelayBin::of(arr_delay - dep_delay),
        }
    }

    /// The bin of its delay, counted from a time; `None` if it was cancelled.
    #[inline]
    pub fn delay(self, reference: DelayReference) -> Option<DelayBin> {
        match (self, reference) {
            (FlightOutcome::Arrived { since_schedule, .. }, DelayReference::Schedule) => Some(since_schedule),
            (FlightOutcome::Arrived { since_departure, .. }, DelayReference::Departure) => Some(since_departure),
            (FlightOutcome::Cancelled, _) => None,
        }
    }

    /// The class of its delay; `None` if it was cancelled.
    pub fn class(self) -> Option<DelayClass> {
        const CLASS_OF_BIN: [u8; DELAY_BINS] = classes_of_bins();
        let bin = self.delay(DelayReference::Schedule)?;
        Some(DelayClass::ALL[usize::from(CLASS_OF_BIN[bin.index()])])
    }
}

impl From<DelayClass> for FlightOutcome {
    /// An arrival of which only the class is known: some minutes within it, after a departure on time.
    fn from(class: DelayClass) -> Self {
        const WITHIN: [f32; CLASSES] = [-20.0, -7.0, 10.0, 55.0];
        FlightOutcome::arrived(WITHIN[class.index()], 0.0)
    }
}

const fn classes_of_bins() -> [u8; DELAY_BINS] {
    let mut classes = [0; DELAY_BINS];
    let mut bin = 1;
    while bin < DELAY_BINS {
        let mut cut = 0;
        while cut < CLASS_CUTS_MINUTES.len() {
            classes[bin] += (CLASS_CUTS_MINUTES[cut] <= DELAY_EDGES_MINUTES[bin - 1]) as u8;
            cut += 1;
        }
        bin += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_cut_between_classes_is_an_edge_between_bins() {
        assert!(DELAY_EDGES_MINUTES.is_sorted_by(|a, b| a < b));
        assert!(CLASS_CUTS_MINUTES.iter().all(|cut| DELAY_EDGES_MINUTES.contains(cut)));
        let ends: Vec<_> = (0..DELAY_BINS).map(DelayBin::ends).collect();
        assert!(ends.windows(2).all(|pair| pair[0][1] == pair[1][0]) && ends.iter().all(|[from, to]| from < to));
    }

    proptest! {
        #[test]
        fn a_delay_is_in_its_bin_and_the_bin_in_its_class(
            arr_delay in prop_oneof![-100f32..1000.0, prop::sample::select(DELAY_EDGES_MINUTES.to_vec())],
            dep_delay in -30f32..300.0,
        ) {
            let outcome = FlightOutcome::arrived(arr_delay, dep_delay);
            prop_assert_eq!(outcome.class(), Some(DelayClass::of_delay(arr_delay)));
            for (reference, minutes) in
                [(DelayReference::Schedule, arr_delay), (DelayReference::Departure, arr_delay - dep_delay)]
            {
                let bin = outcome.delay(reference).unwrap().index();
                let [from, to] = DelayBin::ends(bin);
                prop_assert!((from <= minutes || bin == 0) && (minutes < to || bin == DELAY_BINS - 1));
            }
        }
    }

    #[test]
    fn an_arrival_of_a_class_is_in_it_and_a_cancelled_flight_in_none() {
        assert!(DelayClass::ALL.into_iter().all(|class| FlightOutcome::from(class).class() == Some(class)));
        assert_eq!(FlightOutcome::Cancelled.class(), None);
    }
}
