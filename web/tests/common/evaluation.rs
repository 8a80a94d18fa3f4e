//! An evaluation of a few flights.

use chrono::{Days, NaiveDate};
use delaycast::{
    evaluate::{
        Bootstrap, Comparison, EvaluatedModel, Importance, Importances, Predictions, Predictor, Report, Split, Window,
    },
    features::{Preset, TrainingFlight},
    forest::ForestSettings,
    history::{Flight, WeatherTable},
};

/// Returns 20 flights on each of `days` days.
pub(crate) fn flights(days: u64) -> Vec<TrainingFlight<'static>> {
    let code = |text: &str| text.parse().unwrap();
    let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
    let flight = |at: u64| {
        let dep_delay = (at * 37 % 97) as f32 - 30.0;
        let flight = Flight {
            dep_delay: Some(dep_delay),
            arr_delay: Some(dep_delay + (at * 61 % 89) as f32 - 50.0),
            ..Flight::unknown(first + Days::new(at / 20), code("AA"), code("JFK"), code("LAX"))
        };
        TrainingFlight::of(&flight, WeatherTable::NONE, None).unwrap()
    };
    (0..20 * days).map(flight).collect()
}

pub(crate) fn comparison(training: &[TrainingFlight], held_out: &[TrainingFlight], resamples: u32) -> Comparison {
    let mut predictions = Predictions::from_baselines(&Split { training, held_out }).unwrap();
    predictions.insert(Predictor::Forest, vec![[0.1, 0.2, 0.3, 0.4]; held_out.len()]);
    predictions.insert(Predictor::ForestBeforeDeparture, vec![[0.4, 0.3, 0.2, 0.1]; held_out.len()]);
    Comparison::of(&predictions, Bootstrap { resamples, seed: 1 })
}

pub(crate) fn report(training: &[TrainingFlight], held_out: &[TrainingFlight], resamples: u32) -> Report {
    let importance = |fact, rise| Importance {
        fact,
        columns: vec!["DepDelay".to_owned()],
        log_loss_increase: rise,
        interval: (resamples > 0).then_some([rise - 0.1, rise + 0.1]),
    };
    let importances = vec![importance("departure delay", 0.5), importance("day", -0.001)];
    Report {
        model: EvaluatedModel {
            version: Some("<script>".to_owned()),
            preset: Preset::Default,
            settings: ForestSettings::from_preset(Preset::Default, 1).into(),
            window: Window::of(held_out).unwrap(),
            trained_on: 1234,
        },
        bootstrap: Bootstrap { resamples, seed: 1 },
        holdout: comparison(training, held_out, resamples),
        importance: Importances { forest: importances.clone(), forest_before_departure: importances },
        rolling: Vec::new(),
        rolling_pooled: None,
    }
}
