//! The README's commands, run as they stand there.
//!
//! In a `console` block a line with `$ ` is a command, and the lines up to the next are its output on stdout, where `…`
//! stands for anything. `./up`, the first command of all, is run from the project's folder, and builds what it needs.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::Process;

struct Example {
    command: String,
    output: String,
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn examples(markdown: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut in_console = false;
    for line in markdown.lines() {
        match (in_console, line.strip_prefix("$ ")) {
            (false, _) => in_console = line == "```console",
            (true, Some(command)) => examples.push(Example { command: command.to_owned(), output: String::new() }),
            (true, None) if line == "```" => in_console = false,
            (true, None) => {
                let example = examples.last_mut().expect("a console block starts with a command");
                example.output += line;
                example.output += "\n";
            }
        }
    }
    examples
}

/// Whether `text` is `pattern`, in which `…` stands for anything, line breaks included.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.trim_end().split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.trim_end().strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    for (index, piece) in pieces.iter().enumerate() {
        let found = if index + 1 == pieces.len() {
            rest.ends_with(piece).then(|| rest.len() - piece.len())
        } else {
            rest.find(piece)
        };
        let Some(at) = found else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

#[test]
fn patterns_match_what_they_should() {
    assert!(matches("a…c\n", "abc\n") && matches("…", "") && matches("a\n…\nz", "a\nb\nc\nz") && matches("a", "a\n"));
    assert!(!matches("a…c", "abcd") && !matches("a", "ab") && !matches("x…", "ab"));
}

#[test]
fn the_readmes_commands_do_what_it_says() {
    let examples = examples(&fs::read_to_string(project().join("README.md")).unwrap());
    assert!(examples.len() >= 3, "only {} commands", examples.len());
    let bin = Path::new(env!("CARGO_BIN_EXE_delaycast")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("var")).unwrap();
    for Example { command, output: expected } in examples {
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &command]).current_dir(&dir).env("PATH", &path).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}\n{stderr}");
        assert!(matches(&expected, &stdout), "{command}\nprinted\n{stdout}\ninstead of\n{expected}");
    }
}

/// One after the other: both builds leave their binary in the same place.
#[test]
fn up_brings_the_system_up_without_services_and_between_them() {
    asks_of_up(&[]);
    asks_of_up(&["--processes", "3"]);
    if support::services().is_some() {
        asks_of_up(&["--services"]);
    }
}

fn asks_of_up(options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    support::give_models(dir.path());
    let mut up = Command::new(project().join("up"));
    up.args(options).args(["--port", "0", "--dir"]).arg(dir.path()).stdin(Stdio::null());
    // The build is its own: what it gets from the test's cargo would make it rebuild.
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARGO") && name != "CARGO_HOME") {
        up.env_remove(name);
    }
    let up = Process::spawn(&mut up);
    let base = up.line_after_a_build("delaycast is ready: ");
    let flight =
        [("Carrier", "AA"), ("Origin", "JFK"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];
    let mut reply = ureq::post(format!("{base}flights/delays/predict/classify_realtime")).send_form(flight).unwrap();
    let reply: serde_json::Value = serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap();
    let url = format!("{base}flights/delays/predict/classify_realtime/response/{}", reply["id"].as_str().unwrap());
    support::until("the answer is there", || {
        ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap().contains("\"Prediction\"")
    });
    assert_eq!(up.terminate(), Some(0));
}
