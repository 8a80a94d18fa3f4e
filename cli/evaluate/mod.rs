//! `delaycast evaluate`: how good a forest is, on flights later than those it was trained on.

mod options;
mod page;
mod progress;
mod text;

use std::time::Instant;

use delaycast::{
    evaluate::{Answers, Asked, Contest, Importances, Predictor, Report, Split, Subject, Timeline, Wanted, Window},
    features::TrainingFlight,
    history,
    model::Model,
};
use delaycast_dataflows::train::{Entrants, Fitted, OnTree, contest_of};
use indicatif::HumanCount;

pub(crate) use options::Args;

use crate::progress::say;
use page::Page;

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let began_at = Instant::now();
    let page = args.html.as_deref().map(Page::prepare).transpose()?;
    let published = args.published()?;
    say("reading the flights");
    let history = if args.data.is_empty() { history::bundled()? } else { history::read(&args.data)? };
    let trial = Trial { atlas: history.atlas()?, args: &args, wanted: args.wanted() };
    let flights: Vec<TrainingFlight> = history.flights.iter().filter_map(TrainingFlight::of).collect();
    // A year of flights is a few hundred megabytes, and only these are needed from here on.
    drop(history);
    let timeline = Timeline::new(flights);
    let mut report = match &published {
        Some((version, model)) => trial.of_model(version, model, &timeline)?,
        None => trial.of_training(&timeline)?,
    };
    report.seconds = began_at.elapsed().as_secs_f64();
    if let Some(page) = page {
        page.write(&delaycast_web::render_report(&report)?)?;
    }
    args.format.print(&report, text::in_words)
}

/// What an evaluation goes by.
struct Trial<'a> {
    atlas: delaycast::atlas::Atlas,
    args: &'a Args,
    wanted: Wanted,
}

impl Trial<'_> {
    /// Trains forests on the days before, and holds them against what follows.
    fn of_training(&self, timeline: &Timeline) -> anyhow::Result<Report> {
        let entrants = Entrants { forests: true, plan: self.args.plan() };
        let split = timeline.split(&self.wanted)?;
        let months = if self.args.rolling.is_some() { timeline.months(&self.wanted)? } else { Vec::new() };
        let on_tree = progress::trees(entrants.trees_total() * (1 + months.len() as u64));
        let (answers, fitted) = self.contest(&split, &entrants, &on_tree)?;
        // The forests were entered, so they are there.
        let fitted = fitted.ok_or_else(|| anyhow::anyhow!("the forests are missing: please report this"))?;
        let subject = Subject {
            version: None,
            preset: entrants.plan.preset,
            settings: entrants.plan.settings,
            window: Window::of(split.training).ok_or(delaycast::evaluate::SplitError::NoFlights)?,
            trained_on: split.training.len() as u64,
        };
        let asked = [fitted.asked_with(&self.atlas), fitted.asked_before(&self.atlas)];
        let report = self.report(subject, &answers, asked, split.held_out);
        self.rolling(report, &months, &entrants, &on_tree)
    }

    /// Holds a published model against flights after those that it has learned.
    fn of_model(&self, version: &str, model: &Model, timeline: &Timeline) -> anyhow::Result<Report> {
        let origin = model.origin();
        let split = timeline.after(origin.window, &self.wanted)?;
        if split.training.is_empty() {
            say(&format!(
                "the data hold no flight of {} to {}, which the model has learned: there is nothing to fit the baselines to",
                origin.window.from, origin.window.to
            ));
        }
        let entrants = Entrants { forests: false, plan: self.args.plan() };
        let (mut answers, _) = self.contest(&split, &entrants, &progress::trees(entrants.trees_total()))?;
        let asked =
            |forest, hide_dep_delay| Asked { features: model.features(), atlas: model.atlas(), forest, hide_dep_delay };
        let asked = [asked(model.with_dep_delay(), false), asked(model.before_departure(), true)];
        answers.ask(Predictor::Forest, &asked[0], split.held_out);
        answers.ask(Predictor::ForestBeforeDeparture, &asked[1], split.held_out);
        let subject = Subject {
            version: Some(version.to_owned()),
            preset: origin.preset,
            settings: origin.settings,
            window: origin.window,
            trained_on: origin.trained_on,
        };
        Ok(self.report(subject, &answers, asked, split.held_out))
    }

    /// Trains on one side of a split and answers the other.
    fn contest(
        &self,
        split: &Split<'_>,
        entrants: &Entrants,
        on_tree: &OnTree,
    ) -> anyhow::Result<(Answers, Option<Fitted>)> {
        let count = |flights: &[TrainingFlight]| HumanCount(flights.len() as u64).to_string();
        let days =
            |flights| Window::of(flights).map_or(String::new(), |days| format!(", {} to {}", days.from, days.to));
        say(&format!(
            "training on {} flights{}; to be answered: {}{}",
            count(split.training),
            days(split.training),
            count(split.held_out),
            days(split.held_out)
        ));
        Ok(contest_of(split, &self.atlas, entrants, on_tree)?)
    }

    /// Scores answers, and shuffles what the two forests know.
    fn report(
        &self,
        model: Subject,
        answers: &Answers,
        [with, before]: [Asked<'_>; 2],
        held_out: &[TrainingFlight],
    ) -> Report {
        say("scoring the answers");
        let bootstrap = self.args.bootstrap();
        Report {
            model,
            bootstrap,
            holdout: Contest::of(answers, bootstrap),
            importance: Importances {
                forest: with.importances(held_out, bootstrap),
                forest_before_departure: before.importances(held_out, bootstrap),
            },
            rolling: Vec::new(),
            rolling_pooled: None,
            seconds: 0.0,
        }
    }

    /// Adds the months to a report.
    fn rolling(
        &self,
        report: Report,
        months: &[Split<'_>],
        entrants: &Entrants,
        on_tree: &OnTree,
    ) -> anyhow::Result<Report> {
        let bootstrap = self.args.bootstrap();
        let mut pooled: Option<Answers> = None;
        let mut rolling = Vec::with_capacity(months.len());
        for split in months {
            let (answers, _) = self.contest(split, entrants, on_tree)?;
            rolling.push(Contest::of(&answers, bootstrap).brief());
            match &mut pooled {
                Some(pooled) => pooled.append(answers),
                none => *none = Some(answers),
            }
        }
        let rolling_pooled = pooled.map(|answers| Contest::of(&answers, bootstrap).brief());
        Ok(Report { rolling, rolling_pooled, ..report })
    }
}
