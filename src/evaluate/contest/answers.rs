//! What each predictor said.

use crate::{
    evaluate::{Asked, DepDelayTable, Split, Window, class_shares, truth::Truth},
    features::TrainingFlight,
    flight::{DelayClass, Probabilities},
};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Predictor {
    /// The class frequencies of training, whatever the flight.
    Majority,
    /// The lookup table on the departure delay.
    Lookup,
    /// The forest of the system that this one replaces, given the departure delay.
    Seed,
    /// The forest, given the departure delay and all else that there is.
    Forest,
    /// The forest that does without the weather, where there is one that is given it.
    ForestWithoutWeather,
    /// The forest that does without the departure delay.
    ForestBeforeDeparture,
}

const PREDICTORS: usize = 6;

impl Predictor {
    /// All predictors, in the order in which they are shown.
    pub const ALL: [Predictor; PREDICTORS] = [
        Predictor::Majority,
        Predictor::Lookup,
        Predictor::Seed,
        Predictor::Forest,
        Predictor::ForestWithoutWeather,
        Predictor::ForestBeforeDeparture,
    ];

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Predictor::Majority => "class frequencies",
            Predictor::Lookup => "lookup table on departure delay",
            Predictor::Seed => "seed: 20 trees of depth 5",
            Predictor::Forest => "forest",
            Predictor::ForestWithoutWeather => "forest without weather",
            Predictor::ForestBeforeDeparture => "forest without departure delay",
        }
    }

    /// The name for the head of a narrow column.
    pub fn short_label(self) -> &'static str {
        match self {
            Predictor::Majority => "frequencies",
            Predictor::Lookup => "lookup",
            Predictor::Seed => "seed",
            Predictor::Forest => "forest",
            Predictor::ForestWithoutWeather => "no weather",
            Predictor::ForestBeforeDeparture => "no delay",
        }
    }
}

/// What each predictor said of the same flights. 16 bytes a flight and predictor.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    window: Window,
    training: Option<(Window, u64)>,
    truth: Truth,
    by_predictor: [Option<Vec<Probabilities>>; PREDICTORS],
}

impl Answers {
    /// The answers of the two baselines, fitted to the split's training flights; without any there are none.
    /// `None` if no flight is held out.
    pub fn of_baselines(split: &Split<'_>) -> Option<Self> {
        let Split { training, held_out } = *split;
        let mut answers = Answers {
            window: Window::of(held_out)?,
            training: Window::of(training).map(|window| (window, training.len() as u64)),
            truth: Truth::of(held_out),
            by_predictor: Default::default(),
        };
        if !training.is_empty() {
            let (shares, table) = (class_shares(training), DepDelayTable::fit(training));
            answers.enter(Predictor::Majority, vec![shares; held_out.len()]);
            let looked_up = held_out.iter().map(|flight| table.probabilities(flight.dep_delay));
            answers.enter(Predictor::Lookup, looked_up.collect());
        }
        Some(answers)
    }

    /// Asks a forest about the flights, which are those that the answers are of.
    pub fn ask(&mut self, predictor: Predictor, asked: &Asked<'_>, flights: &[TrainingFlight]) {
        self.enter(predictor, asked.predictions(flights.iter().map(|flight| flight.query())));
    }

    /// Takes a predictor's answers, one a flight, in the flights' order.
    ///
    /// # Panics
    /// If there are more or fewer answers than flights.
    pub fn enter(&mut self, predictor: Predictor, predictions: Vec<Probabilities>) {
        assert_eq!(predictions.len(), self.truth.classes().len(), "one answer a flight");
        self.by_predictor[predictor as usize] = Some(predictions);
    }

    /// Appends the answers of a contest on later days. Who did not take part in both is left out.
    pub fn append(&mut self, later: Answers) {
        self.window.to = later.window.to;
        self.training = None;
        self.truth.append(&later.truth);
        for (own, later) in self.by_predictor.iter_mut().zip(later.by_predictor) {
            match (own.as_mut(), later) {
                (Some(own), Some(later)) => own.extend(later),
                _ => *own = None,
            }
        }
    }

    /// What came true.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What a predictor said, if it took part.
    pub fn of(&self, predictor: Predictor) -> Option<&[Probabilities]> {
        self.by_predictor[predictor as usize].as_deref()
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn training(&self) -> Option<Window> {
        self.training.map(|(window, _)| window)
    }

    pub(super) fn trained_on(&self) -> Option<u64> {
        self.training.map(|(_, rows)| rows)
    }

    /// The classes that came true.
    pub fn classes(&self) -> &[DelayClass] {
        self.truth.classes()
    }
}
