//! The report of an evaluation as HTML.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::evaluation::{comparison, flights, report};
use delaycast::evaluate::{Bootstrap, Comparison, Predictions, Predictor, Report, Split};
use delaycast_web::{Language, render_report};

#[test]
fn the_report_refers_to_no_other_file_and_shows_everything() {
    let flights = flights(80);
    let (training, held_out) = flights.split_at(1200);
    let month = comparison(training, held_out, 100).brief();
    let report =
        Report { rolling: vec![month.clone(); 14], rolling_pooled: Some(month), ..report(training, held_out, 100) };
    let html = render_report(&report, Language::English).unwrap();
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
    let spanish = render_report(&report, Language::Spanish).unwrap();
    for (english, text) in [
        ("How good is the forest?", "¿Qué tal acierta el bosque?"),
        ("lookup table", "tabla por retraso en la salida"),
        ("<html lang=\"en\">", "<html lang=\"es\">"),
    ] {
        assert!(html.contains(english) && !spanish.contains(english) && spanish.contains(text), "{text}");
    }
    // Log-loss, confusion, four classes, two forests, months.
    assert_eq!((html.matches("<svg").count(), html.matches("</svg>").count()), (9, 9));
    assert!(html.contains("All of them"));
    assert!(!html.contains("There are no"), "nothing is missing");
}

#[test]
fn missing_parts_are_named() {
    let flights = flights(4);
    let html = render_report(&report(&[], &flights, 100), Language::English).unwrap();
    assert!(html.contains("There are no intervals: 4 days") && html.contains("There are no baselines"));
    assert!(!html.contains("Month by month") && !html.contains("NaN"));
    let html = render_report(&report(&[], &flights, 0), Language::English).unwrap();
    assert!(!html.contains("There are no intervals"), "none were asked for");
}

#[test]
fn a_difference_within_the_noise_is_not_called_one() {
    let flights = flights(80);
    let (training, held_out) = flights.split_at(1200);
    let mut predictions = Predictions::from_baselines(&Split { training, held_out }).unwrap();
    predictions.insert(Predictor::Forest, predictions.of(Predictor::Lookup).unwrap().to_vec());
    let same = Comparison::of(&predictions, Bootstrap { resamples: 100, seed: 1 });
    let html = render_report(&Report { holdout: same, ..report(training, held_out, 100) }, Language::English).unwrap();
    assert!(html.contains("do not tell which"), "the two are one");
    let html = render_report(&report(training, held_out, 100), Language::English).unwrap();
    assert!(html.contains("above that of a lookup table") && !html.contains("do not tell which"));
}
