//! The file of an index: complete, of its history, and never in place of something else.

use std::fs;

use engine::runtime::Stop;

use super::{build, date, flight};
use crate::{
    explore::{ExploreError, Index, NotReady, Preparation, Source},
    history::{FLIGHTS_FILE, UNFLOWN_FILE, parquet::write_flights},
};

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn rule_2_an_index_is_built_once_and_again_when_its_history_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (history, file) = (folder.path().join("history"), folder.path().join("new/index.db"));
    fs::create_dir(&history).unwrap();
    write_flights(&history.join(FLIGHTS_FILE), &[flight(0, "AA", 1, ["ATL", "SFO"], 600, 0.0)]).unwrap();
    let source = Source::Path(history.clone());
    let flights = |index: &Index| index.facts().figures.flights;
    assert_eq!(flights(&build(&source, &file).unwrap()), 1);
    let built = |file: &std::path::Path| fs::metadata(file).unwrap().modified().unwrap();
    let first = built(&file);
    assert_eq!(flights(&build(&source, &file).unwrap()), 1);
    assert_eq!(built(&file), first, "it was not built again");

    let opened = Index::open(&file).unwrap();
    write_flights(&history.join(UNFLOWN_FILE), &[flight(3, "AA", 1, ["ATL", "SFO"], 600, 0.0)]).unwrap();
    let index = build(&source, &file).unwrap();
    assert_eq!((flights(&index), index.facts().last_day), (2, date("2013-01-04")));
    assert_eq!(opened.months().unwrap()[0].figures.flights, 1, "an open index stays the one that it was");

    // Another format is built anew, too.
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 0).unwrap();
    drop(connection);
    assert_eq!(flights(&build(&source, &file).unwrap()), 2);
    assert_eq!(names_in(file.parent().unwrap()), ["index.db"]);
}

#[test]
fn rule_2_a_file_that_is_no_index_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (other, text) = (folder.path().join("other.db"), folder.path().join("text"));
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    fs::write(
        &text,
        "some text that is longer than the header of a database file of SQLite, as long as that may be, \
        and a little longer still",
    )
    .unwrap();
    for file in [other, text] {
        let before = fs::read(&file).unwrap();
        assert!(matches!(build(&Source::Bundled, &file), Err(ExploreError::NotAnIndex(_))), "{file:?}");
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}

#[test]
fn rule_1_a_build_that_stops_or_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index.db");
    let stop = Stop::default();
    stop.request();
    let stopped = Index::open_or_build(&Source::Bundled, &file, &stop, &|_| {});
    assert!(matches!(stopped, Err(ExploreError::Stopped)));
    let damaged = folder.path().join("flights.parquet");
    fs::write(&damaged, "no Parquet").unwrap();
    assert!(matches!(build(&Source::Path(damaged), &file), Err(ExploreError::History(_))));
    // A process that was killed leaves its file.
    fs::write(folder.path().join("index.db.1.part"), "abandoned").unwrap();
    let missing = Source::Path(folder.path().to_owned().join("nothing"));
    assert!(matches!(build(&missing, &file), Err(ExploreError::Io { .. })));
    write_flights(&folder.path().join("other.parquet"), &[flight(0, "AA", 1, ["ATL", "SFO"], 600, 0.0)]).unwrap();
    build(&Source::Path(folder.path().join("other.parquet")), &file).unwrap();
    assert_eq!(names_in(folder.path()), ["flights.parquet", "index.db", "other.parquet"]);
}

#[test]
fn a_preparation_tells_its_progress_and_its_failure() {
    let folder = tempfile::tempdir().unwrap();
    let preparation = Preparation::default();
    assert_eq!(preparation.get().unwrap_err(), NotReady::Preparing(0));
    let source = Source::Path(folder.path().to_owned());
    preparation.run(&source, &folder.path().join("index.db"), &Stop::default());
    let NotReady::Failed(reason) = preparation.get().unwrap_err() else { panic!("it is not there") };
    assert!(reason.contains("holds no flights.parquet; make one with `delaycast data import"), "{reason}");

    write_flights(&folder.path().join(FLIGHTS_FILE), &[flight(0, "AA", 1, ["ATL", "SFO"], 600, 0.0)]).unwrap();
    preparation.run(&source, &folder.path().join("index.db"), &Stop::default());
    assert_eq!(preparation.get().unwrap().facts().figures.flights, 1);
}

#[test]
fn the_bundled_flights_have_the_counts_of_the_readme() {
    let folder = tempfile::tempdir().unwrap();
    let percents = std::cell::RefCell::new(Vec::new());
    let report = |percent| percents.borrow_mut().push(percent);
    let file = folder.path().join("index.db");
    let index = Index::open_or_build(&Source::Bundled, &file, &Stop::default(), &report).unwrap();
    let facts = index.facts();
    assert_eq!((facts.figures.flights, facts.figures.cancelled, facts.figures.diverted), (336_776, 8_255, 1_175));
    assert_eq!((facts.first_day, facts.last_day), (date("2013-01-01"), date("2013-12-31")));
    assert_eq!((index.airlines().unwrap().len(), index.months().unwrap().len()), (16, 12));
    let makers = index.manufacturers().unwrap();
    let known: u64 = makers.iter().filter(|maker| maker.manufacturer.is_some()).map(|maker| maker.aircraft).sum();
    assert_eq!(known, 3322, "each aircraft of the registry flew");
    let percents = percents.into_inner();
    assert!(percents.is_sorted() && percents.last() == Some(&99), "{percents:?}");
}
