//! Summaries of repeated measurements.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// The median of a measurement's rounds, with the least and the most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Summarises numbers. Fails if there are none, or if one is not finite.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> anyhow::Result<Self> {
        let sorted = sorted(numbers)?;
        let at = |index: usize| sorted.get(index).copied().context("no rounds");
        Ok(Spread { median: at(sorted.len() / 2)?, least: at(0)?, most: at(sorted.len().saturating_sub(1))? })
    }

    /// Summarises one number of each round.
    pub(crate) fn over<R>(rounds: &[R], number: impl Fn(&R) -> f64) -> anyhow::Result<Self> {
        Self::of(rounds.iter().map(number))
    }
}

/// Percentiles of times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Percentiles {
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    /// Summarises times. Fails if there are none.
    pub(crate) fn of(times: &[Duration]) -> anyhow::Result<Self> {
        let sorted = sorted(times.iter().map(|time| time.as_secs_f64() * 1e3))?;
        let at = |quantile| percentile(&sorted, quantile).context("no times");
        Ok(Percentiles { median: at(0.5)?, p90: at(0.9)?, p99: at(0.99)?, max: at(1.0)? })
    }
}

/// The quantile of sorted numbers; `None` if there are none.
pub(crate) fn percentile(sorted: &[f64], quantile: f64) -> Option<f64> {
    sorted.get((sorted.len().saturating_sub(1) as f64 * quantile) as usize).copied()
}

fn sorted(numbers: impl IntoIterator<Item = f64>) -> anyhow::Result<Vec<f64>> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    ensure!(numbers.iter().all(|number| number.is_finite()), "a number is not finite: {numbers:?}");
    numbers.sort_unstable_by(f64::total_cmp);
    Ok(numbers)
}

/// Two ways that were measured in turns. Each round has a ratio of its own: other load on the machine affects both
/// sides of a round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compared {
    pub(crate) per_s: Spread,
    pub(crate) reference_per_s: Spread,
    /// Measured by reference.
    pub(crate) ratio: Spread,
}

impl Compared {
    /// Summarises rounds of (measured, reference).
    pub(crate) fn of(rounds: &[(f64, f64)]) -> anyhow::Result<Self> {
        Ok(Compared {
            per_s: Spread::over(rounds, |round| round.0)?,
            reference_per_s: Spread::over(rounds, |round| round.1)?,
            ratio: Spread::over(rounds, |round| round.0 / round.1)?,
        })
    }

    /// Measures answers per second of the reference (false) and of the measured way (true), in turns.
    pub(crate) fn in_turns(rounds: usize, per_s: impl Fn(bool) -> anyhow::Result<f64>) -> anyhow::Result<Self> {
        let mut measured = Vec::with_capacity(rounds);
        for round in 1..=rounds {
            let reference = per_s(false)?;
            let other = per_s(true)?;
            println!("  round {round} of {rounds}: {other:.0}/s beside {reference:.0}/s");
            measured.push((other, reference));
        }
        Self::of(&measured)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_ratio_belongs_to_its_round() {
        let Compared { per_s, ratio, .. } = Compared::of(&[(10.0, 20.0), (30.0, 10.0), (20.0, 20.0)]).unwrap();
        assert_eq!(per_s, Spread { median: 20.0, least: 10.0, most: 30.0 });
        assert_eq!(ratio, Spread { median: 1.0, least: 0.5, most: 3.0 });
    }

    #[test]
    fn no_rounds_and_numbers_that_are_none_are_errors() {
        assert!(Spread::of([]).is_err() && Spread::of([1.0, f64::NAN]).is_err() && Percentiles::of(&[]).is_err());
    }

    #[test]
    fn percentiles_are_of_sorted_times_in_milliseconds() {
        let times: Vec<Duration> = (0..=100).rev().map(Duration::from_millis).collect();
        let expected = Percentiles { median: 50.0, p90: 90.0, p99: 99.0, max: 100.0 };
        assert_eq!(Percentiles::of(&times).unwrap(), expected);
    }
}
