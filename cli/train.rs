//! `delaycast train`: trains a model on flights, and publishes it.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use chrono::NaiveDate;
use delaycast::{
    classifier::ClassifierSettings,
    evaluate::{Evaluation, Metrics, Predictor, Window},
    features::{CancelledFlight, Examples, Preset, TrainingFlight},
    flight::DelayClass,
    forest::ForestSettings,
    history::{self, History},
    live::Pasts,
    model::{Model, ModelDir, VersionedModel},
};
use delaycast_train::{TrainingPlan, train_model};
use engine::clock;
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use crate::{
    options::{ForestOptions, Format},
    progress::{say, trees},
};

/// Train a model and publish it
///
/// Trains on the days before the holdout, evaluates on the holdout beside two baselines (the class frequencies of
/// training, and a lookup table on the departure delay), then trains anew on all days and publishes that model. The
/// same flights and seed give the same model file.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    delaycast train --models var/models\n  \
    delaycast train --data flights-2015 --holdout-from 2015-10-01\n  \
    delaycast train --trees 50 --depth 16 --leaf 60 --aside")]
pub(crate) struct Args {
    /// Flights: a directory that `delaycast data import` wrote, or a Parquet file; may be given several times
    /// [default: New York's flights of 2013, which are built in]
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// The directory of models; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "var/models", env = "DELAYCAST_MODELS")]
    models: PathBuf,
    /// The first day of the holdout, as 2013-10-01 [default: the last quarter of the days is held out]
    #[arg(long, value_name = "DATE", value_parser = day)]
    holdout_from: Option<NaiveDate>,
    #[command(flatten)]
    growth: ForestOptions,
    /// Learn nothing from what events would have told: faster, and a model that answers as if there were none
    /// [default with the flights that are built in, as they are of three airports alone]
    #[arg(long)]
    without_events: bool,
    /// Publish the model without making it the current one: `models shadow` tries it out beside that, `models promote`
    /// puts it in its place
    #[arg(long)]
    aside: bool,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "a day of the calendar is wanted, as in 2013-10-01".to_owned())
}

/// The result of a training, as it is printed.
#[derive(Serialize)]
struct Report {
    version: String,
    path: String,
    bytes: u64,
    preset: Preset,
    settings: ClassifierSettings,
    window: Window,
    rows: u64,
    holdout: Evaluation,
    workers: usize,
    read_seconds: f64,
    train_seconds: f64,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let dir = ModelDir::new(args.models);
    dir.prepare()?;
    say("reading the flights");
    let began_at = Instant::now();
    let history = if args.data.is_empty() { history::bundled()? } else { history::read(&args.data)? };
    let read_seconds = began_at.elapsed().as_secs_f64();

    let plan = args.growth.plan(args.holdout_from);
    let began_at = Instant::now();
    let with_events = !args.without_events && !args.data.is_empty();
    let model = learn(history, with_events, &plan)?;
    let train_seconds = began_at.elapsed().as_secs_f64();

    let published =
        if args.aside { dir.publish_aside(model, clock::now())? } else { dir.publish(model, clock::now())? };
    let (path, origin) = (dir.path_of(&published.version), published.model.origin());
    let report = Report {
        version: published.version.to_string(),
        bytes: path.metadata()?.len(),
        path: path.display().to_string(),
        preset: origin.preset,
        settings: origin.settings,
        window: origin.window,
        rows: origin.trained_on,
        holdout: origin.evaluation.clone(),
        workers: plan.workers.get(),
        read_seconds,
        train_seconds,
    };
    args.format.print(&report, in_words)
}

/// Trains the default model on the bundled flights and publishes it. With a day, only on those before it, with events.
pub(crate) fn train_bundled(
    models: &ModelDir,
    workers: NonZeroUsize,
    with_events_until: Option<NaiveDate>,
) -> anyhow::Result<VersionedModel> {
    models.prepare()?;
    let settings = ForestSettings::from_preset(Preset::Default, 1);
    let plan = TrainingPlan { preset: Preset::Default, settings: settings.into(), holdout_from: None, workers };
    let mut history = history::bundled()?;
    if let Some(day) = with_events_until {
        history.flights.retain(|flight| flight.date < day);
        history.unflown.retain(|flight| flight.date < day);
    }
    Ok(models.publish(learn(history, with_events_until.is_some(), &plan)?, clock::now())?)
}

fn learn(history: History, with_events: bool, plan: &TrainingPlan) -> anyhow::Result<Model> {
    let airports = history.airports()?;
    let History { flights, unflown, weather, .. } = history;
    let pasts = if with_events {
        say("replaying their events");
        Pasts::of(&flights, &unflown, plan.workers.get())
    } else {
        Pasts::default()
    };
    let cancelled = CancelledFlight::all_of(&unflown, &weather, &pasts);
    drop(unflown);
    let flights = TrainingFlight::all_of(flights, &weather, &pasts);
    let trees_total = plan.trees_total(&flights);
    say(&format!("growing {trees_total} trees on {} flights", HumanCount(flights.len() as u64)));
    let examples = Examples { flown: &flights, cancelled: &cancelled };
    Ok(train_model(examples, airports, plan, &trees(trees_total))?)
}

fn in_words(report: &Report) -> String {
    let Report { settings, window, holdout, .. } = report;
    let line = |(predictor, metrics): (Predictor, &Metrics)| {
        format!("  {:<34}{:>8.4}{:>10.4}\n", predictor.label(), metrics.accuracy, metrics.log_loss)
    };
    let lines: String = holdout.metrics.iter().map(line).collect();
    let forest = holdout.metrics.get(Predictor::Forest);
    format!(
        "Holdout: {} flights from {} on, predicted by what was trained on {} earlier ones\n\n\
         \x20 {:<34}{:>8}{:>10}\n{lines}\n{}\n\
         Published: {settings}, preset {}, seed {}, trained anew on all {} flights, {} to {}\n\
         \x20 version {}\n  file    {} ({})\n  time    {:.1} s reading, {:.1} s training with {} workers",
        HumanCount(forest.map_or(0, |forest| forest.rows)),
        holdout.from,
        HumanCount(holdout.trained_on),
        "",
        "accuracy",
        "log-loss",
        forest.map(confusion).unwrap_or_default(),
        report.preset,
        settings.seed(),
        HumanCount(report.rows),
        window.from,
        window.to,
        report.version,
        report.path,
        HumanBytes(report.bytes),
        report.read_seconds,
        report.train_seconds,
        report.workers,
    )
}

/// The confusion matrix: a row for each outcome, a column for the forest's most probable class.
fn confusion(metrics: &Metrics) -> String {
    let cells =
        |numbers: &[u64]| numbers.iter().map(|&number| format!("{:>10}", HumanCount(number).to_string())).collect();
    let header: String = (0..DelayClass::ALL.len()).map(|class| format!("{class:>10}")).collect();
    let mut text = format!("  {:<34}{header}\n", "came true \\ forest said");
    for (class, numbers) in DelayClass::ALL.iter().zip(&metrics.confusion) {
        let cells: String = cells(numbers);
        text += &format!("  {} {:<32}{cells}\n", class.index(), class.label());
    }
    text
}
