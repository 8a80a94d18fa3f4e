//! `delaycast train` on the bundled flights: its cost, and the evaluation that the model file carries.

use std::process::Stdio;

use anyhow::Context;
use chrono::NaiveDate;
use delaycast::{
    classifier::ClassifierSettings,
    evaluate::{Evaluation, Predictor},
    model::ModelDir,
};
use serde::{Deserialize, Serialize};

use crate::{
    embedded::folder,
    process::{Target, run_to_end},
    results::{Measurement, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of trainings of the same model
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    wall_s: Spread,
    cpu_s: Spread,
    peak_mib: Spread,
    model_bytes: u64,
    trees: u32,
    depth: u32,
    holdout_from: NaiveDate,
    flights_held_out: u64,
    flights_trained_on: u64,
    class_frequencies: Score,
    lookup_table: Score,
    forest: Score,
    forest_without_weather: Score,
    forest_without_schedule: Score,
    forest_without_departure_delay: Score,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Score {
    accuracy: f64,
    log_loss: f64,
}

impl Measurement for Options {
    const NAME: &'static str = "training";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let (folder, workers) = (folder()?, options.workers.to_string());
    let dir = ModelDir::new(folder.path().join("models"));
    let mut rounds = Vec::with_capacity(options.rounds);
    for number in 1..=options.rounds {
        let mut command = options.target.command(&["train", "--workers", &workers, "--models"]);
        command.arg(folder.path().join("models")).stdout(Stdio::null()).stderr(Stdio::null());
        let usage = run_to_end(&mut command)?;
        println!("  round {number} of {}: {:.1} s", options.rounds, usage.wall_s);
        rounds.push(usage);
    }
    let trained = dir.load_current()?;
    let origin = trained.model.origin();
    let score = |predictor| score(&origin.evaluation, predictor);
    let forest = origin.evaluation.metrics.get(Predictor::Forest).context("the model has no evaluation")?;
    let ClassifierSettings::Forest(settings) = origin.settings;
    Ok(Values {
        wall_s: Spread::over(&rounds, |usage| usage.wall_s)?,
        cpu_s: Spread::over(&rounds, |usage| usage.cpu_s)?,
        peak_mib: Spread::over(&rounds, |usage| usage.peak_mib)?,
        model_bytes: dir.path_of(&trained.version).metadata()?.len(),
        trees: settings.trees,
        depth: settings.depth,
        holdout_from: origin.evaluation.from,
        flights_held_out: forest.rows,
        flights_trained_on: origin.evaluation.trained_on,
        class_frequencies: score(Predictor::ClassPrior)?,
        lookup_table: score(Predictor::Lookup)?,
        forest: score(Predictor::Forest)?,
        forest_without_weather: score(Predictor::ForestWithoutWeather)?,
        forest_without_schedule: score(Predictor::ForestWithoutSchedule)?,
        forest_without_departure_delay: score(Predictor::ForestBeforeDeparture)?,
    })
}

fn score(evaluation: &Evaluation, predictor: Predictor) -> anyhow::Result<Score> {
    let metrics = evaluation.metrics.get(predictor);
    let metrics = metrics.with_context(|| format!("the model's evaluation has no {}", predictor.label()))?;
    Ok(Score { accuracy: metrics.accuracy, log_loss: metrics.log_loss })
}
