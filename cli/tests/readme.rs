//! Runs the commands of the README, of the guide to the API, and of the course guide.
//!
//! In a `console` block a line with `$ ` is a command, and the lines up to the next one are its output on stdout, in
//! which `…` matches any text. `./up`, the first command, is run from the project's folder, and builds the binary.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::{
    env, fs,
    os::unix::fs::symlink,
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

/// Returns whether `text` matches `pattern`, in which `…` matches any text with line breaks.
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
fn an_ellipsis_matches_any_text() {
    assert!(matches("a…c\n", "abc\n") && matches("…", "") && matches("a\n…\nz", "a\nb\nc\nz") && matches("a", "a\n"));
    assert!(!matches("a…c", "abcd") && !matches("a", "ab") && !matches("x…", "ab"));
}

/// Runs a command in a folder, with the binary under test in the path, and returns its stdout.
fn stdout_of(command: &str, dir: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_delaycast")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", command]).current_dir(dir).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command, and asserts that it prints its output.
fn prints_its_output(Example { command, output: expected }: &Example, dir: &Path) {
    let stdout = stdout_of(command, dir);
    assert!(matches(expected, &stdout), "{command}\nprinted\n{stdout}\ninstead of\n{expected}");
}

#[test]
fn the_commands_of_the_readme_print_their_output() {
    let examples = examples(&fs::read_to_string(project().join("README.md")).unwrap());
    assert!(examples.len() >= 3, "only {} commands", examples.len());
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("var")).unwrap();
    for example in examples {
        prints_its_output(&example, dir.path());
    }
}

/// The address in the commands of the guides.
const EXAMPLE: &str = "http://127.0.0.1:5001/";

#[test]
fn the_commands_of_the_api_guide_print_their_output() {
    let examples = examples(&fs::read_to_string(project().join("docs/api.md")).unwrap());
    assert!(examples.len() >= 7, "only {} commands", examples.len());
    let dir = tempfile::tempdir().unwrap();
    support::give_models(dir.path());
    let up = Process::start(&["up", "--port", "0", "--dir", &dir.path().to_string_lossy()]);
    let base = up.line_after("delaycast is ready: ");
    support::until("the history is prepared", || ureq::get(format!("{base}total_flights.json")).call().is_ok());
    for mut example in examples {
        assert!(example.command.contains(EXAMPLE), "{}", example.command);
        example.command = example.command.replace(EXAMPLE, &base);
        prints_its_output(&example, dir.path());
    }
    assert_eq!(up.terminate(), Some(0));
}

/// The commands of the guide need a running system, at the port that the guide names. Both languages have the same
/// commands: `project/guide.rs` compares them.
#[test]
fn the_commands_of_the_guide_print_their_output() {
    let dir = tempfile::tempdir().unwrap();
    let var = dir.path().join("var");
    support::give_models(&var);
    symlink(project().join("data"), dir.path().join("data")).unwrap();
    let up = Process::start(&["up", "--dir", &var.to_string_lossy(), "--port", "0"]);
    let base = up.line_after("delaycast is ready: ");
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    support::until("the history is prepared", || ureq::get(format!("{base}total_flights.json")).call().is_ok());
    let mut commands = 0;
    for chapter in ["local", "batch", "exploration", "kafka"] {
        let path = project().join("docs/guide/en").join(chapter).with_extension("md");
        for mut example in examples(&fs::read_to_string(path).unwrap()) {
            commands += 1;
            example.command = example.command.replace("127.0.0.1:5001", address);
            // What only looks may come before the scorer's next commit.
            if ["delaycast groups", "delaycast doctor"].iter().any(|look| example.command.starts_with(look)) {
                support::until(&example.command, || matches(&example.output, &stdout_of(&example.command, dir.path())));
            } else {
                prints_its_output(&example, dir.path());
            }
        }
    }
    assert!(commands >= 10, "only {commands} commands");
    assert_eq!(up.terminate(), Some(0));
}

/// The cases run one after the other, because all builds write the same binary.
#[test]
fn up_starts_the_system_with_and_without_services() {
    ask_up(&[]);
    ask_up(&["--processes", "3"]);
    if support::services().is_some() {
        ask_up(&["--services"]);
    }
}

fn ask_up(options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    support::give_models(dir.path());
    let mut up = Command::new(project().join("up"));
    up.args(options).args(["--port", "0", "--dir"]).arg(dir.path()).stdin(Stdio::null());
    // Variables of the test's cargo would cause a rebuild.
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
