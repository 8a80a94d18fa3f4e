//! The horizon curve: answers with events and without, by the time before the departure. With `--rows` it also writes
//! the rows, which `bench/live/peers.py` gives to LightGBM.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use chrono::NaiveDate;
use delaycast::{
    airports::Airports,
    features::{CancelledFlight, Examples, FittedFeatures, KnownInputs, Preset, TrainingFlight},
    forest::ForestSettings,
    history::{self, History, WeatherTable},
    live::{HORIZONS, Moment, Pasts},
};
use delaycast_train::{AtHorizon, OnProgress, TrainingPlan, evaluate_horizons};
use serde_json::json;

use crate::forest::write_numbers;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Flights, as `delaycast data import` writes them
    #[arg(long)]
    data: PathBuf,
    /// The first day held out
    #[arg(long)]
    from: NaiveDate,
    /// The last day held out
    #[arg(long)]
    to: NaiveDate,
    #[arg(long)]
    trees: Option<u32>,
    #[arg(long)]
    depth: Option<u32>,
    #[arg(long)]
    leaf: Option<u32>,
    /// The folder to write rows to
    #[arg(long)]
    rows: Option<PathBuf>,
    /// Train on about this many flights, evenly spaced
    #[arg(long)]
    train_on: Option<usize>,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let history = history::read(std::slice::from_ref(&options.data))?;
    let airports = history.airports()?;
    let History { flights, unflown, .. } = history;
    let workers = NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN);
    let began_at = Instant::now();
    let (drawn, by_horizon) = Pasts::by_horizon(&flights, &unflown, workers.get(), options.from..=options.to);
    let (replayed, replay_s) = (flights.len(), began_at.elapsed().as_secs_f64());
    let weather = WeatherTable::NONE;
    let held_out: Vec<AtHorizon<'_>> = HORIZONS
        .into_iter()
        .zip(&by_horizon)
        .map(|(minutes, pasts)| {
            let flights = pasts.iter().filter_map(|(at, past)| TrainingFlight::of(&flights[at], weather, Some(past)));
            let cancelled = CancelledFlight::all_of(&unflown, weather, pasts).into_iter();
            let cancelled = cancelled.filter(|flight| flight.is_known_at(Some(Moment::of(minutes)))).collect();
            AtHorizon { minutes, flights: flights.collect(), cancelled }
        })
        .collect();
    let mut training = TrainingFlight::all_of(flights, weather, &drawn);
    training.retain(|flight| flight.query().date < options.from);
    let mut cancelled = CancelledFlight::all_of(&unflown, weather, &drawn);
    cancelled.retain(|flight| flight.date() < options.from);
    if let Some(wanted) = options.train_on {
        let step = training.len().div_ceil(wanted).max(1);
        training = training.into_iter().step_by(step).collect();
        cancelled = cancelled.into_iter().step_by(step).collect();
    }
    if let Some(folder) = &options.rows {
        let fitted = FittedFeatures::new(Preset::Default, &training)?;
        write_rows(folder, &fitted, &airports, &training, &held_out)?;
    }
    let mut settings = ForestSettings::from_preset(Preset::Default, 1);
    settings.trees = options.trees.unwrap_or(settings.trees);
    settings.depth = options.depth.unwrap_or(settings.depth);
    settings.min_samples_leaf = options.leaf.unwrap_or(settings.min_samples_leaf);
    let plan = TrainingPlan { preset: Preset::Default, settings: settings.into(), holdout_from: None, workers };
    let on_progress: OnProgress = Arc::new(|_| {});
    let began_at = Instant::now();
    let examples = Examples { flown: &training, cancelled: &cancelled };
    let (scores, _) = evaluate_horizons(examples, &held_out, &airports, &plan, &on_progress)?;
    let train_s = began_at.elapsed().as_secs_f64();
    let line = json!({ "replayed": replayed, "replay_s": replay_s, "training": training.len(), "train_s": train_s });
    println!("{line}");
    for score in scores {
        println!("{}", serde_json::to_string(&score)?);
    }
    Ok(())
}

fn write_rows(
    folder: &Path,
    fitted: &FittedFeatures,
    airports: &Airports,
    training: &[TrainingFlight<'_>],
    held_out: &[AtHorizon<'_>],
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("columns.txt"), fitted.features.names().join("\n"))?;
    for moment in Moment::ALL {
        let mut rows = Vec::new();
        let seen: Vec<&TrainingFlight<'_>> = training.iter().filter(|it| it.live(moment).is_some()).collect();
        seen.iter().for_each(|flight| fitted.encode(flight, Some(moment), airports, &mut rows));
        write_side(folder, &format!("train-{moment:?}"), &rows, seen.into_iter())?;
    }
    for AtHorizon { minutes, flights, .. } in held_out {
        let mut rows = Vec::new();
        let given = KnownInputs::at(Moment::of(*minutes));
        for flight in flights {
            fitted.features.encode(&flight.query_given(given), airports, &mut rows);
        }
        let side = minutes.map_or("departed".to_owned(), |minutes| minutes.to_string());
        write_side(folder, &format!("test-{side}"), &rows, flights.iter())?;
    }
    Ok(())
}

fn write_side<'a>(
    folder: &Path,
    side: &str,
    numbers: &[f32],
    flights: impl Iterator<Item = &'a TrainingFlight<'a>>,
) -> anyhow::Result<()> {
    write_numbers(&folder.join(format!("{side}.f32")), numbers)?;
    let delays: Vec<u8> = flights.flat_map(|flight| flight.arr_delay.to_le_bytes()).collect();
    Ok(fs::write(folder.join(format!("{side}.delay")), delays)?)
}
