//! Training for an evaluation: everybody learns from the same flights, and answers the same later ones.

use delaycast::{
    atlas::Atlas,
    evaluate::{Answers, Asked, Predictor, Split, SplitError},
    features::Preset,
    forest::ForestSettings,
};

use super::{Fitted, OnTree, Plan, TrainError, fit};

/// Which forests are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrants {
    /// Whether the two forests of the plan are. If not, only their rivals are.
    pub forests: bool,
    /// How they are trained, and in the seed's case by whom and from which number.
    pub plan: Plan,
}

impl Entrants {
    /// How many trees [`contest_of`] grows.
    pub fn trees_total(&self) -> u64 {
        let own = if self.forests { self.plan.settings.trees } else { 0 };
        let seed = if self.trains_seed() { self.seed_settings().trees } else { 0 };
        2 * (u64::from(own) + u64::from(seed))
    }

    /// A plan for the seed's preset makes the seed's forest anyway.
    fn trains_seed(&self) -> bool {
        !self.forests || self.plan.preset != Preset::Seed
    }

    fn seed_settings(&self) -> ForestSettings {
        let ForestSettings { trainer, seed, .. } = self.plan.settings;
        ForestSettings { trainer, ..ForestSettings::of(Preset::Seed, seed) }
    }
}

/// Lets the baselines, the seed's forest and, if they are entered, the forests of the plan learn from the split's training
/// flights and answer the others. Nobody sees the flights held out before he is asked. Gives the forests of the plan, too.
pub fn contest_of(
    split: &Split<'_>,
    atlas: &Atlas,
    entrants: &Entrants,
    on_tree: &OnTree,
) -> Result<(Answers, Option<Fitted>), TrainError> {
    let mut answers = Answers::of_baselines(split).ok_or(SplitError::NoFlights)?;
    let plan = &entrants.plan;
    if entrants.trains_seed() && !split.training.is_empty() {
        let plan = Plan { preset: Preset::Seed, settings: entrants.seed_settings(), ..*plan };
        let seed = fit(split.training, atlas, &plan, on_tree)?;
        answers.ask(Predictor::Seed, &seed.asked_with(atlas), split.held_out);
    }
    if !entrants.forests {
        return Ok((answers, None));
    }
    let fitted = fit(split.training, atlas, plan, on_tree)?;
    answers.ask(Predictor::Forest, &fitted.asked_with(atlas), split.held_out);
    answers.ask(Predictor::ForestBeforeDeparture, &fitted.asked_before(atlas), split.held_out);
    if !entrants.trains_seed() {
        answers.ask(Predictor::Seed, &fitted.asked_with(atlas), split.held_out);
    }
    Ok((answers, Some(fitted)))
}

impl Fitted {
    /// The forest that is given the departure delay.
    pub fn asked_with<'a>(&'a self, atlas: &'a Atlas) -> Asked<'a> {
        Asked { features: &self.features, atlas, forest: &self.with_dep_delay, hide_dep_delay: false }
    }

    /// The forest that does without.
    pub fn asked_before<'a>(&'a self, atlas: &'a Atlas) -> Asked<'a> {
        Asked { features: &self.features, atlas, forest: &self.before_departure, hide_dep_delay: true }
    }
}
