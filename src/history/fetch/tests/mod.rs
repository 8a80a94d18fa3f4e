//! Fetches from a server on loopback.

mod faults;
mod folder;
mod parts;
mod server;
mod tls;

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    time::Duration,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use self::server::{Reply, Request, Server};
use super::*;

/// A zip whose members have random bytes, so that packing does not shorten them.
pub(super) fn zipped(names: &[impl AsRef<str>], bytes_each: usize, seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in names {
        let mut bytes = vec![0; bytes_each];
        rng.fill_bytes(&mut bytes);
        archive.start_file(name.as_ref(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// What the tables of flights in a zip unpack to.
pub(super) fn flights(zip: &[u8]) -> Vec<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut tables = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        if member.name().unwrap().to_ascii_lowercase().ends_with(".csv") {
            let mut table = Vec::new();
            member.read_to_end(&mut table).unwrap();
            tables.push(table);
        }
    }
    tables
}

/// A zip of some 100 kB.
fn zip_of(seed: u64) -> Vec<u8> {
    zipped(&["On_Time.csv", "readme.html"], 50_000, seed)
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// A folder to fetch to, and limits that let a test be quick.
struct Bench {
    dir: TempDir,
    limits: Limits,
}

impl Bench {
    fn new() -> Self {
        let limits = Limits {
            pause_first: Duration::from_millis(1),
            pause_last: Duration::from_millis(5),
            tries_max: 4,
            ..Limits::default()
        };
        Bench { dir: tempfile::tempdir().unwrap(), limits }
    }

    fn fetcher(&self, url: &str) -> Fetcher {
        Fetcher::new(url, self.limits.clone()).unwrap()
    }

    fn fetch(&self, url: &str, first: &str, last: &str) -> Summary {
        let months = Months::new(month(first), month(last)).unwrap();
        self.fetcher(url).fetch(months, self.dir.path(), &mut |_| {}).unwrap()
    }

    /// Fetches January 2015 alone.
    fn fetch_one(&self, url: &str) -> FileReport {
        self.fetch(url, "2015-01", "2015-01").files.remove(0)
    }

    fn path(&self, first: &str) -> PathBuf {
        self.dir.path().join(month(first).file_name())
    }

    /// January 2015, if it is there.
    fn zip(&self) -> Option<Vec<u8>> {
        fs::read(self.path("2015-01")).ok()
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join(format!("{}.part", month("2015-01").file_name()))
    }

    /// The files that can be seen.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

/// A server whose n-th answer, from 0, is told.
fn server(mut answer: impl FnMut(usize, &Request) -> Reply + Send + 'static) -> Server {
    let mut count = 0;
    Server::start(move |request| {
        count += 1;
        answer(count - 1, request)
    })
}

const BTS: &str = "\"FlightDate\",\"Reporting_Airline\",\"Origin\",\"Dest\",\"ArrDelay\",\r\n2015-01-31,\"AA\",\"ATL\",\"SFO\",5.00,\r\n";

#[test]
fn what_is_fetched_has_its_name_alone_and_can_be_imported() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("On_Time.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(BTS.as_bytes()).unwrap();
    let zip = archive.finish().unwrap().into_inner();
    let bytes = zip.len() as u64;
    let server = Server::start(move |request| Reply::file(request, &zip, "\"a\""));

    let bench = Bench::new();
    let summary = bench.fetch(&server.url(), "2014-12", "2015-01");
    assert!(summary.is_complete());
    assert_eq!((summary.months, summary.fetched, summary.present, summary.bytes_received), (2, 2, 0, 2 * bytes));
    let names = [month("2014-12").file_name(), month("2015-01").file_name()];
    assert_eq!(bench.names(), names);
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, names);
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));

    let out = tempfile::tempdir().unwrap();
    let imported = super::super::import::import(&[bench.dir.path().to_owned()], out.path(), &mut |_| {}).unwrap();
    assert_eq!((imported.files, imported.rows, imported.flown), (2, 2, 1));
}

#[test]
fn the_second_run_asks_for_nothing() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let bench = Bench::new();
    bench.fetch_one(&server.url());
    let again = bench.fetch_one(&server.url());
    assert_eq!((again.state, again.bytes, again.bytes_received), (State::Present, zip_of(1).len() as u64, 0));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_month_that_is_not_published_is_named_and_the_others_are_fetched() {
    let server = Server::start(|request| {
        if request.path.ends_with("_2015_1.zip") {
            Reply::new(404, "none")
        } else {
            Reply::file(request, &zip_of(1), "\"a\"")
        }
    });
    let bench = Bench::new();
    let summary = bench.fetch(&server.url(), "2014-12", "2015-02");
    assert_eq!((summary.fetched, summary.unpublished.clone()), (2, vec![month("2015-01")]));
    assert!(!summary.is_complete() && summary.ended_early.is_none());
    assert_eq!(summary.files[1].reason.as_deref(), Some("the server has none (status 404)"));
    assert_eq!(server.requests().len(), 3, "404 is not asked again");
}

#[test]
fn progress_is_told_to_the_last_byte() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let bench = Bench::new();
    let (mut received, mut ended) = (Vec::new(), Vec::new());
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| match event {
        Event::Received { bytes, bytes_total, .. } => received.push((bytes, bytes_total)),
        Event::Ended(report) => ended.push(report.clone()),
        Event::Begun(_) => {}
        other => panic!("{other:?}"),
    };
    let summary = bench.fetcher(&server.url()).fetch(months, bench.dir.path(), observe).unwrap();
    let total = zip_of(1).len() as u64;
    assert!(received.is_sorted() && received.iter().all(|(_, known)| *known == Some(total)));
    assert_eq!((received.last().unwrap().0, ended), (total, summary.files));
}
