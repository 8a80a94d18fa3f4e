//! `delaycast evaluate`: evaluates forests on flights later than those they were trained on.

mod options;
mod text;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use delaycast::{
    evaluate::{Report, Split, Timeline, Window},
    features::TrainingFlight,
    history::{self, History},
    live::Pasts,
};
use delaycast_train::Evaluator;
use indicatif::HumanCount;
use serde::Serialize;

pub(crate) use options::Args;

use crate::progress::{say, trees};

/// The report with the elapsed time.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    report: Report,
    seconds: f64,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let began_at = Instant::now();
    let page = args.html.as_deref().map(PageFile::prepare).transpose()?;
    let published = args.published()?;
    say("reading the flights");
    let history = if args.data.is_empty() { history::bundled()? } else { history::read(&args.data)? };
    let airports = history.airports()?;
    let History { flights, weather, .. } = history;
    let flights = TrainingFlight::all_of(flights, &weather, Pasts::NONE);
    let evaluator = Evaluator {
        airports: &airports,
        plan: args.plan(),
        selection: args.selection(),
        rolling: args.rolling.is_some(),
        bootstrap: args.bootstrap(),
        on_trees: &trees,
        on_split: &say_split,
    };
    let timeline = Timeline::new(flights);
    let report = match &published {
        Some(published) => evaluator.evaluate_model(published, &timeline)?,
        None => evaluator.evaluate_training(&timeline)?,
    };
    if let Some(page) = page {
        page.write(&delaycast_web::render_report(&report, args.language.into())?)?;
    }
    let printed = Printed { report, seconds: began_at.elapsed().as_secs_f64() };
    args.format.print(&printed, |printed| text::in_words(&printed.report, printed.seconds))
}

/// Says on standard error which flights are trained on, and which are predicted.
fn say_split(split: &Split<'_>) {
    let count = |flights: &[TrainingFlight]| HumanCount(flights.len() as u64).to_string();
    let days = |flights| Window::of(flights).map_or(String::new(), |days| format!(", {} to {}", days.from, days.to));
    if split.training.is_empty() {
        say("the data hold none of the flights that the model has learned: there is nothing to fit its rivals to");
    } else {
        say(&format!("training on {} flights{}", count(split.training), days(split.training)));
    }
    say(&format!("to be answered: {} flights{}", count(split.held_out), days(split.held_out)));
}

/// The file of the page. It appears whole: it is written under another name, and then renamed.
struct PageFile {
    path: PathBuf,
    unfinished: PathBuf,
}

impl PageFile {
    /// Checks that the file can be written, before a long training.
    fn prepare(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(!path.is_dir(), "{} is a directory: name a file for the page", path.display());
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let file = PageFile { path: path.to_owned(), unfinished: unfinished.into() };
        File::create(&file.unfinished)
            .and_then(|_| fs::remove_file(&file.unfinished))
            .with_context(|| file.failure())?;
        Ok(file)
    }

    /// Writes the file.
    fn write(&self, html: &str) -> anyhow::Result<()> {
        let written = fs::write(&self.unfinished, html).and_then(|()| fs::rename(&self.unfinished, &self.path));
        if written.is_err() {
            // The first error is reported.
            let _ = fs::remove_file(&self.unfinished);
        }
        written.with_context(|| self.failure())
    }

    fn failure(&self) -> String {
        format!(
            "cannot write the page to {}: check that its folder is there, its owner and the space",
            self.path.display()
        )
    }
}
