//! Tests of `delaycast up` through its page.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use crate::support::{Process, delaycast, give_models, models, run, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const FORM: [(&str, &str); 5] =
    [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];

fn get(url: &str) -> String {
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

fn ask(base: &str) -> String {
    let mut response = ureq::post(format!("{base}flights/delays/predict/classify_realtime")).send_form(FORM).unwrap();
    let reply: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(reply["status"], "OK");
    reply["id"].as_str().unwrap().to_owned()
}

fn answer(base: &str, id: &str) -> Value {
    let url = format!("{base}flights/delays/predict/classify_realtime/response/{id}");
    let mut reply = Value::Null;
    until("the answer is there", || {
        reply = serde_json::from_str(&get(&url)).unwrap();
        reply["status"] != "WAIT"
    });
    reply
}

#[test]
fn the_first_run_trains_and_answers_and_the_second_keeps_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("var");
    let arguments = ["up", "--port", "0", "--dir", &at.to_string_lossy()];

    // The first run trains a model.
    let up = Process::start(&arguments);
    let base = up.line_after("delaycast is ready: ");
    assert!(get(&format!("{base}flights/delays/predict_kafka")).contains("DepDelay"));
    let id = ask(&base);
    let first = answer(&base, &id);
    let prediction = &first["prediction"];
    assert_eq!(first["status"], "OK");
    assert_eq!((&prediction["_id"], &prediction["UUID"]), (&Value::from(id.clone()), &Value::from(id.clone())));
    assert_eq!((prediction["Route"].as_str(), prediction["DayOfWeek"].as_i64()), (Some("ATL-SFO"), Some(7)));
    assert_eq!(prediction["FlightDate"]["$date"], "2016-12-25T00:00:00Z");
    let probabilities = prediction["Probabilities"].as_array().unwrap();
    let sum: f64 = probabilities.iter().map(|p| p.as_f64().unwrap()).sum();
    assert!(probabilities.len() == 4 && (sum - 1.0).abs() < 1e-5);

    until("the history is prepared", || {
        let months = ureq::get(format!("{base}total_flights.json")).call();
        months.is_ok_and(|mut months| months.body_mut().read_to_string().unwrap().contains(r#""total_flights":27004"#))
    });
    assert!(at.join("history.db").is_file());

    until("the answer is counted, and nothing is in flight", || {
        let operations: Value = serde_json::from_str(&get(&format!("{base}ops.json"))).unwrap();
        operations["answers"]["total"] == 1
            && operations["answers"]["by_origin"][0]["name"] == "ATL"
            && (&operations["in_flight"], &operations["lag"]) == (&Value::from(0), &Value::from(0))
            && operations["behind_s"].is_u64()
    });

    // A second system on the same folder is refused, with advice.
    let (status, _, stderr) = run(&arguments, b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("another `delaycast up` uses") && stderr.contains("--dir"), "{stderr}");

    assert_eq!(up.terminate(), Some(0));
    let up = Process::start(&arguments);
    let base = up.line_after("delaycast is ready: ");
    assert_eq!(answer(&base, &id), first);
    assert_eq!(answer(&base, &ask(&base))["prediction"]["ModelVersion"], prediction["ModelVersion"]);
    until("the answer of the first run is counted again beside the new one", || {
        serde_json::from_str::<Value>(&get(&format!("{base}ops.json"))).unwrap()["answers"]["total"] == 2
    });
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn a_page_without_a_store_finds_its_answers_in_the_topic_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let (at, topic) = (dir.path().to_string_lossy(), format!("sqlite:{}", dir.path().join("answers.db").display()));
    let arguments = ["up", "--port", "0", "--dir", &at, "--store", "none", "--answers", &topic];
    let up = Process::start(&arguments);
    let base = up.line_after("delaycast is ready: ");
    let id = ask(&base);
    let first = answer(&base, &id);
    assert_eq!((first["status"].as_str(), first["prediction"]["UUID"].as_str()), (Some("OK"), Some(&*id)));
    assert!(get(&format!("{base}flights/delays/predict_kafka?id={id}")).contains("ATL"));
    // Batches are kept in a store: that is said, and nothing else fails.
    let batches = ureq::get(format!("{base}flights/delays/predict_batch/results/2016-12-25")).call();
    assert!(matches!(batches, Err(ureq::Error::StatusCode(503))), "{batches:?}");
    assert_eq!(up.terminate(), Some(0));

    let up = Process::start(&arguments);
    let base = up.line_after("delaycast is ready: ");
    assert_eq!(answer(&base, &id), first);
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn an_interrupt_during_the_first_training_ends_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().join("elsewhere");
    // Tests in the background may ignore interrupts, and children inherit that: `env` restores the default.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_delaycast"), "up", "--port", "0", "--dir"]);
    command.arg(dir.path()).env("DELAYCAST_MODELS", &models).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut output = String::new();
    while !output.contains("growing") {
        assert!(stderr.read_line(&mut output).unwrap() > 0, "it ended before it trained: {output}");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    stderr.read_to_string(&mut output).unwrap();
    assert!(output.contains("stopped before the first model was trained"), "{output}");
    assert!(!models.join("current").exists(), "a training that had time to end proves nothing");
}

#[test]
fn the_model_directory_may_be_named_in_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().to_string_lossy();
    let mut command = delaycast(&["up", "--port", "0", "--dir", &at]);
    let up = Process::spawn(command.env("DELAYCAST_MODELS", models()));
    up.line_after("delaycast is ready: ");
    assert_eq!(up.terminate(), Some(0));
    assert!(!dir.path().join("models").exists());
}

#[test]
fn a_folder_may_have_any_name() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["100%20 percent", "which?", "blank & ünïcode #1"] {
        let at = dir.path().join(name);
        give_models(&at);
        let up = Process::start(&["up", "--port", "0", "--dir", &at.to_string_lossy()]);
        up.line_after("delaycast is ready: ");
        assert!(at.join("delaycast.db").exists(), "{name}");
        assert_eq!(up.terminate(), Some(0));
    }
}

#[test]
fn there_is_no_shutdown_route_and_a_port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let up = Process::start(&["up", "--port", "0", "--dir", &dir.path().to_string_lossy()]);
    let base = up.line_after("delaycast is ready: ");
    assert!(base.starts_with("http://127.0.0.1:"));
    let shutdown = ureq::get(format!("{base}shutdown")).config().http_status_as_error(false).build().call().unwrap();
    assert_eq!(shutdown.status(), 404);

    let port = base.trim_end_matches('/').rsplit(':').next().unwrap();
    let other = tempfile::tempdir().unwrap();
    let (status, _, stderr) = run(&["up", "--port", port, "--dir", &other.path().to_string_lossy()], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains(port), "{stderr}");
    assert_eq!(up.terminate(), Some(0));
}
