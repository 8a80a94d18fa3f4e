//! The names of predictors, measures and facts.

use delaycast::evaluate::{Measure, Predictor};

use crate::texts::{Texts, say};

/// The name that is displayed.
pub(super) fn predictor(predictor: Predictor, texts: Texts) -> String {
    match predictor {
        Predictor::ClassPrior => say!(texts, "predictor-prior"),
        Predictor::Lookup => say!(texts, "predictor-lookup"),
        Predictor::Legacy => say!(texts, "predictor-legacy"),
        Predictor::Forest => say!(texts, "predictor-forest"),
        Predictor::ForestWithoutWeather => say!(texts, "predictor-no-weather"),
        Predictor::ForestWithoutSchedule => say!(texts, "predictor-no-schedule"),
        Predictor::ForestBeforeDeparture => say!(texts, "predictor-before"),
        Predictor::ForestEarly => say!(texts, "predictor-early"),
        Predictor::ForestNear => say!(texts, "predictor-near"),
        Predictor::ForestOverdue => say!(texts, "predictor-overdue"),
        Predictor::ForestDeparted => say!(texts, "predictor-departed"),
    }
}

/// The name at the head of a narrow column.
pub(super) fn short(predictor: Predictor, texts: Texts) -> String {
    match predictor {
        Predictor::ClassPrior => say!(texts, "predictor-prior-short"),
        Predictor::Lookup => say!(texts, "predictor-lookup-short"),
        Predictor::Legacy => say!(texts, "predictor-legacy-short"),
        Predictor::Forest => say!(texts, "predictor-forest-short"),
        Predictor::ForestWithoutWeather => say!(texts, "predictor-no-weather-short"),
        Predictor::ForestWithoutSchedule => say!(texts, "predictor-no-schedule-short"),
        Predictor::ForestBeforeDeparture => say!(texts, "predictor-before-short"),
        Predictor::ForestEarly => say!(texts, "predictor-early-short"),
        Predictor::ForestNear => say!(texts, "predictor-near-short"),
        Predictor::ForestOverdue => say!(texts, "predictor-overdue-short"),
        Predictor::ForestDeparted => say!(texts, "predictor-departed-short"),
    }
}

/// The name of a measure. The others have one name in all languages.
pub(super) fn measure(measure: Measure, texts: Texts) -> String {
    match measure {
        Measure::Accuracy => say!(texts, "measure-accuracy"),
        other => other.label().to_owned(),
    }
}

/// The name of a fact that is shuffled, as the evaluation calls it.
pub(super) fn fact(name: &str, texts: Texts) -> String {
    match name {
        "departure delay" => say!(texts, "importance-delay"),
        "airline" => say!(texts, "importance-airline"),
        "route and distance" => say!(texts, "importance-route"),
        "day" => say!(texts, "importance-day"),
        "schedule and flight number" => say!(texts, "importance-schedule"),
        "weather" => say!(texts, "importance-weather"),
        other => other.to_owned(),
    }
}
