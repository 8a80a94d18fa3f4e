//! The comparison of counts with a baseline: a verdict for each step, and an outcome of all.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::Baseline;

/// The share by which a step may differ from the baseline. The noise is a small part of it: see the ADR.
pub(crate) const LIMIT: f64 = 0.03;

/// Upper bound on the share of an answer's instructions that saying why takes.
pub(crate) const WHY_MAX: f64 = 0.25;

/// Returns the share of an answer's instructions that saying why takes, in the embedded file: explaining, and what the
/// explanation adds to writing the answer. `None` unless the steps are counted.
pub(crate) fn share_of_saying_why(counts: &BTreeMap<String, u64>) -> Option<f64> {
    let count = |step: &str| counts.get(step).map(|count| *count as f64);
    let all = count("read")? + count("decode")? + count("explain")? + count("land")?;
    Some((count("explain")? - count("score")? + count("land")? - count("land-plain")?) / all)
}

/// The verdict on a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within the limit.
    Same,
    /// Above it.
    More,
    /// Below it: good news, and the baseline is to be renewed, so that it stays.
    Less,
    /// The baseline doesn't have it.
    New,
    /// The baseline has it, and it was not counted.
    Gone,
}

impl Verdict {
    /// Returns the verdict on a count beside that of the baseline.
    pub(crate) fn of(baseline: Option<u64>, measured: Option<u64>) -> Self {
        match (baseline, measured) {
            (Some(baseline), Some(measured)) => {
                let change = measured as f64 / baseline as f64 - 1.0;
                match change {
                    _ if change > LIMIT => Verdict::More,
                    _ if change < -LIMIT => Verdict::Less,
                    _ => Verdict::Same,
                }
            }
            (None, _) => Verdict::New,
            (Some(_), None) => Verdict::Gone,
        }
    }
}

/// A step in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) step: String,
    pub(crate) baseline: Option<u64>,
    pub(crate) measured: Option<u64>,
    pub(crate) verdict: Verdict,
}

/// A circumstance that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) name: String,
    pub(crate) baseline: String,
    pub(crate) here: String,
}

/// The outcome of all steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is above the limit.
    Passes,
    /// A step is above the limit, or the baseline has other steps.
    Fails,
    /// The counts were made in other circumstances, and say nothing of a change.
    NotComparable,
}

/// The steps that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// All of both.
    All,
    /// Those that were counted.
    Counted,
    /// Those that both have.
    Common,
}

/// Counts beside a baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) rows: Vec<Row>,
    pub(crate) differences: Vec<Difference>,
}

impl Comparison {
    /// Compares counts with a baseline.
    pub(crate) fn new(baseline: &Baseline, measured: &Baseline, compared: Compared) -> Self {
        let steps: BTreeSet<&String> = baseline.instructions.keys().chain(measured.instructions.keys()).collect();
        let row = |step: &String| {
            let count = |of: &Baseline| of.instructions.get(step).copied();
            let (baseline, measured) = (count(baseline), count(measured));
            Row { step: step.clone(), baseline, measured, verdict: Verdict::of(baseline, measured) }
        };
        let is_compared = |row: &Row| match compared {
            Compared::All => true,
            Compared::Counted => row.measured.is_some(),
            Compared::Common => row.measured.is_some() && row.baseline.is_some(),
        };
        let rows = steps.into_iter().map(row).filter(is_compared).collect();
        let names: BTreeSet<&String> = baseline.environment.keys().chain(measured.environment.keys()).collect();
        let difference = |name: &String| {
            let value = |of: &Baseline| of.environment.get(name).cloned().unwrap_or_default();
            let (baseline, here) = (value(baseline), value(measured));
            (baseline != here).then(|| Difference { name: name.clone(), baseline, here })
        };
        Comparison { rows, differences: names.into_iter().filter_map(difference).collect() }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let fails = |row: &Row| matches!(row.verdict, Verdict::More | Verdict::New | Verdict::Gone);
        match self.rows.iter().any(fails) {
            _ if !self.differences.is_empty() => Outcome::NotComparable,
            true => Outcome::Fails,
            false => Outcome::Passes,
        }
    }

    /// Returns the steps with a verdict.
    pub(crate) fn steps_that_are(&self, verdict: Verdict) -> Vec<&str> {
        self.rows.iter().filter(|row| row.verdict == verdict).map(|row| row.step.as_str()).collect()
    }
}
