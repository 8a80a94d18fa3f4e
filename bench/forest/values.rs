//! The results of comparing forests, as the report reads them.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{
    linfa,
    measure::{ALL_AT_ONCE, IN_BATCHES, Line, ONE_BY_ONE, TRAIN},
    ours,
};
use crate::results::Spread;

/// linfa-trees with as many columns to each tree as there are.
pub(super) const LINFA_ALL_COLUMNS: &str = "linfa-trees, all columns";
pub(super) const SCIKIT_LEARN: &str = "scikit-learn";
pub(super) const LIGHTGBM: &str = "LightGBM";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    pub(super) batch: usize,
    /// The forest of the system that this one replaces.
    pub(super) legacy: Forest,
    /// The forest of the default preset.
    pub(super) default: Forest,
    pub(super) boosted: Boosted,
    /// Boosting on another history.
    pub(super) data: Option<Data>,
}

/// A forest, on the bundled flights.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forest {
    pub(super) trees: u32,
    pub(super) depth: u32,
    pub(super) columns: usize,
    pub(super) max_features: usize,
    pub(super) min_samples_leaf: u32,
    pub(super) rows: usize,
    pub(super) delaycast_log_loss: f64,
    pub(super) scikit_learn_log_loss: f64,
    pub(super) lightgbm_log_loss: f64,
    pub(super) one_thread: Steps,
    pub(super) two_threads: Steps,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    grown: Row<Grown>,
    all_at_once: Row<Scored>,
    in_batches: Row<Scored>,
    one_by_one: Row<Scored>,
}

/// A step of each library that has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row<C> {
    delaycast: C,
    linfa_trees: Option<C>,
    linfa_trees_all_columns: Option<C>,
    onnxruntime: Option<C>,
    scikit_learn: Option<C>,
    lightgbm: Option<C>,
}

/// The growth of a forest from rows in memory, and how many times delaycast's CPU time it takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grown {
    cpu_s: Spread,
    ratio: Spread,
}

/// Scoring, and how many times delaycast's CPU time a row takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scored {
    rows_per_cpu_s: Spread,
    ratio: Spread,
}

/// The forest of the default preset beside boosted trees on the same columns.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boosted {
    pub(super) rows: usize,
    pub(super) forest_log_loss: f64,
    pub(super) forest_cpu_s: f64,
    pub(super) boosted_log_loss: f64,
    pub(super) boosted_cpu_s: f64,
    pub(super) lookup_table_log_loss: f64,
    /// The forest's log-loss by that of the boosted trees.
    pub(super) ratio: f64,
}

/// Another history.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(super) boosted: Boosted,
    /// Of the forests that are grown from half of the rows and from all.
    pub(super) depth: u32,
    pub(super) half_rows: usize,
    pub(super) half_cpu_s: Spread,
    pub(super) whole_rows: usize,
    pub(super) whole_cpu_s: Spread,
    /// The CPU time to grow a forest from all rows, by that from half of them.
    pub(super) ratio: Spread,
}

/// The lines of all rounds for one forest.
#[derive(Default)]
pub(super) struct Lines(BTreeMap<(String, String, usize), Vec<Line>>);

impl Lines {
    pub(super) fn extend(&mut self, lines: Vec<Line>) {
        for line in lines {
            let key = (line.library.clone(), line.step.clone(), line.threads);
            self.0.entry(key).or_default().push(line);
        }
    }

    fn rounds(&self, library: &str, step: &str, threads: usize) -> Option<&Vec<Line>> {
        self.0.get(&(library.to_owned(), step.to_owned(), threads))
    }

    /// Summarises a step of each library that has it. `cell` is called with the CPU seconds of each round for a row,
    /// and the ratio to delaycast's.
    fn row<C>(
        &self,
        step: &str,
        threads: usize,
        cell: impl Fn(&[f64], Spread) -> anyhow::Result<C>,
    ) -> anyhow::Result<Row<C>> {
        let each = |lines: &Vec<Line>| lines.iter().map(|line| line.cpu_s / line.rows as f64).collect::<Vec<f64>>();
        let ours = self.rounds(ours::LIBRARY, step, threads).map(each);
        let ours = ours.with_context(|| format!("nothing measured of {step}"))?;
        let of = |library: &str| {
            let Some(rounds) = self.rounds(library, step, threads).map(each) else { return Ok(None) };
            ensure!(rounds.len() == ours.len(), "{library} has {} rounds of {step}, not {}", rounds.len(), ours.len());
            let ratio = Spread::of(rounds.iter().zip(&ours).map(|(theirs, ours)| theirs / ours))?;
            cell(&rounds, ratio).map(Some)
        };
        Ok(Row {
            delaycast: of(ours::LIBRARY)?.context("delaycast")?,
            linfa_trees: of(linfa::LIBRARY)?,
            linfa_trees_all_columns: of(LINFA_ALL_COLUMNS)?,
            onnxruntime: of("onnxruntime")?,
            scikit_learn: of(SCIKIT_LEARN)?,
            lightgbm: of(LIGHTGBM)?,
        })
    }

    /// Summarises the steps with a number of threads, of a forest that is grown from so many rows.
    pub(super) fn steps(&self, rows: usize, threads: usize) -> anyhow::Result<Steps> {
        let scored = |step| {
            self.row(step, threads, |each_s, ratio| {
                Ok(Scored { rows_per_cpu_s: Spread::over(each_s, |each_s| 1.0 / each_s)?, ratio })
            })
        };
        Ok(Steps {
            grown: self.row(TRAIN, threads, |each_s, ratio| {
                Ok(Grown { cpu_s: Spread::over(each_s, |each_s| each_s * rows as f64)?, ratio })
            })?,
            all_at_once: scored(ALL_AT_ONCE)?,
            in_batches: scored(IN_BATCHES)?,
            one_by_one: scored(ONE_BY_ONE)?,
        })
    }

    /// The log-loss of a library's forest, which is the same in each round.
    pub(super) fn log_loss(&self, library: &str) -> anyhow::Result<f64> {
        let rounds = self.rounds(library, TRAIN, 1).into_iter().flatten();
        rounds.filter_map(|line| line.log_loss).next().with_context(|| format!("{library} has no log-loss"))
    }
}
