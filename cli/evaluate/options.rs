//! The options of `delaycast evaluate`.

use std::path::PathBuf;

use anyhow::Context;
use chrono::NaiveDate;
use clap::ValueEnum;
use delaycast::{
    evaluate::{Bootstrap, DateSelection, RESAMPLES_MAX},
    model::{ModelDir, VersionedModel},
};
use delaycast_train::TrainingPlan;
use delaycast_web::Language;
use engine::answer::ModelVersion;

use crate::options::{ForestOptions, Format};

/// Say how good a forest is, on later flights than it was trained on
///
/// Trains on the days before a window and answers the flights of the window, beside the class frequencies, a lookup
/// table on the departure delay and the forest of the system that this one replaces. Eight measures, each with a 95 %
/// interval from resampled days. With --model a published model is evaluated instead, on days after those that it has
/// learned. docs/evaluation.md explains each measure.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    delaycast evaluate --html report.html\n  \
    delaycast evaluate --data flights-2015 --from 2015-10-01 --rolling month\n  \
    delaycast evaluate --model var/models --data flights-2016")]
pub(crate) struct Args {
    /// Flights: a directory that `delaycast data import` wrote, or a Parquet file; may be given several times
    /// [default: New York's flights of 2013, which are built in]
    #[arg(long, value_name = "PATH")]
    pub(super) data: Vec<PathBuf>,
    /// The first day to train on [default: the first of the data]
    #[arg(long, value_name = "DATE", value_parser = day)]
    train_from: Option<NaiveDate>,
    /// The last day to train on [default: the day before --from]
    #[arg(long, value_name = "DATE", value_parser = day)]
    train_to: Option<NaiveDate>,
    /// The first day to evaluate on, as 2013-10-01 [default: the last quarter of the days is evaluated on]
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<NaiveDate>,
    /// The last day to evaluate on [default: the last of the data]
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<NaiveDate>,
    /// Evaluate month by month as well, each with all days before it to train on, at least 28
    #[arg(long, value_enum)]
    pub(super) rolling: Option<Rolling>,
    /// Evaluate a published model of this directory instead of training one
    #[arg(long, value_name = "DIR", conflicts_with_all = ["train_from", "train_to", "rolling"],
        conflicts_with_all = ForestOptions::OF_THE_FOREST)]
    model: Option<PathBuf>,
    /// The version of it [default: the current one]
    #[arg(long, value_name = "NAME", requires = "model")]
    version: Option<String>,
    #[command(flatten)]
    growth: ForestOptions,
    /// The number of resamples of an interval; 0 gives no intervals
    #[arg(long, value_name = "N", default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(..=i64::from(RESAMPLES_MAX)))]
    bootstrap: u32,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Write a page with plots here as well: one file, which needs nothing else
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// The language of that page
    #[arg(long, value_enum, default_value_t = PageLanguage::En)]
    pub(super) language: PageLanguage,
}

/// The languages of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PageLanguage {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl From<PageLanguage> for Language {
    fn from(language: PageLanguage) -> Self {
        match language {
            PageLanguage::En => Language::English,
            PageLanguage::Es => Language::Spanish,
        }
    }
}

/// The steps of a rolling evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Rolling {
    /// Months of the calendar.
    Month,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "a day of the calendar is wanted, as in 2013-10-01".to_owned())
}

impl Args {
    /// The requested days.
    pub(super) fn selection(&self) -> DateSelection {
        DateSelection { train_from: self.train_from, train_to: self.train_to, from: self.from, to: self.to }
    }

    /// The training of the forests.
    pub(super) fn plan(&self) -> TrainingPlan {
        self.growth.plan(None)
    }

    /// The settings of the intervals.
    pub(super) fn bootstrap(&self) -> Bootstrap {
        Bootstrap { resamples: self.bootstrap, seed: self.growth.seed() }
    }

    /// Loads the requested published model.
    pub(super) fn published(&self) -> anyhow::Result<Option<VersionedModel>> {
        let Some(path) = &self.model else { return Ok(None) };
        let dir = ModelDir::new(path);
        let Some(name) = &self.version else { return Ok(Some(dir.load_current()?)) };
        let known = dir.versions()?;
        let wanted = known.iter().find(|version| version.as_str() == name);
        let newest = known.last().map_or("none".to_owned(), ModelVersion::to_string);
        let missing = || format!("{} has no version {name:?}: its newest is {newest}", path.display());
        Ok(Some(dir.load(wanted.with_context(missing)?)?))
    }
}
