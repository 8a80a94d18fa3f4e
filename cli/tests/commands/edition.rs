//! Tests that the program reads the files of the edition before, `cli/tests/fixtures/edition-1`: its embedded file, its
//! model, and the JSON that its clients and operators read.

use std::{fs, mem::discriminant, path::Path};

use crate::{
    health::{free_address, metric},
    support::{Process, copy, request, run, until},
};
use serde_json::Value;

/// The version of the model of the edition before.
const MODEL: &str = "20261126T210124768Z-80abda90";

fn recorded(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edition-1").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The lines of a file that are JSON.
fn json_lines(file: &str) -> Vec<Value> {
    recorded(file).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A copy of the files, as `delaycast up` keeps them.
struct Fixture {
    dir: tempfile::TempDir,
    url: String,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edition-1");
        fs::copy(from.join("delaycast.db"), dir.path().join("delaycast.db")).unwrap();
        copy(&from.join("models"), &dir.path().join("models"));
        let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
        Fixture { dir, url }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    /// The outcome of a request as `delaycast answer` prints it.
    fn outcome(&self, id: &str) -> String {
        run(&["answer", id, "--store", &self.url, "--format", "json"], b"").1.trim_end().to_owned()
    }

    fn doctor(&self) -> Value {
        let models = self.path("models");
        let (_, stdout, stderr) =
            run(&["doctor", "--log", &self.url, "--store", &self.url, "--models", &models, "--format", "json"], b"");
        assert!(!stdout.is_empty(), "{stderr}");
        json(&stdout)
    }

    /// Starts the whole system; returns it with the address of its page.
    fn up(&self, health: &str) -> (Process, String) {
        let dir = self.dir.path().to_string_lossy();
        let up = Process::start(&["up", "--port", "0", "--dir", &dir, "--health", health]);
        let page = up.line_after("delaycast is ready: ");
        (up, page)
    }

    fn count(&self, rows: &str) -> u64 {
        let database = rusqlite::Connection::open(self.path("delaycast.db")).unwrap();
        let count: i64 = database.query_row(&format!("SELECT count(*) FROM {rows}"), [], |row| row.get(0)).unwrap();
        count.try_into().unwrap()
    }
}

fn get(url: &str) -> String {
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

/// Checks that `now` has every key that `before` has, at any depth, with a value of the same type unless one of them is
/// null. The items of a list stand for one another, but for findings, which have the key `what`.
fn has_every_key_of(now: &Value, before: &Value, path: &str) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (key, before) in before {
                let now = now.get(key).unwrap_or_else(|| panic!("{path}.{key} is missing: {now:?}"));
                has_every_key_of(now, before, &format!("{path}.{key}"));
            }
        }
        (Value::Array(now), Value::Array(before)) => {
            for before in before {
                let same = now.iter().find(|now| now.get("what") == before.get("what"));
                let same = same.unwrap_or_else(|| panic!("{path} has nothing like {before}: {now:?}"));
                has_every_key_of(same, before, path);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ => assert_eq!(discriminant(now), discriminant(before), "{path} was {before} and is {now}"),
    }
}

#[test]
fn answers_and_rejections_of_the_edition_before_are_found() {
    let fixture = Fixture::new();
    let outcomes = recorded("answers.ndjson");
    assert_eq!(outcomes.lines().count(), 4);
    for outcome in outcomes.lines() {
        let id = json(outcome)["id"].as_str().unwrap().to_owned();
        assert_eq!(fixture.outcome(&id), outcome);
    }
}

#[test]
fn a_model_of_the_edition_before_answers_as_it_did() {
    let fixture = Fixture::new();
    let arguments = ["predict", "--models", &fixture.path("models")];
    let (status, stdout, stderr) = run(&arguments, recorded("answered.ndjson").as_bytes());
    assert!(status.success(), "{stderr}");
    let now: Vec<Value> = stdout.lines().map(json).collect();
    let answered = json_lines("answers.ndjson").into_iter().filter_map(|outcome| outcome.get("prediction").cloned());
    let answered: Vec<Value> = answered.collect();
    assert_eq!(answered.len(), 3);
    for mut before in answered {
        let mut now = now.iter().find(|now| now["UUID"] == before["UUID"]).cloned().unwrap();
        for document in [&mut now, &mut before] {
            assert!(document.as_object_mut().unwrap().remove("ScoredAt").is_some());
        }
        // Fields that answers have had since.
        for field in ["CRSDepTime", "CRSArrTime"] {
            assert!(before.get(field).is_none());
            now.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(now, before);
    }
}

#[test]
fn the_scorer_goes_on_at_the_offsets_that_the_edition_before_committed() {
    let fixture = Fixture::new();
    let (answers, rejections, dead) =
        (fixture.count("answers"), fixture.count("rejections"), fixture.count("dead_letters"));
    let health = free_address();
    let (up, page) = fixture.up(&health);
    let waiting = json_lines("waiting.ndjson");
    let outcomes = || waiting.iter().map(|request| fixture.outcome(request["UUID"].as_str().unwrap()));
    until("all is committed", || {
        let status = json(&get(&format!("{page}ops.json")));
        (&status["lag"], &status["in_flight"]) == (&0.into(), &0.into())
            && outcomes().all(|outcome| !outcome.contains("WAIT"))
    });
    // What was committed is not read again.
    assert_eq!(metric(&health, "delaycast_consumed_records_total"), Some(4.0));
    assert_eq!(up.terminate(), Some(0));
    let written = (fixture.count("answers"), fixture.count("rejections"), fixture.count("dead_letters"));
    assert_eq!(written, (answers + 3, rejections + 1, dead + 1));
    let models =
        outcomes().filter_map(|outcome| json(&outcome)["prediction"]["ModelVersion"].as_str().map(str::to_owned));
    assert_eq!(models.collect::<Vec<_>>(), [MODEL; 3]);
}

#[test]
fn doctor_finds_what_that_of_the_edition_before_found() {
    let (now, before) = (Fixture::new().doctor(), json(&recorded("doctor.json")));
    has_every_key_of(&now, &before, "doctor");
    assert_eq!(now["state"], before["state"]);
    let states = |report: &Value| -> Vec<(Value, Value)> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| (finding["what"].clone(), finding["state"].clone())).collect()
    };
    assert_eq!(states(&now), states(&before));
}

#[test]
fn operations_and_metrics_have_every_name_that_they_had() {
    let fixture = Fixture::new();
    let health = free_address();
    let (up, page) = fixture.up(&health);
    // Answers of the edition before are older than the window that is counted.
    let lines = format!("{}\nnot a request\n", request("new", 5.0));
    assert!(run(&["send", "-", "--log", &fixture.url], lines.as_bytes()).0.success());
    let mut now = Value::Null;
    until("both are counted", || {
        now = json(&get(&format!("{page}ops.json")));
        let counted = |what: &str| now[what]["total"].as_u64().unwrap() > 0;
        counted("answers") && counted("dead_letters") && !now["lag"].is_null() && !now["behind_s"].is_null()
    });
    has_every_key_of(&now, &json(&recorded("ops.json")), "ops");
    let metrics = get(&format!("http://{health}/metrics"));
    for family in recorded("metrics.txt").lines() {
        assert!(metrics.lines().any(|line| line.strip_prefix("# TYPE ") == Some(family)), "{family}: {metrics}");
    }
    assert_eq!(up.terminate(), Some(0));
}
