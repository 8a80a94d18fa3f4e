//! The results of measurements: a file of JSON for each, from which the tables are rendered.

mod machine;
mod show;
mod statistics;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use machine::Machine;
pub(crate) use statistics::{Compared, Percentiles, Spread, percentile};

/// A measurement, by its options. Its result is in the file of its name.
pub(crate) trait Measurement: Serialize + DeserializeOwned {
    /// The name of the command and of the file.
    const NAME: &'static str;
    /// The measured numbers, with the unit in each name.
    type Values: Serialize + DeserializeOwned;
}

/// The result of a measurement, with its circumstances.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub(crate) struct Recorded<M: Measurement> {
    pub(crate) measurement: String,
    pub(crate) date: NaiveDate,
    pub(crate) commit: String,
    pub(crate) machine: Machine,
    /// The load average of a minute before the measurement.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
    pub(crate) options: M,
    pub(crate) values: M::Values,
}

fn path_of<M: Measurement>(dir: &Path) -> PathBuf {
    dir.join(format!("{}.json", M::NAME))
}

/// Measures, prints the result, and writes it into a folder.
pub(crate) fn record<M: Measurement>(
    dir: &Path,
    options: M,
    measure: impl FnOnce(&M) -> anyhow::Result<M::Values>,
) -> anyhow::Result<()> {
    let load_before = machine::load_average()?;
    let values = measure(&options)?;
    let recorded = Recorded {
        measurement: M::NAME.to_owned(),
        date: Utc::now().date_naive(),
        commit: machine::commit()?,
        machine: Machine::read()?,
        load_before,
        load_after: machine::load_average()?,
        options,
        values,
    };
    let json = show::rounded(serde_json::to_value(&recorded)?);
    show::print(&json["values"]);
    // A number that JSON cannot express would be missing.
    parse::<M>(&json.to_string()).with_context(|| format!("the result of {} cannot be read again", M::NAME))?;
    fs::create_dir_all(dir)?;
    let path = path_of::<M>(dir);
    fs::write(&path, serde_json::to_string_pretty(&json)? + "\n").with_context(|| format!("{}", path.display()))
}

/// Reads the result of a measurement.
pub(crate) fn read<M: Measurement>(dir: &Path) -> anyhow::Result<Recorded<M>> {
    let path = path_of::<M>(dir);
    let wrong = || format!("{} is missing or does not fit: `bench/run {}` writes it", path.display(), M::NAME);
    parse(&fs::read_to_string(&path).with_context(wrong)?).with_context(wrong)
}

fn parse<M: Measurement>(json: &str) -> anyhow::Result<Recorded<M>> {
    let recorded: Recorded<M> = serde_json::from_str(json)?;
    anyhow::ensure!(recorded.measurement == M::NAME, "it is the result of {}", recorded.measurement);
    Ok(recorded)
}
