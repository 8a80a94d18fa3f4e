//! Scores of forecasts in minutes, and of the probability of a cancellation.

use serde::Serialize;

use super::bootstrap::Ranking;
use crate::{delay_forecast::DelayForecast, features::TrainingFlight};

/// Scores of forecasts in whole minutes, as answers tell them, for flights whose delays are whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DelayScores {
    /// The area under the ROC curve of an arrival 15 minutes late or more; `None` without such a flight, or another.
    pub auc_15: Option<f64>,
    /// The share of flights that arrive between the 10th and the 90th percentile of their forecast; 0.8 is right.
    pub coverage: f64,
    /// The mean length of that range, in minutes.
    pub range_minutes: f64,
    /// The mean absolute error of the median, in minutes.
    pub median_error_minutes: f64,
}

impl DelayScores {
    /// Scores one forecast for each flight; `None` without flights.
    pub fn of(flights: &[TrainingFlight], forecasts: &[DelayForecast]) -> Option<Self> {
        let pairs = || flights.iter().zip(forecasts);
        let mean = |value: &dyn Fn(&TrainingFlight, &DelayForecast) -> f64| {
            pairs().map(|(flight, forecast)| value(flight, forecast)).sum::<f64>() / flights.len() as f64
        };
        let ranking = pairs().map(|(flight, forecast)| (forecast.late[0], 0, flight.arr_delay >= 15.0));
        (!flights.is_empty()).then(|| DelayScores {
            auc_15: Ranking::new(ranking).auc(&[1]),
            coverage: mean(&|flight, forecast| {
                let [p10, _, p90] = forecast.whole_percentiles();
                f64::from(u8::from((p10..=p90).contains(&(flight.arr_delay.floor() as i32))))
            }),
            range_minutes: mean(&|_, DelayForecast { percentiles: [p10, _, p90], .. }| f64::from(p90 - p10)),
            median_error_minutes: mean(&|flight, forecast| {
                let [_, p50, _] = forecast.whole_percentiles();
                f64::from((p50 as f32 - flight.arr_delay).abs())
            }),
        })
    }
}

/// Scores of the probability of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CancellationScores {
    /// The share of flights that were cancelled.
    pub share: f64,
    /// The mean probability.
    pub mean_probability: f64,
    /// The area under the ROC curve.
    pub auc: Option<f64>,
}

impl CancellationScores {
    /// Scores the probabilities of flights that were flown, and of others that were cancelled; `None` without either.
    pub fn of(flown: &[f32], cancelled: &[f32]) -> Option<Self> {
        let flights = (flown.len() + cancelled.len()) as f64;
        let sum: f64 = flown.iter().chain(cancelled).map(|&p| f64::from(p)).sum();
        let outcomes = |probabilities: &[f32], outcome| probabilities.iter().map(move |&p| (p, 0, outcome)).collect();
        let all: [Vec<_>; 2] = [outcomes(flown, false), outcomes(cancelled, true)];
        let has_both = !flown.is_empty() && !cancelled.is_empty();
        has_both.then(|| CancellationScores {
            share: cancelled.len() as f64 / flights,
            mean_probability: sum / flights,
            auc: Ranking::new(all.concat().into_iter()).auc(&[1]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tests::flight;

    #[test]
    fn scores_agree_with_values_computed_by_hand() {
        let flights: Vec<_> = [-5.0, 4.0, 20.0, 100.0].map(|delay| flight("AA", "JFK", 0.0, delay)).to_vec();
        let forecast = |p10, p50, p90, late| DelayForecast { mean: p50, percentiles: [p10, p50, p90], late: [late; 4] };
        let forecasts =
            [(-10.0, 0.0, 10.0, 0.1), (5.0, 6.0, 7.0, 0.3), (0.0, 10.0, 30.0, 0.2), (0.0, 50.0, 101.2, 0.4)]
                .map(|(p10, p50, p90, late)| forecast(p10, p50, p90, late));
        let scores = DelayScores::of(&flights, &forecasts).unwrap();
        // Of four pairs of a late flight and another, one is in the wrong order.
        assert_eq!((scores.auc_15, scores.coverage), (Some(0.75), 0.75));
        assert!((scores.range_minutes - (20.0 + 2.0 + 30.0 + 101.2) / 4.0).abs() < 1e-4);
        assert!((scores.median_error_minutes - (5.0 + 2.0 + 10.0 + 50.0) / 4.0).abs() < 1e-9);
        assert_eq!(DelayScores::of(&[], &[]), None);
    }

    #[test]
    fn cancellations_are_ranked_among_flights_that_were_flown() {
        let scores = CancellationScores::of(&[0.0, 0.25, 0.5], &[0.25]).unwrap();
        assert_eq!((scores.share, scores.mean_probability, scores.auc), (0.25, 0.25, Some(0.5)));
        assert_eq!((CancellationScores::of(&[0.5], &[]), CancellationScores::of(&[], &[0.5])), (None, None));
    }
}
