//! Tests of `delaycast ask` and `delaycast answer` on the embedded log and store.

use crate::support::{Process, models, request, run, until};
use serde_json::Value;

/// Runs a command. Returns its exit code, stdout and stderr.
fn output_of(arguments: &[&str], url: &str, input: &str) -> (Option<i32>, String, String) {
    let at: &[&str] = if arguments[0] == "ask" { &["--log", url, "--store", url] } else { &["--store", url] };
    let (status, stdout, stderr) = run(&[arguments, at].concat(), input.as_bytes());
    (status.code(), stdout, stderr)
}

#[test]
fn a_request_is_published_and_its_answer_printed() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let (code, _, stderr) = output_of(&["answer", "u-1"], &url, "");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("there is no file") && dir.path().read_dir().unwrap().next().is_none(), "{stderr}");

    // Without a scorer the request stays in the log.
    let (code, stdout, stderr) = output_of(&["ask", "--wait", "1s"], &url, "");
    assert_eq!((code, stdout.as_str()), (Some(75), ""), "{stderr}");
    let (_, later) = stderr.split_once("delaycast answer ").unwrap();
    let first: String = later.chars().take(36).collect();
    assert!(stderr.contains("after 1 s") && stderr.contains("delaycast doctor"), "{stderr}");
    let (code, stdout, _) = output_of(&["answer", &first, "--format", "json"], &url, "");
    assert_eq!((code, stdout.trim_end()), (Some(75), format!(r#"{{"status":"WAIT","id":"{first}"}}"#).as_str()));

    let scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &models().to_string_lossy()]);
    let flight = ["ask", "--carrier", "b6", "--origin", "JFK", "--dest", " sfo", "--dep-delay", "-3", "--wait", "2m"];
    let (code, stdout, stderr) = output_of(&flight, &url, "");
    assert_eq!(code, Some(0), "{stderr}");
    for words in
        [" minutes late", "JFK to SFO", "B6; Sunday, 25 December 2016; Left 3 minutes early", " %  ", "Why: Of all"]
    {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
    // The earlier request is answered, too.
    until("the first is answered", || output_of(&["answer", &first], &url, "").0 == Some(0));

    let (code, stdout, stderr) = output_of(&["ask", "-", "--format", "json"], &url, &request("u-1", 170.0));
    assert_eq!(code, Some(0), "{stderr}");
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&answer["status"], &answer["id"]), (&Value::from("OK"), &Value::from("u-1")));
    assert_eq!(answer["prediction"]["Prediction"], 3.0);
    let same = output_of(&["answer", "u-1", "--format", "json"], &url, "");
    assert_eq!((same.0, same.1), (Some(0), stdout));

    // Invalid requests are not published.
    for (arguments, input, words) in [
        (&["ask", "--date", "2016-02-30"][..], "", "FlightDate: must be a date"),
        (&["ask", "--dest", "ATL"], "", "Dest: must differ from Origin"),
        (&["ask", "-"], "{\"Carrier\":", "EOF"),
        (&["ask", "--wait", "2h"], "", "at most 3600 s"),
    ] {
        let (code, stdout, stderr) = output_of(arguments, &url, input);
        assert!(code != Some(0) && stdout.is_empty() && stderr.contains(words), "{code:?}: {stderr}");
    }
    // A rejection is an error, not printed as an answer.
    let broken = request("u-2", 5.0).replace("AA", "TOOLONGCODE");
    let (status, _, stderr) = run(&["send", "-", "--log", &url], broken.as_bytes());
    assert!(status.success(), "{stderr}");
    until("it is rejected", || output_of(&["answer", "u-2"], &url, "").0 == Some(1));
    let (_, stdout, stderr) = output_of(&["answer", "u-2", "--format", "json"], &url, "");
    let reason = "Carrier: a code has 1 to 7 printable ASCII characters";
    assert_eq!(stdout.trim_end(), format!(r#"{{"status":"REJECTED","id":"u-2","reason":"{reason}"}}"#));
    assert!(stderr.contains(&format!("the request u-2 is rejected: {reason}")), "{stderr}");
    assert_eq!(scorer.terminate(), Some(0));
}
