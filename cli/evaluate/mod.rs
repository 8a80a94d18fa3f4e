//! `delaycast evaluate`: how good a forest is, on flights later than those it was trained on.

mod options;
mod page;
mod progress;
mod text;

use std::time::Instant;

use delaycast::{
    evaluate::{Report, Timeline},
    features::TrainingFlight,
    history::{self, History},
};
use delaycast_train::Trial;
use serde::Serialize;

pub(crate) use options::Args;

use crate::{progress::say, trees_meter::trees};
use page::Page;

/// The report, and what it took.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    report: Report,
    seconds: f64,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let began_at = Instant::now();
    let page = args.html.as_deref().map(Page::prepare).transpose()?;
    let published = args.published()?;
    say("reading the flights");
    let history = if args.data.is_empty() { history::bundled()? } else { history::read(&args.data)? };
    let airports = history.airports()?;
    let History { flights, weather, .. } = history;
    let flights = TrainingFlight::all_of(flights, &weather);
    let trial = Trial {
        airports: &airports,
        plan: args.plan(),
        wanted: args.wanted(),
        rolling: args.rolling.is_some(),
        bootstrap: args.bootstrap(),
        on_trees: &trees,
        on_split: &progress::split,
    };
    let timeline = Timeline::new(flights);
    let report = match &published {
        Some(published) => trial.of_model(published, &timeline)?,
        None => trial.of_training(&timeline)?,
    };
    if let Some(page) = page {
        page.write(&delaycast_web::render_report(&report)?)?;
    }
    let printed = Printed { report, seconds: began_at.elapsed().as_secs_f64() };
    args.format.print(&printed, |printed| text::in_words(&printed.report, printed.seconds))
}
