//! Tests of `delaycast batch`, with the page that asks for it.

use chrono::NaiveDate;
use serde_json::Value;

use crate::support::{Process, give_models, run};

const FORM: [(&str, &str); 5] =
    [("Carrier", "UA"), ("Origin", "EWR"), ("Dest", "IAH"), ("FlightDate", "2026-12-01"), ("DepDelay", "")];

/// Asks for the batch, and returns the task.
fn ask(base: &str) -> Value {
    let mut response = ureq::post(format!("{base}flights/delays/predict/classify")).send_form(FORM).unwrap();
    serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
}

fn page(base: &str, day: NaiveDate) -> String {
    let url = format!("{base}flights/delays/predict_batch/results/{day}");
    ureq::get(url).header("accept", "text/html").call().unwrap().body_mut().read_to_string().unwrap()
}

/// The page runs beside the batch, in another process.
#[test]
fn what_was_asked_on_a_day_is_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let folder = dir.path().to_string_lossy().into_owned();
    let up = Process::start(&["up", "--dir", &folder, "--port", "0"]);
    let base = up.line_after("delaycast is ready: ");
    let task = ask(&base);
    let day: NaiveDate = task["Timestamp"].as_str().unwrap()[..10].parse().unwrap();
    assert!(page(&base, day).contains("One question waits"));

    let (store, models) = (format!("sqlite:{folder}/delaycast.db"), format!("{folder}/models"));
    let date = day.to_string();
    let arguments = ["batch", "--date", &date, "--store", &store, "--models", &models, "--format", "json"];
    let (status, stdout, stderr) = run(&arguments, b"");
    assert!(status.success(), "{stderr}");
    let counts: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&counts["date"], &counts["answered"], &counts["rejected"]),
        (&date.as_str().into(), &1.into(), &0.into())
    );
    let answered = page(&base, day);
    assert!(answered.contains("1 to 1 of 1") && !answered.contains("waits"), "{answered}");

    // The same answer as `predict` gives.
    let mut message = task.clone();
    message.as_object_mut().unwrap().remove("_id");
    let (_, stdout, _) = run(&["predict", "--models", &models], message.to_string().as_bytes());
    let predicted: Value = serde_json::from_str(&stdout).unwrap();
    let results = engine::store::open::<delaycast::domain::Flights>(&store).unwrap().batches().unwrap();
    let results = results.results(day, &engine::batch::Place::default(), 10).unwrap().rows;
    assert_eq!(results.len(), 1);
    for field in ["UUID", "Prediction", "Probabilities", "ArrDelay", "ModelVersion", "Route"] {
        assert_eq!(results[0][field], predicted[field], "{field}");
    }
    assert_eq!(results[0]["Timestamp"], task["Timestamp"], "text, by which the old page finds it");

    let (_, again, _) = run(&arguments, b"");
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), counts);
}

#[test]
fn a_day_without_questions_and_a_store_that_is_not_there_are_told() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let models = format!("{}/models", dir.path().display());
    let none = format!("sqlite:{}/none.db", dir.path().display());
    let (status, _, stderr) = run(&["batch", "--store", &none, "--models", &models], b"");
    assert!(status.code() == Some(1) && stderr.contains("none.db"), "{stderr}");
    let (status, _, stderr) = run(&["batch", "--date", "28.11.2026"], b"");
    assert!(status.code() == Some(2) && stderr.contains("2026-11-28"), "{stderr}");
}
