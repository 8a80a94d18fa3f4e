//! Tests of `delaycast train`.

use std::fs;

use crate::support::{interrupt::interrupt, run};
use serde_json::Value;

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
    let metric = |predictor: &str, metric: &str| report["holdout"][predictor][metric].as_f64().unwrap();
    for predictor in ["forest", "lookup", "majority"] {
        assert!((0.0..1.0).contains(&metric(predictor, "accuracy")), "{predictor}");
        assert!(metric(predictor, "log_loss") > 0.0, "{predictor}");
    }
    assert!(metric("lookup", "log_loss") < metric("majority", "log_loss"));
    assert!(metric("forest", "log_loss") < metric("lookup", "log_loss"), "the forest is worth its trees");
    assert!(metric("forest", "log_loss") < metric("forest_without_weather", "log_loss") - 0.005, "so is the weather");
    assert!(metric("forest", "log_loss") <= 0.985);
    assert_eq!(report["holdout"]["from"], "2013-10-01");

    let version = report["version"].as_str().unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("models/current")).unwrap().trim(), version);
    assert_eq!(report["path"].as_str().unwrap(), format!("{models}/{version}/model.delaycast"));

    // A damaged model is refused, and named.
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

#[test]
fn the_size_of_a_forest_can_be_chosen_and_invalid_sizes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().to_string_lossy().into_owned();
    let train = ["train", "--models", &models, "--preset", "seed", "--format", "json"];
    let chosen = ["--trees", "3", "--depth", "4", "--columns", "50%", "--leaf", "70", "--smoothing", "20"];
    let (status, stdout, stderr) = run(&[&train[..], &chosen].concat(), b"");
    assert!(status.success(), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let settings = &report["settings"];
    for (name, value) in [("trees", 3), ("depth", 4), ("rows_per_leaf", 70), ("smoothing_rows", 20)] {
        assert_eq!(settings[name], value, "{name}");
    }
    assert_eq!(settings["columns_per_node"], "50%");
    let before = listed(&models);
    for wrong in [["--trees", "0"], ["--depth", "33"], ["--columns", "0"], ["--columns", "101%"], ["--leaf", "0"]] {
        let (status, _, stderr) = run(&[&train[..], &wrong].concat(), b"");
        assert!(status.code() == Some(2) && stderr.contains(wrong[1]), "{wrong:?}: {stderr}");
    }
    assert_eq!(listed(&models), before);
}

#[test]
fn an_interrupt_ends_the_training_without_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().to_string_lossy().into_owned();
    let (status, _, stderr) = run(&["train", "--models", &models, "--preset", "seed"], b"");
    assert!(status.success(), "{stderr}");
    let before = listed(&models);
    interrupt(&["train", "--models", &models], "growing");
    assert_eq!(listed(&models), before);
}

#[test]
fn a_model_can_be_published_without_being_promoted() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().to_string_lossy().into_owned();
    let mut versions = Vec::new();
    for more in [&["--seed", "1"][..], &["--seed", "2", "--aside"]] {
        let arguments = [&["train", "--models", &models, "--preset", "seed", "--format", "json"], more].concat();
        let (status, stdout, stderr) = run(&arguments, b"");
        assert!(status.success(), "{stderr}");
        let report: Value = serde_json::from_str(&stdout).unwrap();
        versions.push(report["version"].as_str().unwrap().to_owned());
    }
    assert_eq!(fs::read_to_string(dir.path().join("current")).unwrap().trim(), versions[0]);
    let (status, _, stderr) = run(&["models", "promote", &versions[1], "--models", &models], b"");
    assert!(status.success(), "{stderr}");
    assert_eq!(fs::read_to_string(dir.path().join("current")).unwrap().trim(), versions[1]);
}

/// Returns the names in a model directory, and the current version.
fn listed(models: &str) -> (Vec<String>, String) {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = fs::read_dir(models).unwrap().map(name).collect();
    names.sort();
    (names, fs::read_to_string(format!("{models}/current")).unwrap())
}
