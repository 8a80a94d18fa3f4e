//! The report of an evaluation as HTML.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

use chrono::{Days, NaiveDate};
use delaycast::{
    evaluate::{
        Bootstrap, Comparison, EvaluatedModel, Importance, Importances, Predictions, Predictor, Report, Split, Window,
    },
    features::{Preset, TrainingFlight},
    forest::ForestSettings,
    history::{Flight, WeatherTable},
};

use delaycast_web::render_report;

/// Returns 20 flights on each of `days` days.
fn flights(days: u64) -> Vec<TrainingFlight<'static>> {
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

fn comparison(training: &[TrainingFlight], held_out: &[TrainingFlight], resamples: u32) -> Comparison {
    let mut predictions = Predictions::from_baselines(&Split { training, held_out }).unwrap();
    predictions.insert(Predictor::Forest, vec![[0.1, 0.2, 0.3, 0.4]; held_out.len()]);
    predictions.insert(Predictor::ForestBeforeDeparture, vec![[0.4, 0.3, 0.2, 0.1]; held_out.len()]);
    Comparison::of(&predictions, Bootstrap { resamples, seed: 1 })
}

fn report(training: &[TrainingFlight], held_out: &[TrainingFlight], resamples: u32) -> Report {
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

#[test]
fn the_report_refers_to_no_other_file_and_shows_everything() {
    let flights = flights(80);
    let (training, held_out) = flights.split_at(1200);
    let month = comparison(training, held_out, 100).brief();
    let report =
        Report { rolling: vec![month.clone(); 14], rolling_pooled: Some(month), ..report(training, held_out, 100) };
    let html = render_report(&report).unwrap();
    for reference in ["http", "//", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("&lt;script&gt;") && html.contains("1,234"));
    for number in ["NaN", "inf\"", "inf,"] {
        assert!(!html.contains(number), "{number}");
    }
    for (predictor, _) in report.holdout.scorecards.iter() {
        let label = predictor.label();
        assert!(html.contains(&label[1..]), "{label}");
    }
    // Log-loss, confusion, four classes, two forests, months.
    assert_eq!((html.matches("<svg").count(), html.matches("</svg>").count()), (9, 9));
    assert!(html.contains("All of them"));
    assert!(!html.contains("There are no"), "nothing is missing");
}

#[test]
fn missing_parts_are_named() {
    let flights = flights(4);
    let html = render_report(&report(&[], &flights, 100)).unwrap();
    assert!(html.contains("There are no intervals: 4 days") && html.contains("There are no baselines"));
    assert!(!html.contains("Month by month") && !html.contains("NaN"));
    let html = render_report(&report(&[], &flights, 0)).unwrap();
    assert!(!html.contains("There are no intervals"), "none were asked for");
}

#[test]
fn a_difference_within_the_noise_is_not_called_one() {
    let flights = flights(80);
    let (training, held_out) = flights.split_at(1200);
    let mut predictions = Predictions::from_baselines(&Split { training, held_out }).unwrap();
    predictions.insert(Predictor::Forest, predictions.of(Predictor::Lookup).unwrap().to_vec());
    let same = Comparison::of(&predictions, Bootstrap { resamples: 100, seed: 1 });
    let html = render_report(&Report { holdout: same, ..report(training, held_out, 100) }).unwrap();
    assert!(html.contains("do not tell which"), "the two are one");
    let html = render_report(&report(training, held_out, 100)).unwrap();
    assert!(html.contains("above that of a lookup table") && !html.contains("do not tell which"));
}
