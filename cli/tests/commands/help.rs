//! Tests of the help on a terminal of 80 columns, and of `./up --help` before a build.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::delaycast;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the help of a command on a terminal of this width.
fn help(command: &[String], columns: u32) -> String {
    let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let output = delaycast(&words).env("COLUMNS", columns.to_string()).output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns all commands and subcommands, each with its help on 80 columns.
fn all_commands() -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut pending: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = pending.pop() {
        let text = help(&command, 80);
        let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        for line in listed {
            // A description that wraps is indented deeper than a name.
            let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
            let name = name.split(' ').next().unwrap();
            if name != "help" {
                pending.push(command.iter().map(String::as_str).chain([name]).map(str::to_owned).collect());
            }
        }
        found.push((command, text));
    }
    found
}

/// Returns the commands in the examples of a help, each as a shell reads it.
fn examples(help: &str) -> Vec<String> {
    let block = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
    let mut commands: Vec<String> = Vec::new();
    let mut continues = false;
    for line in block.take_while(|line| !line.is_empty()) {
        let piece = line.trim_end_matches('\\');
        match commands.last_mut().filter(|_| continues) {
            Some(command) => *command += piece.trim_start(),
            None => commands.push(piece.trim_start().to_owned()),
        }
        continues = line.ends_with('\\');
    }
    commands
}

#[test]
fn examples_can_be_pasted_from_a_terminal_of_80_columns() {
    let all = all_commands();
    assert!(all.len() > 20, "{}", all.len());
    let mut count = 0;
    for (command, narrow) in &all {
        let (narrow, wide) = (examples(narrow), examples(&help(command, 1000)));
        assert_eq!(narrow, wide, "{command:?}: an example is broken where the terminal ends");
        for example in narrow {
            // The second half of a broken line would not begin with a program.
            assert!(example.starts_with("delaycast ") || example.starts_with("echo '"), "{command:?}: {example}");
            let parsed = Command::new("bash").args(["-n", "-c", &example]).status().unwrap();
            assert!(parsed.success(), "{command:?}: {example}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}

/// Returns what the example of a command sends to it.
fn line_in_example(command: &[&str]) -> Vec<u8> {
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let example = examples(&help(&command, 80)).remove(0);
    let (echo, _) = example.split_once(" | ").unwrap();
    Command::new("bash").args(["-c", echo]).output().unwrap().stdout
}

#[test]
fn the_requests_and_events_in_examples_are_valid() {
    for command in ["send", "predict"] {
        delaycast::request::decode(&line_in_example(&[command])).unwrap();
    }
    delaycast::live::decode(&line_in_example(&["events", "send"])).unwrap();
}

/// `DELAYCAST_BLESS=1` rewrites the file.
#[test]
fn up_prints_its_help_before_a_build() {
    let file = project().join("scripts/up.help");
    let options = help(&["up".to_owned()], 100);
    let (introduction, _) = fs::read_to_string(&file).unwrap().split_once("\n\n").map(to_owned).unwrap();
    let expected = format!("{introduction}\n\n{options}");
    if env::var_os("DELAYCAST_BLESS").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    for word in ["--help", "-h"] {
        // The path has no build tools.
        let empty = tempfile::tempdir().unwrap();
        let up = Command::new("/bin/bash")
            .arg(project().join("up"))
            .args(["--port", "8080", word])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", empty.path().display()))
            .env("HOME", empty.path())
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        assert_eq!(String::from_utf8(up.stdout).unwrap(), expected, "DELAYCAST_BLESS=1 rewrites {}", file.display());
    }
}

fn to_owned((first, rest): (&str, &str)) -> (String, String) {
    (first.to_owned(), rest.to_owned())
}
