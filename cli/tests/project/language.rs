//! Tests of the rules of language in CONTRIBUTING.md: the width of comments, the first words of documentation, and
//! retired names.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The widest line of a comment, in characters; rustfmt leaves comments as they are.
pub(crate) const COLUMNS_MAX: usize = 120;

/// Retired names, which a search does not find in the documentation of the field, and their replacements.
const RETIRED: [(&str, &str); 52] = [
    ("Asked", "ForestPredictor"),
    ("Atlas", "Airports"),
    ("Bell", "Notifier"),
    ("Board", "SnapshotCell"),
    ("Card", "Scorecard"),
    ("Cast", "ActiveModels"),
    ("Contest", "Comparison"),
    ("Courier", "worker"),
    ("Desk", "LoaderThread"),
    ("Door", "Listener"),
    ("Duty", "Action"),
    ("Ends", "WorkerIo"),
    ("FAREWELL", "JOIN_TIMEOUT"),
    ("Fact", "Event"),
    ("Fate", "FlightStatus"),
    ("Filler", "Prefetcher"),
    ("Given", "KnownInputs"),
    ("Growth", "RowPartition"),
    ("Keeper", "Assigner"),
    ("LastWord", "WakeOnDrop"),
    ("Lately", "Rate"),
    ("Ledger", "InFlightSize"),
    ("MadeUp", "TimeRecovered"),
    ("Majority", "ClassPrior"),
    ("Marks", "liveness"),
    ("News", "Announcement"),
    ("Notice", "Announcement"),
    ("Office", "CoordinatorClient"),
    ("Parcel", "Chunk"),
    ("Piece", "Chunk"),
    ("Planting", "TreeBuilder"),
    ("Plot", "ForestSpec"),
    ("Pulse", "FailureDetector"),
    ("Question", "Split"),
    ("Quiet", "ErrorCapture"),
    ("Recipe", "ColumnSpec"),
    ("Scribe", "WriterThread"),
    ("Seal", "Mac"),
    ("Seedling", "PendingNode"),
    ("Seen", "Vocabulary"),
    ("Shelf", "LoadedModel"),
    ("Sideline", "ShadowQueue"),
    ("Site", "MeshConfig"),
    ("Tally", "TableStats"),
    ("Terms", "ClusterSpec"),
    ("TopicWish", "TopicOptions"),
    ("Turning", "liveness"),
    ("Wish", "DesiredModel"),
    ("complaint", "last_error"),
    ("deaths", "dead_letters"),
    ("is_sound", "is_valid"),
    ("turn_away", "reject"),
];

/// Words that documentation does not begin with.
const NO_FIRST_WORDS: [&str; 8] = ["What ", "How ", "Whether ", "Who ", "Whom ", "So many ", "So long ", "Why "];

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the files of a folder by the endings of their names, without `target` and hidden folders.
pub(crate) fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![project().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no such files");
    found
}

/// Panics with all faults at once.
pub(crate) fn none_of(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Returns a fault for each line of a file that `is_fault` names one for.
fn faults_in(file: &Path, mut fault: impl FnMut(&str) -> Option<String>) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let place = file.strip_prefix(project()).unwrap().display().to_string();
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| Some(format!("{place}:{}: {}", index + 1, fault(line)?))).collect()
}

#[test]
fn no_comment_is_wider_than_120_columns() {
    let too_wide = |line: &str| {
        let code = line.trim_start();
        let is_comment = ["//", "#", "/*", "*"].iter().any(|mark| code.starts_with(mark)) || line.contains(" // ");
        let columns = line.chars().count();
        // An address cannot be broken.
        (is_comment && columns > COLUMNS_MAX && !line.contains("://")).then(|| format!("{columns} columns"))
    };
    let endings = [".rs", ".sh", ".yaml", ".yml", ".toml", ".py", ".js", ".css", "Dockerfile"];
    none_of(&files(".", &endings).iter().flat_map(|file| faults_in(file, too_wide)).collect::<Vec<_>>());
}

#[test]
fn documentation_begins_with_a_noun_or_a_verb() {
    let mut faults = Vec::new();
    for file in files(".", &[".rs"]) {
        let mut in_documentation = false;
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        let place = file.strip_prefix(project()).unwrap().display();
        for (index, line) in lines.iter().enumerate() {
            let text = line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! "));
            let is_first = text.is_some() && !in_documentation;
            in_documentation = line.starts_with("///") || line.starts_with("//!");
            // The documentation of a command or an option is its help.
            let item = lines.iter().skip(index).find(|line| !line.starts_with("///"));
            let is_help = item
                .is_some_and(|item| ["#[arg", "#[command", "#[derive(Parser)]"].iter().any(|it| item.starts_with(it)));
            let word = NO_FIRST_WORDS.into_iter().find(|word| is_first && text.is_some_and(|it| it.starts_with(word)));
            if let Some(word) = word.filter(|_| !is_help) {
                faults.push(format!("{place}:{}: begins with {word:?}", index + 1));
            }
        }
    }
    none_of(&faults);
}

#[test]
fn retired_names_stay_retired() {
    let mut faults = Vec::new();
    for file in files(".", &[".rs"]) {
        if file.ends_with("cli/tests/project/language.rs") {
            continue;
        }
        faults.extend(faults_in(&file, |line| {
            let code = line.split("//").next().unwrap_or_default();
            // A file format or a document keeps its names: they are in string literals.
            let outside_of_strings = code.split('"').step_by(2);
            let mut names = outside_of_strings.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_'));
            let (name, instead) = names.find_map(|name| RETIRED.into_iter().find(|(retired, _)| *retired == name))?;
            Some(format!("{name}: the name is {instead}"))
        }));
    }
    none_of(&faults);
}
