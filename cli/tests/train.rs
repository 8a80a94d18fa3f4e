//! `delaycast train`, as programs and people meet it.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::Value;
use support::run;

#[test]
fn json_is_one_object_with_the_holdout_beside_its_baselines() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().join("models");
    let models = models.to_string_lossy();
    let arguments = ["train", "--models", &models, "--holdout-from", "2013-10-01", "--seed", "7", "--format", "json"];
    let (status, stdout, stderr) = run(&arguments, b"");
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains("trees"), "progress goes to stderr: {stderr}");
    let report: Value = serde_json::from_str(&stdout).expect("exactly one object");
    let metric = |who: &str, what: &str| report["holdout"][who][what].as_f64().unwrap();
    for who in ["forest", "lookup", "majority"] {
        assert!((0.0..1.0).contains(&metric(who, "accuracy")), "{who}");
        assert!(metric(who, "log_loss") > 0.0, "{who}");
    }
    assert!(metric("lookup", "log_loss") < metric("majority", "log_loss"));
    assert!(metric("forest", "log_loss") < metric("lookup", "log_loss"), "the forest is worth its trees");
    assert!(metric("forest", "log_loss") < metric("forest_without_weather", "log_loss") - 0.005, "so is the weather");
    assert!(metric("forest", "log_loss") <= 0.985);
    assert_eq!(report["holdout"]["from"], "2013-10-01");

    let version = report["version"].as_str().unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("models/current")).unwrap().trim(), version);
    assert_eq!(report["path"].as_str().unwrap(), format!("{models}/{version}/model.delaycast"));

    // A damaged model is refused, and says so.
    let path = report["path"].as_str().unwrap();
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let (status, _, stderr) = run(&["predict", "--models", &models], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains(path) && stderr.contains("because"), "{stderr}");
}

#[test]
fn a_holdout_outside_the_flights_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().to_string_lossy().into_owned();
    let (status, stdout, stderr) = run(&["train", "--models", &models, "--holdout-from", "2020-01-01"], b"");
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("2013"), "{stderr}");
}
