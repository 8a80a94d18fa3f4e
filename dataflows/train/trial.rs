//! Trials: forests, and those that they have to beat, learn from the same flights and answer the same later ones.
//!
//! Nobody sees a flight that is held out before he is asked about it: whatever is fitted is fitted to [`Split::training`].

use delaycast::{
    airports::Airports,
    evaluate::{
        Answers, Asked, Contest, Importances, Predictor, Report, Split, SplitError, Subject, Timeline, Wanted, Window,
        score::Bootstrap,
    },
    features::{FeatureSet, KnownInputs, Preset},
    forest::{ForestSettings, Forests},
    model::VersionedModel,
};

use super::{Fit, OnProgress, Phase, Plan, Progress, TrainError, fit};

/// What is asked for, and whom its progress is told.
pub struct Trial<'a> {
    /// Where unknown distances come from.
    pub airports: &'a Airports,
    /// How forests are trained; the days held out are those of `wanted`.
    pub plan: Plan,
    /// The days to train and to evaluate on.
    pub wanted: Wanted,
    /// Whether each month is tested, too, with all days before it to train on.
    pub rolling: bool,
    /// How intervals come about.
    pub bootstrap: Bootstrap,
    /// Is told how many trees will be grown; what it gives is told how far they are.
    pub on_trees: &'a dyn Fn(u64) -> OnProgress,
    /// Called before each training.
    pub on_split: &'a dyn Fn(&Split<'_>),
}

impl Trial<'_> {
    /// Trains forests, and holds them against later flights.
    pub fn of_training(&self, timeline: &Timeline<'_>) -> Result<Report, TrainError> {
        let split = timeline.split(&self.wanted)?;
        let months = if self.rolling { timeline.months(&self.wanted)? } else { Vec::new() };
        let trees = [&split].into_iter().chain(&months).map(|split| self.trees_of_split(split)).sum();
        let on_tree = (self.on_trees)(trees);
        let (answers, fitted) = self.compete(&split, &on_tree)?;
        let subject = Subject {
            version: None,
            preset: self.plan.preset,
            settings: self.plan.settings,
            window: Window::of(split.training).ok_or(SplitError::NothingToFit)?,
            trained_on: split.training.len() as u64,
        };
        on_tree(Progress::Phase(Phase::Measuring));
        let report = self.report(subject, &answers, &fitted.competing(self.airports), &split);
        drop((answers, fitted));
        self.with_months(report, &months, &on_tree)
    }

    /// Holds a published model against flights after those that it has learned. The baselines and the seed's forest learn
    /// from what is at hand of those; if there is none, the model stands alone.
    pub fn of_model(&self, published: &VersionedModel, timeline: &Timeline<'_>) -> Result<Report, TrainError> {
        let VersionedModel { version, model } = published;
        let origin = model.origin();
        let split = timeline.after(origin.window, &self.wanted)?;
        (self.on_split)(&split);
        let mut answers = Answers::of_baselines(&split).ok_or(SplitError::NothingToFit)?;
        let plan = self.seed_plan();
        let alone = split.training.is_empty();
        let on_tree = (self.on_trees)(if alone { 0 } else { plan.trees_of_fit(split.training) });
        if !alone {
            let seed = fit(split.training, self.airports, &plan, &on_tree)?;
            answers.ask(Predictor::Seed, &seed.competing(self.airports).forest, split.held_out);
        }
        let competing = competing(model.features(), model.airports(), model.forests());
        on_tree(Progress::Phase(Phase::Answering));
        enter(&mut answers, &competing, &split);
        let subject = Subject {
            version: Some(version.to_string()),
            preset: origin.preset,
            settings: origin.settings,
            window: origin.window,
            trained_on: origin.trained_on,
        };
        on_tree(Progress::Phase(Phase::Measuring));
        Ok(self.report(subject, &answers, &competing, &split))
    }

    /// Everybody learns from one side of a split and answers the other. A plan for the seed's preset makes the seed's
    /// forest anyway.
    pub(super) fn compete(&self, split: &Split<'_>, on_tree: &OnProgress) -> Result<(Answers, Fit), TrainError> {
        (self.on_split)(split);
        let mut answers = Answers::of_baselines(split).ok_or(SplitError::NothingToFit)?;
        let fitted = fit(split.training, self.airports, &self.plan, on_tree)?;
        let competing = fitted.competing(self.airports);
        on_tree(Progress::Phase(Phase::Answering));
        enter(&mut answers, &competing, split);
        if self.plan.preset == Preset::Legacy {
            answers.ask(Predictor::Seed, &competing.forest, split.held_out);
        } else {
            let seed = fit(split.training, self.airports, &self.seed_plan(), on_tree)?;
            answers.ask(Predictor::Seed, &seed.competing(self.airports).forest, split.held_out);
        }
        Ok((answers, fitted))
    }

    fn seed_plan(&self) -> Plan {
        let ForestSettings { trainer, seed, .. } = self.plan.settings;
        let settings = ForestSettings { trainer, ..ForestSettings::of(Preset::Legacy, seed) };
        Plan { preset: Preset::Legacy, settings, ..self.plan }
    }

    /// How many trees one split takes.
    pub(super) fn trees_of_split(&self, split: &Split<'_>) -> u64 {
        let seed = self.plan.preset != Preset::Legacy;
        let of_seed = if seed { self.seed_plan().trees_of_fit(split.training) } else { 0 };
        self.plan.trees_of_fit(split.training) + of_seed
    }

    /// Scores answers, and shuffles what the two forests know.
    fn report(&self, model: Subject, answers: &Answers, competing: &Competing<'_>, split: &Split<'_>) -> Report {
        Report {
            model,
            bootstrap: self.bootstrap,
            holdout: Contest::of(answers, self.bootstrap),
            importance: Importances {
                forest: competing.forest.importances(split.held_out, self.bootstrap),
                forest_before_departure: competing.before_departure.importances(split.held_out, self.bootstrap),
            },
            rolling: Vec::new(),
            rolling_pooled: None,
        }
    }

    fn with_months(&self, report: Report, months: &[Split<'_>], on_tree: &OnProgress) -> Result<Report, TrainError> {
        let mut pooled: Option<Answers> = None;
        let mut rolling = Vec::with_capacity(months.len());
        for split in months {
            let (answers, _) = self.compete(split, on_tree)?;
            rolling.push(Contest::of(&answers, self.bootstrap).brief());
            match &mut pooled {
                Some(pooled) => pooled.append(answers),
                none => *none = Some(answers),
            }
        }
        let rolling_pooled = pooled.map(|answers| Contest::of(&answers, self.bootstrap).brief());
        Ok(Report { rolling, rolling_pooled, ..report })
    }
}

/// Enters the forests that take part.
fn enter(answers: &mut Answers, competing: &Competing<'_>, split: &Split<'_>) {
    answers.ask(Predictor::Forest, &competing.forest, split.held_out);
    if let Some(without_weather) = &competing.without_weather {
        answers.ask(Predictor::ForestWithoutWeather, without_weather, split.held_out);
    }
    answers.ask(Predictor::ForestBeforeDeparture, &competing.before_departure, split.held_out);
}

/// The forests of a model that take part in a contest.
struct Competing<'a> {
    /// The one that is given all that there is.
    forest: Asked<'a>,
    /// The one that is given all but the weather, if the first is given it.
    without_weather: Option<Asked<'a>>,
    /// The one that is given all but the departure delay.
    before_departure: Asked<'a>,
}

impl Fit {
    fn competing<'a>(&'a self, airports: &'a Airports) -> Competing<'a> {
        competing(&self.features, airports, &self.forests)
    }
}

fn competing<'a>(features: &'a FeatureSet, airports: &'a Airports, forests: &'a Forests) -> Competing<'a> {
    let asked = |given| {
        let (given, forest) = forests.of(given);
        Asked { features, airports, forest, given }
    };
    let forest = asked(KnownInputs::ALL);
    Competing {
        forest,
        without_weather: forest.given.weather.then(|| asked(KnownInputs { weather: false, ..KnownInputs::ALL })),
        before_departure: asked(KnownInputs { dep_delay: false, ..KnownInputs::ALL }),
    }
}
