//! Tests of the rules in docs/ARCHITECTURE.md on folders, dependencies and files.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the Rust files below a folder of the project, without folders of tests.
pub(crate) fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![project().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "{folder} has no sources");
    files
}

/// Returns the identifiers of a file, without comments.
fn words(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let words = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns the dependencies in a manifest, without those for tests.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(project().join(manifest)).unwrap();
    let mut section = "";
    let mut names = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('[') {
            Some(header) => section = header.trim_end_matches(']'),
            None if section == "dependencies" => names.extend(line.split(['.', ' ', '=']).next().map(str::to_owned)),
            None => {}
        }
    }
    names.retain(|name| !name.is_empty());
    assert!(!names.is_empty(), "{manifest} has no dependencies");
    names
}

fn name_none_of(folder: &str, except: &str, forbidden: &[&str]) {
    let excepted = project().join(except);
    for file in sources(folder).into_iter().filter(|file| except.is_empty() || !file.starts_with(&excepted)) {
        let found: Vec<String> = words(&file).into_iter().filter(|word| forbidden.contains(&word.as_str())).collect();
        assert!(found.is_empty(), "{} names {found:?}", file.display());
    }
}

#[test]
fn dependencies_run_one_way() {
    let ours = |manifest| -> Vec<String> {
        let is_ours = |name: &String| name.starts_with("delaycast") || ["engine", "server"].contains(&name.as_str());
        dependencies(manifest).into_iter().filter(is_ours).collect()
    };
    assert!(ours("engine/Cargo.toml").is_empty());
    assert_eq!(ours("Cargo.toml"), ["engine"]);
    assert_eq!(ours("dataflows/Cargo.toml"), ["engine"]);
    assert_eq!(ours("dataflows/train/Cargo.toml"), ["delaycast", "engine"]);
    assert_eq!(ours("examples/Cargo.toml"), ["delaycast", "delaycast-dataflows", "engine"]);
    assert_eq!(ours("web/server/Cargo.toml"), ["engine"]);
    assert_eq!(ours("web/Cargo.toml"), ["delaycast", "engine", "server"]);
    assert_eq!(
        ours("cli/Cargo.toml"),
        ["delaycast", "delaycast-dataflows", "delaycast-train", "delaycast-web", "engine", "server"]
    );
}

/// Words of flights. "Origin" and "delay" have other meanings in the engine; "delaycast" is the product.
const FLIGHT_WORDS: [&str; 12] = [
    "flight",
    "flights",
    "carrier",
    "carriers",
    "airport",
    "airports",
    "airline",
    "airlines",
    "dest",
    "departure",
    "DelayClass",
    "Weather",
];

#[test]
fn the_engine_and_its_dataflows_know_no_flight() {
    let train = project().join("dataflows/train");
    for file in ["engine", "dataflows"].into_iter().flat_map(sources).filter(|file| !file.starts_with(&train)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.to_lowercase().replace(['-', '_'], " ").replace("in flight", "");
        let words = code.split(|c: char| !c.is_alphanumeric());
        let found: Vec<&str> = words
            .filter(|word| FLIGHT_WORDS.iter().any(|flight| word.eq_ignore_ascii_case(flight)))
            .filter(|word| !word.is_empty())
            .collect();
        assert!(found.is_empty(), "{} names {found:?}", file.display());
    }
}

#[test]
fn the_example_of_another_domain_knows_no_flight() {
    let words = words(&project().join("examples/card_payments.rs"));
    assert!(!words.contains(&"delaycast".to_owned()), "it uses the crate of flights");
}

#[test]
fn each_crate_names_only_its_own_concerns() {
    // The compiler refuses other crates without these dependencies.
    let cases: [(&str, &[&str]); 5] = [
        ("engine/Cargo.toml", &["timely", "warp", "handlebars", "clap", "linfa", "parquet"]),
        ("Cargo.toml", &["timely", "warp", "handlebars", "clap"]),
        ("dataflows/Cargo.toml", &["rusqlite", "warp", "clap"]),
        ("web/Cargo.toml", &["timely", "rusqlite", "clap"]),
        ("web/server/Cargo.toml", &["delaycast", "handlebars", "timely", "rusqlite", "clap"]),
    ];
    for (manifest, forbidden) in cases {
        let names = dependencies(manifest);
        assert!(!names.iter().any(|name| forbidden.contains(&name.as_str())), "{manifest}: {names:?}");
    }
}

#[test]
fn dataflows_open_nothing_and_the_web_reads_no_log() {
    // Only the mesh has sockets, and a runtime for them.
    name_none_of("dataflows", "dataflows/mesh", &["fs", "net", "File", "TcpStream", "UdpSocket", "tokio"]);
    name_none_of("web", "", &["Reader"]);
}

#[test]
fn offsets_are_committed_in_one_place_for_each_log() {
    let mut files = sources("dataflows");
    files.retain(|file| fs::read_to_string(file).unwrap().contains(".commit("));
    files.sort();
    assert_eq!(files, ["dataflows/live/intake.rs", "dataflows/score/commit.rs"].map(|file| project().join(file)));
}

/// The one file with unsafe code: the binding of librdkafka has no safe call for a topic's id.
const UNSAFE: &str = "engine/log/kafka/topic_id.rs";

#[test]
fn one_file_has_unsafe_code_and_states_the_soundness_of_each_block() {
    let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""), "the lint is off");
    let mut files: Vec<_> =
        ["bench", "cli", "dataflows", "engine", "examples", "src", "web"].into_iter().flat_map(sources).collect();
    files.retain(|file| words(file).iter().any(|word| ["unsafe", "unsafe_code"].contains(&word.as_str())));
    assert_eq!(files, [project().join(UNSAFE)]);
    let text = fs::read_to_string(project().join(UNSAFE)).unwrap();
    let (mut lines, mut reasons, mut blocks) = (0, 0, 0);
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with("//");
        lines += 1;
        reasons += usize::from(line.trim_start().starts_with("// SAFETY: "));
        blocks += usize::from(!is_comment) * line.matches("unsafe {").count();
    }
    assert!(blocks > 0 && reasons >= blocks, "{blocks} blocks, {reasons} reasons");
    assert!(lines < 200, "it is to stay small");
}

#[test]
fn files_that_the_architecture_names_are_there() {
    let text = fs::read_to_string(project().join("docs/ARCHITECTURE.md")).unwrap();
    let named: Vec<&str> = text.split('`').filter(|name| name.ends_with(".rs") && name.contains('/')).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(project().join(name).is_file(), "{name} is not there");
    }
}

/// `chrono::Utc::now` panics when the clock is before 1970; tests, which stand at the end of a file, may use it.
#[test]
fn only_the_clock_module_reads_the_wall_clock() {
    let files = ["engine", "src", "dataflows", "web", "cli"].into_iter().flat_map(sources);
    let are_for_tests =
        ["engine/clock.rs", "engine/log/promises.rs", "engine/store/promises.rs"].map(|file| project().join(file));
    for file in files.filter(|file| !are_for_tests.contains(file)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = file.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs"));
        for reads in ["Utc::now", "Local::now", "SystemTime::now"] {
            assert!(is_test || !code.contains(reads), "{} has {reads}: use engine::clock", file.display());
        }
    }
}
