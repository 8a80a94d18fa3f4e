//! The rows for all libraries: features and classes of the training flights and of the flights held out.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    evaluate::{DepDelayTable, Holdout, Metrics},
    features::{FittedFeatures, Preset, TrainingFlight},
    flight::{CLASSES, DelayClass, Probabilities},
    history::{self, WeatherTable},
    live::Pasts,
};
use serde::{Deserialize, Serialize};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Flights, as `delaycast data import` writes them; without, those that are built in
    #[arg(long)]
    data: Option<PathBuf>,
    /// The first day held out
    #[arg(long)]
    holdout_from: NaiveDate,
    /// The choice of columns
    #[arg(long)]
    preset: Preset,
    /// The folder to write to
    #[arg(long)]
    to: PathBuf,
}

/// Encodes flights as `delaycast train` does: those to train on without their own outcomes.
pub(super) fn write(options: &Options) -> anyhow::Result<()> {
    let history = match &options.data {
        Some(path) => history::read(std::slice::from_ref(path))?,
        None => history::bundled()?,
    };
    let airports: Airports = history.airports()?;
    // All comparisons are without the weather, which only the bundled flights have.
    let flights = TrainingFlight::all_of(history.flights, WeatherTable::NONE, Pasts::NONE);
    let holdout = Holdout::split(&flights, Some(options.holdout_from))?;
    let fitted = FittedFeatures::new(options.preset, holdout.training)?;
    fs::create_dir_all(&options.to)?;
    let (mut train, mut test) = (Vec::new(), Vec::new());
    holdout.training.iter().for_each(|flight| fitted.encode(flight, None, &airports, &mut train));
    holdout.held_out.iter().for_each(|flight| drop(fitted.features.encode(&flight.query(), &airports, &mut test)));
    write_side(&options.to, "train", &train, holdout.training)?;
    write_side(&options.to, "test", &test, holdout.held_out)?;
    let table = DepDelayTable::fit(holdout.training);
    let answers = holdout.held_out.iter().map(|flight| table.probabilities(flight.dep_delay));
    let classes: Vec<DelayClass> = holdout.held_out.iter().map(TrainingFlight::class).collect();
    let written = Written {
        rows: holdout.training.len(),
        rows_held_out: classes.len(),
        columns: fitted.features.names().len(),
        lookup_table_log_loss: Metrics::of(answers, &classes).log_loss,
    };
    println!("{}", serde_json::to_string(&written)?);
    Ok(())
}

/// The line of output.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(super) rows: usize,
    pub(super) rows_held_out: usize,
    pub(crate) columns: usize,
    /// The log-loss of the lookup table on the departure delay.
    pub(super) lookup_table_log_loss: f64,
}

/// Writes numbers, little-endian with 32 bits.
pub(crate) fn write_numbers(path: &Path, numbers: &[f32]) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for number in numbers {
        file.write_all(&number.to_le_bytes())?;
    }
    Ok(file.flush()?)
}

fn write_side(to: &Path, side: &str, numbers: &[f32], flights: &[TrainingFlight<'_>]) -> anyhow::Result<()> {
    write_numbers(&to.join(format!("{side}.f32")), numbers)?;
    let classes: Vec<u8> = flights.iter().map(|flight| flight.class() as u8).collect();
    Ok(fs::write(to.join(format!("{side}.u8")), classes)?)
}

/// Rows of numbers, and their classes.
pub(super) struct Matrix {
    pub(super) numbers: Vec<f32>,
    pub(super) classes: Vec<DelayClass>,
    pub(super) width: usize,
}

impl Matrix {
    pub(super) fn read(from: &Path, side: &str) -> anyhow::Result<Self> {
        let classes = fs::read(from.join(format!("{side}.u8"))).context("rows: write them first")?;
        let bytes = fs::read(from.join(format!("{side}.f32")))?;
        let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        ensure!(!classes.is_empty() && numbers.len().is_multiple_of(classes.len()), "rows of unequal length");
        let width = numbers.len() / classes.len();
        let classes = classes.into_iter().map(|class| DelayClass::ALL[usize::from(class) % CLASSES]).collect();
        Ok(Matrix { numbers, classes, width })
    }

    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    /// The first rows, as many thousandths of all.
    pub(super) fn first(mut self, thousandths: usize) -> Self {
        self.classes.truncate(self.classes.len() * thousandths.min(1000) / 1000);
        self.numbers.truncate(self.classes.len() * self.width);
        self
    }

    /// Some of the rows, evenly spaced.
    pub(super) fn few(&self, rows: usize) -> Self {
        let step = self.len().div_ceil(rows).max(1);
        Matrix {
            numbers: self.numbers.chunks(self.width).step_by(step).flatten().copied().collect(),
            classes: self.classes.iter().step_by(step).copied().collect(),
            width: self.width,
        }
    }

    pub(super) fn log_loss(&self, answers: &[Probabilities]) -> f64 {
        Metrics::of(answers.iter().copied(), &self.classes).log_loss
    }
}
