//! A contest: several predictors answer the same flights.
//!
//! [`Answers`] holds what each said, [`Contest::of`] what that is worth. All are resampled with the same draws of days,
//! so that the difference between two has an interval of its own, far narrower than theirs: what makes a day hard makes
//! it hard for all.

mod answers;
mod card;

use chrono::NaiveDate;
use serde::Serialize;

pub use answers::{Answers, Predictor};
pub use card::{Card, Difference};

use super::{
    Window,
    score::{Bootstrap, Resamples, Summed},
};

/// What came of a contest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contest {
    /// The first day that was answered for.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// How many days had flights.
    pub days: usize,
    /// How many flights there were.
    pub rows: u64,
    /// The days that were trained on; absent where contests with different trainings are pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Window>,
    /// How many flights were trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<u64>,
    /// The class frequencies of training as probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub majority: Option<Card>,
    /// The lookup table on the departure delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Card>,
    /// The forest of the system that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Card>,
    /// The forest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forest: Option<Card>,
    /// The forest that does without the weather; the flights' weather is kept from it. Absent where no forest is given any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forest_without_weather: Option<Card>,
    /// The forest that does without the departure delay; the flights' delays are kept from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forest_before_departure: Option<Card>,
}

impl Contest {
    /// Scores all answers. Intervals need at least [`super::score::DAYS_MIN`] days.
    pub fn of(answers: &Answers, bootstrap: Bootstrap) -> Self {
        let truth = answers.truth();
        let resamples = Resamples::draw(bootstrap, truth.days_len());
        let judge = |predictor| {
            let summed = Summed::of(answers.of(predictor)?, truth);
            let replicates = resamples.map(|weights| summed.scores(weights));
            Some((summed, replicates))
        };
        let lookup = judge(Predictor::Lookup);
        let card = |predictor| {
            let (summed, replicates) = judge(predictor)?;
            let card = Card::new(&summed, &replicates);
            Some(match &lookup {
                Some((lookup, of_lookup)) if predictor != Predictor::Lookup => {
                    card.beside(&replicates, lookup, of_lookup)
                }
                _ => card,
            })
        };
        Contest {
            from: answers.window().from,
            to: answers.window().to,
            days: truth.days_len(),
            rows: truth.classes().len() as u64,
            training: answers.training(),
            trained_on: answers.trained_on(),
            majority: card(Predictor::Majority),
            lookup: lookup.as_ref().map(|(summed, replicates)| Card::new(summed, replicates)),
            seed: card(Predictor::Seed),
            forest: card(Predictor::Forest),
            forest_without_weather: card(Predictor::ForestWithoutWeather),
            forest_before_departure: card(Predictor::ForestBeforeDeparture),
        }
    }

    /// A predictor's card, if it took part.
    pub fn card(&self, predictor: Predictor) -> Option<&Card> {
        match predictor {
            Predictor::Majority => self.majority.as_ref(),
            Predictor::Lookup => self.lookup.as_ref(),
            Predictor::Seed => self.seed.as_ref(),
            Predictor::Forest => self.forest.as_ref(),
            Predictor::ForestWithoutWeather => self.forest_without_weather.as_ref(),
            Predictor::ForestBeforeDeparture => self.forest_before_departure.as_ref(),
        }
    }

    /// The cards of all who took part, in the order in which they are shown.
    pub fn cards(&self) -> impl Iterator<Item = (Predictor, &Card)> {
        Predictor::ALL.into_iter().filter_map(|predictor| Some((predictor, self.card(predictor)?)))
    }

    /// Without the reliability: what is kept of one month of many.
    pub fn brief(mut self) -> Self {
        let cards = [
            &mut self.majority,
            &mut self.lookup,
            &mut self.seed,
            &mut self.forest,
            &mut self.forest_without_weather,
            &mut self.forest_before_departure,
        ];
        cards.into_iter().flatten().for_each(|card| card.reliability = None);
        self
    }
}

#[cfg(test)]
mod tests;
