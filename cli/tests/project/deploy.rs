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

/// Returns the paths in brackets that a rule of the gateway lets in.
fn public_paths() -> Vec<String> {
    let gateway = fs::read_to_string(deploy().join("gke/google/gateway.yaml")).unwrap();
    let paths = gateway.lines().filter_map(|line| line.split_once("path: {")?.1.split_once("value: "));
    paths.map(|(_, path)| path.trim_end_matches('}').to_owned()).collect()
}

/// The paths of all pages, as the registry and the routes name them.
fn paths_of_pages() -> Vec<String> {
    let web = deploy().parent().unwrap().join("web");
    let registry = fs::read_to_string(web.join("pages.rs")).unwrap();
    let table = registry.split("$then! {").nth(1).unwrap().split("        }").next().unwrap();
    let literals = table.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    let mut paths: Vec<String> = literals.map(str::to_owned).collect();
    let routes = fs::read_to_string(web.join("routes.rs")).unwrap();
    for path in routes.split("warp::path!(").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let segments: Vec<&str> = path.split('"').skip(1).step_by(2).collect();
        paths.push(format!("/{}", segments.join("/")));
    }
    paths
}

#[test]
fn the_gateway_leads_to_every_page_but_the_operations() {
    let public = public_paths();
    let leads_to = |path: &str| {
        let below = |prefix: &String| {
            path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        public.iter().filter(|prefix| *prefix != "/").any(below)
    };
    let paths = paths_of_pages();
    assert!(paths.len() > 20 && public.len() > 10, "{paths:?} {public:?}");
    for path in paths {
        assert_eq!(leads_to(&path), !path.starts_with("/ops") && path != "/api", "{path}");
    }
}

#[test]
fn an_unknown_option_is_found() {
    let words = ["topics", "create", "--replication=3", "--replicas=3"].map(str::to_owned);
    assert_eq!(unknown_options(&words), ["--replicas"]);
}
