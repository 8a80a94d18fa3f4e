//! Tests of the smaller commands, and of error messages.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    process::Stdio,
    sync::mpsc,
    thread,
};

use crate::support::{DEADLINE, delaycast, models, request, run};
use serde_json::{Value, json};

#[test]
fn predict_answers_each_line_in_order() {
    let cut = &request("c", 5.0)[..60];
    let input = format!("{}\n\nnot json\n{}\n{cut}\n", request("a", 100.0), request("b", -20.0));
    let (status, stdout, stderr) = run(&["predict", "--models", &models().to_string_lossy()], input.as_bytes());
    assert!(status.success(), "{stderr}");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["UUID"], &lines[0]["Prediction"]), (&Value::from("a"), &Value::from(3.0)));
    assert_eq!((&lines[1]["status"], &lines[1]["line"]), (&Value::from("REJECTED"), &Value::from(3)));
    assert_eq!(lines[2]["UUID"], "b");
    assert_eq!(
        (&lines[1]["id"], &lines[3]["status"], &lines[3]["id"]),
        (&Value::Null, &Value::from("REJECTED"), &Value::from("c"))
    );
    assert_eq!(lines.len(), 4);
}

#[test]
fn predict_uses_a_schedule_and_the_weather() {
    let with = |id: &str, fields: &str| request(id, 20.0).replacen('{', &format!("{{{fields}, "), 1);
    let schedule = r#""CRSDepTime": 1745, "CRSArrTime": "2125""#;
    let storm = r#""Weather": {"Temp": 34, "WindSpeed": 40, "WindGust": 58, "Precip": 0.6, "Visibility": 0.5}"#;
    let lines = [
        with("plain", schedule),
        with("storm", &format!("{schedule}, {storm}")),
        with("half", r#""CRSDepTime": 1745"#),
        with("gale", r#""Weather": {"WindSpeed": 400}"#),
    ];
    let arguments = ["predict", "--models", &models().to_string_lossy()];
    let (status, stdout, stderr) = run(&arguments, lines.join("\n").as_bytes());
    assert!(status.success(), "{stderr}");
    let answers: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["Forest"], "with departure delay and schedule");
    assert_eq!(answers[1]["Forest"], "with departure delay, schedule and weather");
    let late = |answer: &Value| answer["Probabilities"][3].as_f64().unwrap();
    assert!(late(&answers[1]) > late(&answers[0]), "{stdout}");
    // An answer repeats the inputs that the contract names, and the schedule that it assumes.
    assert_eq!((&answers[1]["CRSDepTime"], &answers[1]["CRSArrTime"]), (&json!(1745), &json!(2125)));
    assert!(answers[1].get("Weather").is_none());
    assert_eq!(answers[2]["reason"], "CRSArrTime: is missing: a schedule has both, CRSDepTime and CRSArrTime");
    assert_eq!(answers[3]["reason"], "Weather.WindSpeed: must be 0 to 260 mph");
}

#[test]
fn predict_answers_a_line_before_the_input_ends() {
    let mut command = delaycast(&["predict", "--models", &models().to_string_lossy()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A blank line and the beginning of another one must not delay the answer.
    write!(stdin, "{}\n\n{{", request("a", 0.0)).unwrap();
    let (send, answers) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let reading = thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
    let answer = answers.recv_timeout(DEADLINE);
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(reading.join().unwrap());
    assert!(answer.is_ok_and(|line| line.contains(r#""UUID":"a""#)));
}

#[test]
fn send_publishes_long_lines_as_fast_as_the_log_accepts_them() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!("sqlite:{}", dir.path().join("log.db").display());
    let file = dir.path().join("long.ndjson");
    // With lines this long, the byte bound of the embedded log is reached before the message bound of `send`.
    fs::write(&file, format!("{:<65535}\n", request("a", 0.0)).repeat(3000)).unwrap();
    let (status, _, stderr) = run(&["send", &file.to_string_lossy(), "--log", &log], b"");
    assert!(status.success(), "{stderr}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let (status, stdout, _) = run(&["--help"], b"");
    assert!(status.success());
    let commands: Vec<&str> = stdout
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()))
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let (status, stdout, _) = run(&[command, "--help"], b"");
        assert!(status.success(), "{command}");
        assert!(stdout.contains("Example") || stdout.contains("Commands:"), "{command} --help has no example");
    }
}

#[test]
fn errors_name_the_cause_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    fs::write(at("text"), "no database, however long this text may be").unwrap();
    let cases: [(Vec<String>, &str); 5] = [
        (vec!["send".into(), "-".into(), "--log".into(), format!("sqlite:{}", at("text"))], "no SQLite database"),
        (vec!["predict".into(), "--models".into(), at("none")], "delaycast train"),
        (vec!["send".into(), at("none.ndjson"), "--log".into(), format!("sqlite:{}", at("db"))], "none.ndjson"),
        (vec!["send".into(), "-".into(), "--log".into(), "postgres:x".into()], "known are"),
        (vec!["send".into(), "-".into(), "--log".into(), format!("sqlite:{}?speed=9", at("db"))], "parameter 1"),
    ];
    for (arguments, words) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (status, stdout, stderr) = run(&arguments, b"");
        assert_eq!(status.code(), Some(1), "{arguments:?}");
        assert!(stdout.is_empty() && stderr.contains("error: ") && stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(stderr.matches("file is not a database").count() <= 1, "a cause is printed once: {stderr}");
    }
}

#[test]
fn an_invalid_log_url_fails_before_training_and_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_string_lossy();
    let log = "kafka://anna:secret@broker:9092/requests";
    let (status, _, stderr) = run(&["up", "--dir", &dir, "--port", "0", "--log", log], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("cannot open the request log kafka://…"), "{stderr}");
    assert!(!stderr.contains("training") && !stderr.contains("secret"), "{stderr}");
}

#[test]
fn an_invalid_model_directory_fails_before_training() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (status, _, stderr) = run(&["train", "--models", &file.path().to_string_lossy()], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("cannot create") && !stderr.contains("trees"), "{stderr}");
}

#[test]
fn predict_names_the_end_of_the_pipe_that_failed() {
    let models = models().to_string_lossy();
    let mut command = delaycast(&["predict", "--models", &models]);
    let output = command.stdin(File::open("/").unwrap()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("cannot read the requests"), "{stderr}");

    let dir = tempfile::tempdir().unwrap();
    let requests = dir.path().join("requests.ndjson");
    fs::write(&requests, request("a", 5.0)).unwrap();
    let mut command = delaycast(&["predict", "--models", &models]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdin(File::open(requests).unwrap()).stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("cannot write the answers"), "{stderr}");
}

#[test]
fn send_counts_what_it_published_before_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!("sqlite:{}", dir.path().join("db").display());
    let input = format!("{}\n{}\n{}\n", request("a", 1.0), "x".repeat((16 << 20) + 1), request("b", 1.0));
    let (status, _, stderr) = run(&["send", "-", "--log", &log], input.as_bytes());
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains(" 1 published") && stderr.contains("line 2"), "{stderr}");
}

#[test]
fn errors_about_options_show_valid_values() {
    let (status, _, stderr) = run(&["train", "--holdout-from", "yesterday"], b"");
    assert!(status.code() == Some(2) && stderr.contains("2013-10-01"), "{stderr}");
    let (status, _, stderr) = run(&["train", "--workers", "100000"], b"");
    assert!(status.code() == Some(2) && stderr.contains("256"), "{stderr}");
}

#[test]
fn the_log_level_is_read_from_its_variable_and_from_the_former_name() {
    let stderr_of = |variables: &[(&str, &str)]| {
        let mut command = delaycast(&["predict", "--models", "/nowhere"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for variable in ["DELAYCAST_LOG_LEVEL", "DELAYCAST_LOG"] {
        let stderr = stderr_of(&[(variable, "debug=loud")]);
        assert!(stderr.contains(&format!("{variable}=debug=loud is not understood")), "{stderr}");
        let stderr = stderr_of(&[(variable, "kafka://me:secret@broker:9092/t")]);
        assert!(stderr.contains("DELAYCAST_LOG_URL") && !stderr.contains("secret"), "{stderr}");
        assert!(!stderr_of(&[(variable, "debug")]).contains("warning"));
    }
    let both = stderr_of(&[("DELAYCAST_LOG", "debug=loud"), ("DELAYCAST_LOG_LEVEL", "info")]);
    assert!(!both.contains("warning"), "the new name has precedence: {both}");
}

#[test]
fn load_routes_fails_before_it_opens_a_store_without_routes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.db");
    let store = format!("sqlite:{}", path.display());
    let (status, _, stderr) = run(&["data", "load-routes", "/no/such/routes.jsonl", "--store", &store], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("keeps no route table") && stderr.contains("--store mongodb://"), "{stderr}");
    assert!(!path.exists(), "no file is created");
}
