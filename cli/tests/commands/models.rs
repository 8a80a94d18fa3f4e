//! Tests of `delaycast models`, and of its effect on a scorer.

use std::{fs, path::Path};

use crate::support::{Process, give_models, request, run, until};
use chrono::Utc;
use delaycast::model::ModelDir;
use serde_json::Value;

fn models(dir: &Path, arguments: &[&str]) -> Result<Value, String> {
    let dir = dir.join("models").to_string_lossy().into_owned();
    let (status, stdout, stderr) =
        run(&[&["models"], arguments, &["--models", &dir, "--format", "json"]].concat(), b"");
    if status.success() { Ok(serde_json::from_str(&stdout).unwrap()) } else { Err(stderr) }
}

#[test]
fn versions_are_listed_shown_promoted_and_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let all = ModelDir::new(dir.path().join("models"));
    let first = all.current().unwrap();
    let second = all.publish_aside(all.load_current().unwrap().model, Utc::now()).unwrap().version;
    let damaged = all.publish_aside(all.load_current().unwrap().model, Utc::now()).unwrap().version;
    fs::write(all.path_of(&damaged), "half").unwrap();

    let listed = models(dir.path(), &["list"]).unwrap();
    let versions = listed["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["version"]), (3, &Value::from(first.as_str())));
    assert_eq!(
        (&versions[0]["roles"][0], &versions[0]["trainer"]),
        (&Value::from("current"), &Value::from("histogram"))
    );
    assert!(versions[0]["holdout_log_loss"].is_f64() && versions[0]["damaged"].is_null());
    assert!(versions[2]["damaged"].as_str().unwrap().contains("cannot be used"), "{}", versions[2]);
    let at = dir.path().join("models").to_string_lossy().into_owned();
    let (_, text, _) = run(&["models", "list", "--models", &at], b"");
    let marks: Vec<&str> = text.lines().skip(1).map(|line| &line[..2]).collect();
    assert_eq!(marks, ["* ", "  ", " !"], "{text}");

    let shown = models(dir.path(), &["show", "current"]).unwrap();
    assert_eq!(
        (&shown["version"], &shown["forests"]["with departure delay"]["trees"]),
        (&Value::from(first.as_str()), &Value::from(20))
    );
    assert!(shown["forests"]["with departure delay"]["features"].as_array().unwrap().contains(&"DepDelay".into()));
    let (_, text, _) = run(&["models", "show", first.as_str(), "--models", &at], b"");
    assert!(text.contains("log loss") && text.contains("features"), "{text}");

    assert!(models(dir.path(), &["promote", "2"]).unwrap_err().contains("3 versions"));
    assert!(models(dir.path(), &["promote", damaged.as_str()]).unwrap_err().contains("cannot be used"));
    assert_eq!(all.current().unwrap(), first);
    let promoted = models(dir.path(), &["promote", second.as_str()]).unwrap();
    assert_eq!((&promoted["before"], &promoted["now"]), (&first.as_str().into(), &second.as_str().into()));
    assert_eq!(all.current().unwrap(), second);
    let back = models(dir.path(), &["rollback"]).unwrap();
    assert_eq!((&back["before"], &back["now"]), (&second.as_str().into(), &first.as_str().into()));
    assert!(models(dir.path(), &["rollback"]).unwrap_err().contains("promote one"));
}

#[test]
fn a_shadow_is_compared_with_the_current_model_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let all = ModelDir::new(dir.path().join("models"));
    let first = all.current().unwrap();
    let second = all.publish_aside(all.load_current().unwrap().model, Utc::now()).unwrap().version;
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let at = dir.path().join("models").to_string_lossy().into_owned();
    let scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &at]);
    assert_eq!(models(dir.path(), &["shadow", second.as_str()]).unwrap()["now"], second.as_str());
    let (mut sent, mut reported) = (0, Value::Null);
    until("the shadow is reported", || {
        let lines: String = (sent..sent + 20).map(|n| request(&format!("r-{n}"), f64::from(n)) + "\n").collect();
        sent += 20;
        let (status, _, stderr) = run(&["send", "-", "--log", &url], lines.as_bytes());
        assert!(status.success(), "{stderr}");
        reported = models(dir.path(), &["shadow", "--report", "--store", &url]).unwrap();
        !reported["comparisons"].as_array().unwrap().is_empty()
    });
    let comparison = &reported["comparisons"][0];
    assert_eq!((&comparison["shadow"], &comparison["current"]), (&second.as_str().into(), &first.as_str().into()));
    // Both versions have the same forest.
    assert_eq!((&comparison["agreed"], &comparison["mean_change"]), (&comparison["compared"], &0.0.into()));
    assert_eq!(models(dir.path(), &["shadow", "--off"]).unwrap()["now"], Value::Null);
    assert_eq!(all.current().unwrap(), first);
    assert_eq!(scorer.terminate(), Some(0));
}
