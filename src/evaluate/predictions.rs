//! The predictions of each predictor for the same flights, and the outcomes.

use super::{
    predictor::{ByPredictor, DepDelayTable, ModelPredictor, Predictor, class_frequencies},
    split::{Split, Window},
};
use crate::{
    features::TrainingFlight,
    flight::{DelayClass, Probabilities},
};

/// The class of each flight, and its day as a number from 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcomes {
    classes: Vec<DelayClass>,
    day_numbers: Vec<u32>,
    days_len: usize,
}

impl Outcomes {
    /// The outcomes of flights in the order of their days.
    pub fn of(flights: &[TrainingFlight]) -> Self {
        let classes = flights.iter().map(TrainingFlight::class).collect();
        let mut outcomes = Outcomes { classes, ..Outcomes::default() };
        for day in flights.chunk_by(|a, b| a.query().date == b.query().date) {
            // Days are fewer than flights, and flights fewer than 2^32.
            outcomes.day_numbers.resize(outcomes.day_numbers.len() + day.len(), outcomes.days_len as u32);
            outcomes.days_len += 1;
        }
        outcomes
    }

    /// Appends the outcomes of later days.
    pub fn append(&mut self, later: &Outcomes) {
        let days_before = self.days_len as u32;
        self.classes.extend(&later.classes);
        self.day_numbers.extend(later.day_numbers.iter().map(|day| day + days_before));
        self.days_len += later.days_len;
    }

    /// The class of each flight.
    pub fn classes(&self) -> &[DelayClass] {
        &self.classes
    }

    /// The number of each flight's day.
    pub fn day_numbers(&self) -> &[u32] {
        &self.day_numbers
    }

    /// The number of days.
    pub fn days_len(&self) -> usize {
        self.days_len
    }
}

/// The predictions of each predictor for the same flights. Takes 16 bytes a flight and predictor.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    window: Window,
    training: Option<(Window, u64)>,
    outcomes: Outcomes,
    by_predictor: ByPredictor<Vec<Probabilities>>,
}

impl Predictions {
    /// Makes the predictions of the two baselines, fitted to the split's training flights; without training flights
    /// there are none. `None` if no flight is held out.
    pub fn from_baselines(split: &Split<'_>) -> Option<Self> {
        let Split { training, held_out } = *split;
        let mut predictions = Predictions {
            window: Window::of(held_out)?,
            training: Window::of(training).map(|window| (window, training.len() as u64)),
            outcomes: Outcomes::of(held_out),
            by_predictor: ByPredictor::default(),
        };
        if !training.is_empty() {
            let (frequencies, table) = (class_frequencies(training), DepDelayTable::fit(training));
            predictions.insert(Predictor::ClassPrior, vec![frequencies; held_out.len()]);
            let looked_up = held_out.iter().map(|flight| table.probabilities(flight.dep_delay));
            predictions.insert(Predictor::Lookup, looked_up.collect());
        }
        Some(predictions)
    }

    /// Adds a model's predictions for the flights, which are the ones of [`Self::from_baselines`].
    pub fn insert_model(&mut self, predictor: Predictor, model: &ModelPredictor<'_>, flights: &[TrainingFlight]) {
        self.insert(predictor, model.predictions(flights.iter().map(|flight| flight.query_given(model.given))));
    }

    /// Adds a predictor's predictions, one a flight, in the flights' order.
    ///
    /// # Panics
    /// If predictions and flights differ in number.
    pub fn insert(&mut self, predictor: Predictor, predictions: Vec<Probabilities>) {
        assert_eq!(predictions.len(), self.outcomes.classes().len(), "one prediction a flight");
        self.by_predictor.insert(predictor, predictions);
    }

    /// Appends the predictions for later days. A predictor that is not in both is left out.
    pub fn append(&mut self, mut later: Predictions) {
        self.window.to = later.window.to;
        self.training = None;
        self.outcomes.append(&later.outcomes);
        self.by_predictor = ByPredictor::from_fn(|predictor| {
            let mut predictions = self.by_predictor.remove(predictor)?;
            predictions.extend(later.by_predictor.remove(predictor)?);
            Some(predictions)
        });
    }

    /// The outcomes.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The predictions of a predictor.
    pub fn of(&self, predictor: Predictor) -> Option<&[Probabilities]> {
        self.by_predictor.get(predictor).map(Vec::as_slice)
    }

    /// The days of the flights.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The days that were trained on; `None` if predictions with different trainings are pooled.
    pub fn training(&self) -> Option<Window> {
        self.training.map(|(window, _)| window)
    }

    /// The number of flights that were trained on.
    pub fn trained_on(&self) -> Option<u64> {
        self.training.map(|(_, rows)| rows)
    }
}
