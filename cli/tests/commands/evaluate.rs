//! Tests of `delaycast evaluate`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{interrupt::interrupt, models, run};
use chrono::{Days, NaiveDate};
use delaycast::history::{Flight, parquet::write_flights};
use serde_json::Value;

/// Creates 30 flights a day, whose arrival delays correlate with their departure delays.
fn flights(from: &str, days: u64) -> Vec<Flight> {
    let first: NaiveDate = from.parse().unwrap();
    let flight = |at: u64| {
        let code = |text: &str| text.parse().unwrap();
        let carrier = ["AA", "B6", "DL"][at as usize % 3];
        let dest = ["LAX", "SFO", "BOS", "MIA"][at as usize % 4];
        let dep_delay = (at * 37 % 97) as f32 - 30.0;
        Flight {
            dep_delay: Some(dep_delay),
            arr_delay: Some(dep_delay + (at * 61 % 53) as f32 - 30.0),
            distance: Some(1000.0 + (at % 4) as f32),
            flight_num: Some((at % 30) as u32 + 1),
            ..Flight::unknown(first + Days::new(at / 30), code(carrier), code("JFK"), code(dest))
        }
    };
    (0..30 * days).map(flight).collect()
}

fn write(dir: &Path, name: &str, from: &str, days: u64) -> PathBuf {
    let path = dir.join(name);
    write_flights(&path, &flights(from, days)).unwrap();
    path
}

#[test]
fn json_has_all_predictors_on_the_same_flights_and_the_page_is_self_contained() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(dir.path(), "flights.parquet", "2013-01-01", 100);
    let page = dir.path().join("report.html");
    let (data, page_name) = (data.to_string_lossy(), page.to_string_lossy());
    let arguments = ["evaluate", "--data", &data, "--rolling", "month", "--bootstrap", "50", "--format", "json"];
    let (status, stdout, stderr) = run(&[&arguments[..], &["--html", &page_name]].concat(), b"");
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains("trees"), "progress goes to stderr: {stderr}");
    let report: Value = serde_json::from_str(&stdout).expect("exactly one object");

    let holdout = &report["holdout"];
    assert_eq!((&holdout["from"], &holdout["to"]), (&Value::from("2013-03-17"), &Value::from("2013-04-10")));
    assert_eq!(
        (&holdout["training"]["from"], &holdout["training"]["to"]),
        (&Value::from("2013-01-01"), &Value::from("2013-03-16"))
    );
    assert_eq!((holdout["rows"].as_u64(), holdout["trained_on"].as_u64()), (Some(750), Some(2250)));
    for predictor in ["majority", "lookup", "seed", "forest", "forest_before_departure"] {
        for measure in ["log_loss", "accuracy", "rps", "macro_f1", "qwk", "ece", "auc", "brier"] {
            let score = holdout[predictor][measure].as_f64().unwrap_or_else(|| panic!("{predictor} {measure}"));
            let interval = &holdout[predictor]["intervals"][measure];
            let (low, high) = (interval[0].as_f64().unwrap(), interval[1].as_f64().unwrap());
            assert!(
                low <= high && (measure == "ece" || low <= score && score <= high),
                "{predictor} {measure} {interval}"
            );
        }
        assert_eq!(holdout[predictor]["reliability"].as_array().map(Vec::len), Some(4), "{predictor}");
    }
    let loss = |predictor: &str| holdout[predictor]["log_loss"].as_f64().unwrap();
    assert!(loss("forest") < loss("majority") && loss("lookup") < loss("majority"));
    assert!(loss("forest_before_departure") > loss("forest"), "the delay is the only information");
    assert_eq!(report["importance"]["forest"][0]["fact"], "departure delay");

    // No flights precede January; April begins and ends within the data.
    let rolling = report["rolling"].as_array().unwrap();
    let months: Vec<&str> = rolling.iter().map(|month| month["from"].as_str().unwrap()).collect();
    assert_eq!(months, ["2013-02-01", "2013-03-01", "2013-04-01"]);
    assert_eq!(
        (&rolling[1]["training"]["to"], &rolling[2]["to"]),
        (&Value::from("2013-02-28"), &Value::from("2013-04-10"))
    );
    assert!(rolling.iter().all(|month| month["forest"]["log_loss"].is_number()));
    assert_eq!(report["rolling_pooled"]["rows"].as_u64(), Some(30 * (28 + 31 + 10)));

    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("</html>") && html.contains("Month by month"));
    for reference in ["http", "src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn the_same_seed_gives_the_same_report_with_any_number_of_workers() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(dir.path(), "flights.parquet", "2013-01-01", 60);
    let evaluate = |options: &[&str]| {
        let data = data.to_string_lossy();
        let arguments = ["evaluate", "--preset", "seed", "--bootstrap", "20", "--data", &data, "--format", "json"];
        let (status, stdout, stderr) = run(&[&arguments[..], options].concat(), b"");
        assert!(status.success(), "{stderr}");
        let mut report: Value = serde_json::from_str(&stdout).unwrap();
        report["seconds"].take();
        report
    };
    let once = evaluate(&["--workers", "1"]);
    assert_eq!(evaluate(&["--workers", "2"]), once);
    assert_ne!(evaluate(&["--seed", "2"])["holdout"]["forest"]["intervals"], once["holdout"]["forest"]["intervals"]);
}

#[test]
fn a_published_model_is_evaluated_only_on_later_flights() {
    let dir = tempfile::tempdir().unwrap();
    let later = write(dir.path(), "later.parquet", "2013-12-20", 30);
    let (models, later) = (models().to_string_lossy(), later.to_string_lossy());
    // Most of these flights are after the model's training window; the others are excluded.
    let arguments = ["evaluate", "--model", &models, "--data", &later, "--format", "json"];
    let (status, stdout, stderr) = run(&arguments, b"");
    assert!(status.success(), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&report["holdout"]["from"], &report["holdout"]["rows"]),
        (&Value::from("2014-01-01"), &Value::from(540))
    );
    assert_eq!(report["model"]["window"]["to"], "2013-12-31");
    let version = fs::read_to_string(Path::new(&*models).join("current")).unwrap();
    assert_eq!(report["model"]["version"], version.trim());
    // The baselines are trained on the given flights inside the model's training window.
    assert_eq!(report["holdout"]["trained_on"].as_u64(), Some(360));
    for predictor in ["majority", "lookup", "seed", "forest", "forest_before_departure"] {
        assert!(report["holdout"][predictor]["log_loss"].is_number(), "{predictor}");
    }

    // Without such flights there are no baselines.
    let arguments =
        ["evaluate", "--model", &models, "--data", &later, "--from", "2014-01-01", "--version", version.trim()];
    let (status, stdout, stderr) = run(&arguments, b"");
    assert!(status.success() && stdout.contains("forest without departure delay"), "{stderr}");

    let cases: [(&[&str], &str); 4] = [
        (&["--from", "2013-12-31"], "has learned the flights of 2013-01-01 to 2013-12-31"),
        (&["--version", "20200101T000000000Z-00000000"], "no version"),
        (&["--to", "2013-12-31"], "no flight to evaluate on"),
        (&["--from", "2020-01-01"], "no flight to evaluate on from 2020-01-01"),
    ];
    for (options, words) in cases {
        let arguments = [&["evaluate", "--model", &models, "--data", &later][..], options].concat();
        let (status, stdout, stderr) = run(&arguments, b"");
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(stderr.contains(words) && !stderr.contains("panicked"), "{options:?}: {stderr}");
    }
    // Training options are refused with a published model.
    for option in [["--depth", "3"], ["--columns", "40%"], ["--preset", "seed"], ["--rolling", "month"]] {
        let (status, _, stderr) =
            run(&[&["evaluate", "--model", &models, "--data", &later][..], &option].concat(), b"");
        assert!(status.code() == Some(2) && stderr.contains(option[0]), "{option:?}: {stderr}");
    }
    // The model was trained on the bundled flights.
    let (status, _, stderr) = run(&["evaluate", "--model", &models], b"");
    assert!(status.code() == Some(1) && stderr.contains("the data end on 2013-12-31"), "{stderr}");
}

#[test]
fn invalid_evaluations_are_refused_before_training() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(dir.path(), "flights.parquet", "2013-01-01", 40).to_string_lossy().into_owned();
    let nowhere = dir.path().join("none/report.html").to_string_lossy().into_owned();
    let folder = dir.path().to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 6] = [
        (&["--train-to", "2013-01-20", "--from", "2013-01-20"], "end the training before 2013-01-20"),
        (&["--from", "2013-05-01"], "the data are of 2013-01-01 to 2013-02-09"),
        (&["--rolling", "month", "--to", "2013-01-31", "--from", "2013-01-15"], "28 days"),
        (&["--html", &nowhere], "cannot write the page"),
        (&["--html", &folder], "is a directory"),
        (&["--data", "none.parquet"], "none.parquet"),
    ];
    for (options, words) in cases {
        let (status, stdout, stderr) = run(&[&["evaluate", "--data", &data][..], options].concat(), b"");
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{options:?}: {stderr}");
        assert!(stderr.contains(words) && !stderr.contains("trees"), "{options:?}: {stderr}");
    }
    for options in [["--bootstrap", "10001"], ["--version", "x"], ["--rolling", "week"]] {
        let (status, _, stderr) = run(&[&["evaluate"][..], &options].concat(), b"");
        assert_eq!(status.code(), Some(2), "{options:?}: {stderr}");
    }
}

#[test]
fn an_interrupt_ends_the_evaluation_without_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("report.html");
    interrupt(&["evaluate", "--html", &page.to_string_lossy()], "to be answered");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
