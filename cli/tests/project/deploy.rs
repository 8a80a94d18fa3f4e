//! Tests that the arguments of `delaycast` in manifests, images and compose.yaml are in its help.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy")
}

/// Returns the `args` of each container in a manifest: a list of words, one a line.
fn arguments_in(manifest: &str) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        match line.strip_prefix("- ") {
            Some(word) if inside => commands.last_mut().unwrap().push(word.trim_matches('"').to_owned()),
            _ => {
                inside = line == "args:";
                if inside {
                    commands.push(Vec::new());
                }
            }
        }
    }
    commands
}

/// Returns the words of lists in brackets, as in `CMD` of a Dockerfile and `command` of compose.yaml.
fn lists_in(text: &str, before: &str) -> Vec<Vec<String>> {
    let lists = text.lines().filter_map(|line| line.trim().strip_prefix(before)?.strip_suffix(']'));
    lists.map(|list| list.split(',').map(|word| word.trim().trim_matches('"').to_owned()).collect()).collect()
}

/// Returns the options of `words` that are not in the help of their subcommand.
fn unknown_options(words: &[String]) -> Vec<String> {
    let command = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    let output = Command::new(env!("CARGO_BIN_EXE_delaycast")).args(command).arg("--help").output().unwrap();
    assert!(output.status.success(), "there is no command for {words:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    let known: Vec<&str> = help.split([' ', '\n', ',']).filter(|word| word.starts_with("--")).collect();
    let options = words.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap());
    options.filter(|option| !known.contains(option)).map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_deployment_exists() {
    let mut commands = Vec::new();
    for manifest in ["score", "web", "train", "batch", "topics"] {
        let path = deploy().join("gke/base").join(manifest).with_extension("yaml");
        let found = arguments_in(&fs::read_to_string(path).unwrap());
        assert_eq!(found.len(), 1, "{manifest}: {found:?}");
        commands.extend(found);
    }
    let dockerfile = lists_in(&fs::read_to_string(deploy().join("docker/Dockerfile")).unwrap(), "CMD [");
    assert_eq!(dockerfile.len(), 3, "{dockerfile:?}");
    let compose = lists_in(&fs::read_to_string(deploy().join("compose.yaml")).unwrap(), "command: [");
    assert_eq!(compose.len(), 4, "{compose:?}");
    commands.extend(dockerfile);
    commands.extend(compose);
    for words in commands {
        assert_eq!(unknown_options(&words), Vec::<String>::new(), "of {words:?}");
    }
}

#[test]
fn an_unknown_option_is_found() {
    let words = ["topics", "create", "--replication=3", "--replicas=3"].map(str::to_owned);
    assert_eq!(unknown_options(&words), ["--replicas"]);
}
