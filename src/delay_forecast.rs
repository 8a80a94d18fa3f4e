//! The forecast of an arrival delay in minutes: mean, percentiles and chances, from a forest's prediction.

use engine::document::{Document, Value};

use crate::{
    features::{KnownInputs, Query},
    flight::{CLASS_CUTS_MINUTES, CLASSES, DELAY_BINS, DelayBin, DelayReference, DelayShares, Probabilities},
    forest::Prediction,
};

/// The shares of flights that arrive before the three percentiles.
pub const PERCENTILES: [f32; 3] = [0.1, 0.5, 0.9];
/// The least delays whose chances are given, in minutes. At 15 a flight counts as delayed in the statistics of BTS.
pub const LATE_MINUTES: [f32; 4] = [15.0, 30.0, 60.0, 120.0];

/// The minutes that a class without any share is given, within its cuts.
const NARROW: [[f32; 2]; CLASSES] = [[-30.0, -15.0], [-15.0, 0.0], [0.0, 30.0], [30.0, 60.0]];

/// The forecast of an arrival delay, in minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayForecast {
    /// The expected value.
    pub mean: f32,
    /// The delays that the shares [`PERCENTILES`] of flights stay below, ascending.
    pub percentiles: [f32; 3],
    /// The probabilities of [`LATE_MINUTES`] or more, descending.
    pub late: [f32; LATE_MINUTES.len()],
}

/// Minutes over which a probability is spread evenly.
#[derive(Clone, Copy)]
struct Segment {
    from: f32,
    to: f32,
    probability: f32,
}

impl DelayForecast {
    /// Makes the forecast of a prediction of the forest that is given these inputs of a query; `None` if the prediction
    /// has no delays.
    pub fn of(prediction: &Prediction, given: KnownInputs, query: &Query<'_>) -> Option<Self> {
        let start = match given.delay_reference() {
            DelayReference::Schedule => 0.0,
            // A query without a departure delay has a forest without.
            DelayReference::Departure => query.dep_delay.unwrap_or(0.0),
        };
        Some(Self::new(prediction.delays.as_ref()?, start, &prediction.probabilities))
    }

    /// Makes the forecast of a prediction: `shares` are of delays counted from `start` minutes of delay, and
    /// `probabilities` those of the classes. Within each class the shares are scaled to its probability, so that
    /// minutes and classes never contradict each other. Within a bin all minutes are equally likely.
    pub fn new(shares: &DelayShares, start: f32, probabilities: &Probabilities) -> Self {
        let mut segments = [Segment { from: 0.0, to: 0.0, probability: 0.0 }; DELAY_BINS + 2 * CLASSES];
        let (mut len, mut bin) = (0, 0);
        for (class, probability) in probabilities.iter().enumerate() {
            let cut = CLASS_CUTS_MINUTES.get(class).copied().unwrap_or(f32::INFINITY);
            let least = class.checked_sub(1).map_or(f32::NEG_INFINITY, |below| CLASS_CUTS_MINUTES[below]);
            let (first, mut total) = (len, 0.0);
            while bin < DELAY_BINS {
                let [from, to] = DelayBin::ends(bin).map(|end| end + start);
                let (within_from, within_to) = (from.max(least), to.min(cut));
                let share = shares[bin] * ((within_to - within_from) / (to - from)).max(0.0);
                if share > 0.0 {
                    segments[len] = Segment { from: within_from, to: within_to, probability: share };
                    len += 1;
                    total += share;
                }
                if to > cut {
                    // The rest of the bin is in the next class.
                    break;
                }
                bin += 1;
            }
            if total > f32::EPSILON {
                let scale = probability / total;
                segments[first..len].iter_mut().for_each(|segment| segment.probability *= scale);
            } else {
                let [from, to] = NARROW[class];
                segments[first] = Segment { from, to, probability: *probability };
                len = first + 1;
            }
        }
        Self::of_segments(&segments[..len])
    }

    /// Goes over ascending segments once: this is done for each answer.
    fn of_segments(segments: &[Segment]) -> Self {
        let (mut below, mut mean, mut last) = (0.0, 0.0, 0.0);
        // The shares of flights that arrive before each of `LATE_MINUTES`, as far as they are known.
        let (mut earlier, mut percentiles) = ([0.0; LATE_MINUTES.len()], [0.0; PERCENTILES.len()]);
        let (mut leasts, mut wanted) = (0, 0);
        for part in segments.iter().filter(|part| part.probability > 0.0) {
            let (length, up_to) = (part.to - part.from, below + part.probability);
            mean += part.probability * (part.from + part.to) / 2.0;
            while leasts < LATE_MINUTES.len() && LATE_MINUTES[leasts] < part.to {
                let share = ((LATE_MINUTES[leasts] - part.from) / length).max(0.0);
                earlier[leasts] = below + part.probability * share;
                leasts += 1;
            }
            while wanted < PERCENTILES.len() && PERCENTILES[wanted] <= up_to {
                percentiles[wanted] = part.from + length * (PERCENTILES[wanted] - below) / part.probability;
                wanted += 1;
            }
            (below, last) = (up_to, part.to);
        }
        // The sum of all probabilities may round to a little less than 1.
        percentiles[wanted..].fill(last);
        earlier[leasts..].fill(below);
        DelayForecast { mean, percentiles, late: earlier.map(|earlier| (below - earlier).max(0.0)) }
    }

    /// The percentiles in whole minutes. A delay of 5 minutes stands for the time from 5 to 6, so the first and the
    /// last minute of the range are both within it.
    pub fn whole_percentiles(&self) -> [i32; 3] {
        // Delays are days at most.
        let [p10, p50, p90] = self.percentiles;
        let (from, to) = (p10.round() as i32, p90.round() as i32 - 1);
        let median = p50.floor() as i32;
        [from.min(median), median, to.max(median)]
    }

    /// The document of the field `ArrDelay` of an answer: whole minutes, and probabilities.
    pub(crate) fn to_document(self) -> Document<'static> {
        let probability = |p: f32| Value::Double((f64::from(p) * 1e4).round() / 1e4);
        let [p10, p50, p90] = self.whole_percentiles().map(Value::Int32);
        let [late15, late30, late60, late120] = self.late.map(probability);
        vec![
            ("Mean", Value::Int32(self.mean.floor() as i32)),
            ("P10", p10),
            ("P50", p50),
            ("P90", p90),
            ("Late15", late15),
            ("Late30", late30),
            ("Late60", late60),
            ("Late120", late120),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flight::DelayClass;

    /// The shares of flights with these delays.
    fn shares(delays: &[f32]) -> DelayShares {
        let mut shares = [0.0; DELAY_BINS];
        delays.iter().for_each(|&delay| shares[DelayBin::of(delay).index()] += 1.0 / delays.len() as f32);
        shares
    }

    fn close(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
    }

    #[test]
    fn a_single_bin_is_spread_evenly() {
        let forecast = DelayForecast::new(&shares(&[12.0]), 0.0, &[0.0, 0.0, 1.0, 0.0]);
        close(forecast.mean, 12.5);
        forecast.percentiles.into_iter().zip([10.5, 12.5, 14.5]).for_each(|(found, expected)| close(found, expected));
        assert_eq!(forecast.late, [0.0; 4]);
    }

    #[test]
    fn shares_are_scaled_to_the_probabilities_of_the_classes() {
        // Half of the flights of the leaves arrive 10 to 15 minutes late, half 60 to 75; the classes say a quarter.
        let forecast = DelayForecast::new(&shares(&[12.0, 61.0]), 0.0, &[0.0, 0.0, 0.75, 0.25]);
        forecast.late.into_iter().zip([0.25, 0.25, 0.25, 0.0]).for_each(|(late, expected)| close(late, expected));
        close(forecast.mean, 0.75 * 12.5 + 0.25 * 67.5);
        close(forecast.percentiles[1], 10.0 + 5.0 * 2.0 / 3.0);
        close(forecast.percentiles[2], 60.0 + 15.0 * 0.6);
    }

    #[test]
    fn minutes_are_counted_from_the_start() {
        // It left three hours late, and such flights make up 5 to 10 minutes.
        let forecast = DelayForecast::new(&shares(&[-7.0]), 180.0, &[0.0, 0.0, 0.0, 1.0]);
        close(forecast.mean, 172.5);
        assert_eq!(forecast.late, [1.0; 4]);
    }

    #[test]
    fn a_bin_across_a_cut_counts_in_both_classes() {
        // Counted from 3 minutes: the bin from 25 to 30 is from 28 to 33.
        let forecast = DelayForecast::new(&shares(&[27.0]), 3.0, &[0.0, 0.0, 0.4, 0.6]);
        close(forecast.mean, 0.4 * 29.0 + 0.6 * 31.5);
        close(forecast.late[1], 0.6);
    }

    #[test]
    fn a_class_without_shares_has_its_probability() {
        let forecast = DelayForecast::new(&shares(&[-7.0]), 0.0, &[0.0, 0.5, 0.0, 0.5]);
        close(forecast.mean, 0.5 * -7.5 + 0.5 * 45.0);
        close(forecast.late[0], 0.5);
    }

    #[test]
    fn the_whole_minutes_of_a_range_are_those_within_it() {
        let whole = |percentiles| DelayForecast { mean: 0.0, percentiles, late: [0.0; 4] }.whole_percentiles();
        assert_eq!(whole([-8.4, 3.9, 22.0]), [-8, 3, 21]);
        // A range of less than a minute.
        assert_eq!(whole([3.6, 3.8, 3.9]), [3, 3, 3]);
    }

    /// The probability of a delay below `minutes`, by its definition.
    fn below(segments: &[Segment], minutes: f32) -> f32 {
        let share = |part: &Segment| ((minutes - part.from) / (part.to - part.from)).clamp(0.0, 1.0);
        segments.iter().map(|part| part.probability * share(part)).sum()
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_the_definitions_say(
            lengths in prop::collection::vec((0.0f32..3.0, 1f32..40.0, 0u8..9), 1..30),
        ) {
            let total: f32 = lengths.iter().map(|&(_, _, weight)| f32::from(weight)).sum();
            prop_assume!(total > 0.0);
            let mut at = -60.0;
            let segment = |(gap, length, weight)| {
                let from = at + if gap < 1.0 { 0.0 } else { gap };
                at = from + length;
                Segment { from, to: at, probability: f32::from(weight) / total }
            };
            let segments: Vec<Segment> = lengths.into_iter().map(segment).collect();
            let DelayForecast { mean, percentiles, late } = DelayForecast::of_segments(&segments);
            let middle = |part: &Segment| part.probability * (part.from + part.to) / 2.0;
            prop_assert!((mean - segments.iter().map(middle).sum::<f32>()).abs() < 1e-2);
            for (late, least) in late.into_iter().zip(LATE_MINUTES) {
                prop_assert!((late - (1.0 - below(&segments, least))).abs() < 1e-4, "{late} for {least}");
            }
            for (percentile, wanted) in percentiles.into_iter().zip(PERCENTILES) {
                prop_assert!((below(&segments, percentile) - wanted).abs() < 1e-3, "{percentile} for {wanted}");
            }
        }

        #[test]
        fn forecasts_agree_with_the_classes_and_with_themselves(
            delays in prop::collection::vec(-100f32..1000.0, 1..40),
            start in prop_oneof![Just(0.0), -30f32..1500.0],
            weights in prop::array::uniform4(0u8..9),
        ) {
            let total: f32 = weights.iter().map(|&weight| f32::from(weight)).sum();
            prop_assume!(total > 0.0);
            let probabilities = weights.map(|weight| f32::from(weight) / total);
            let DelayForecast { mean, percentiles, late } = DelayForecast::new(&shares(&delays), start, &probabilities);
            prop_assert!((late[1] - probabilities[DelayClass::VeryLate.index()]).abs() < 1e-4);
            prop_assert!(percentiles.is_sorted() && late.is_sorted_by(|a, b| a + 1e-5 >= *b), "{percentiles:?} {late:?}");
            prop_assert!(mean.is_finite() && late.iter().all(|late| (-1e-5..=1.0 + 1e-5).contains(late)));
            // The class of the median is the one that the probabilities reach a half at.
            let mut sum = 0.0;
            let class = probabilities.iter().position(|p| { sum += p; sum > 0.5 + 1e-3 }).unwrap_or(CLASSES - 1);
            let median = DelayClass::of_delay(percentiles[1]).index();
            prop_assert!(median <= class, "{} {}", median, class);
        }
    }
}
