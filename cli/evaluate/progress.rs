//! How far the training is.

use delaycast::{
    evaluate::{Split, Window},
    features::TrainingFlight,
};
use indicatif::HumanCount;

use crate::progress::say;

/// Says on standard error who learns from which flights.
pub(super) fn split(split: &Split<'_>) {
    let count = |flights: &[TrainingFlight]| HumanCount(flights.len() as u64).to_string();
    let days = |flights| Window::of(flights).map_or(String::new(), |days| format!(", {} to {}", days.from, days.to));
    if split.training.is_empty() {
        say("the data hold none of the flights that the model has learned: there is nothing to fit its rivals to");
    } else {
        say(&format!("training on {} flights{}", count(split.training), days(split.training)));
    }
    say(&format!("to be answered: {} flights{}", count(split.held_out), days(split.held_out)));
}
