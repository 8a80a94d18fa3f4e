//! The file of a baseline: counts, and the circumstances in which they were made.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::{environment::Environment, measure::Measurement};

/// The form of the file.
const FORMAT: u32 = 1;
/// The command that makes the file.
pub(crate) const RENEW: &str = "bench/guard/run renew";

/// Counts of all steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    format: u32,
    /// The circumstances of the counts.
    pub(crate) environment: Environment,
    /// Instructions a request, by step.
    pub(crate) instructions: BTreeMap<String, u64>,
}

impl From<Measurement> for Baseline {
    fn from(measured: Measurement) -> Self {
        Self::new(measured.environment, measured.instructions)
    }
}

impl Baseline {
    pub(crate) fn new(environment: Environment, instructions: BTreeMap<String, u64>) -> Self {
        Baseline { format: FORMAT, environment, instructions }
    }

    /// Returns a baseline without counts, of the circumstances of another.
    pub(crate) fn empty(other: &Self) -> Self {
        Self::new(other.environment.clone(), BTreeMap::new())
    }

    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the baseline {name}: make it by {RENEW}"))?;
        Self::parse(&text).with_context(|| {
            format!("the baseline {name} cannot be used: restore it, as by git checkout, or remove it and run {RENEW}")
        })
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let baseline: Baseline = serde_json::from_str(text)?;
        ensure!(baseline.format == FORMAT, "its format is {}, and this guard knows {FORMAT}", baseline.format);
        ensure!(!baseline.instructions.is_empty(), "it has no counts");
        let zero = baseline.instructions.iter().find(|(_, count)| **count == 0);
        ensure!(zero.is_none(), "a step has the count 0: {}", zero.map_or("", |(name, _)| name));
        Ok(baseline)
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
