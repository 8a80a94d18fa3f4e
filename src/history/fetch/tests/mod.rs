//! Tests of a fetch from a server on loopback.

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

/// Creates a zip whose members have random bytes, which do not compress.
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

/// Returns the unpacked tables of a zip.
pub(super) fn tables_in(zip: &[u8]) -> Vec<Vec<u8>> {
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

/// Creates a zip of about 100 kB.
fn zip_of(seed: u64) -> Vec<u8> {
    zipped(&["On_Time.csv", "readme.html"], 50_000, seed)
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// An output folder, and limits with short pauses.
struct Fixture {
    dir: TempDir,
    limits: Limits,
}

impl Fixture {
    fn new() -> Self {
        let limits = Limits {
            pause_first: Duration::from_millis(1),
            pause_last: Duration::from_millis(5),
            tries_max: 4,
            ..Limits::default()
        };
        Fixture { dir: tempfile::tempdir().unwrap(), limits }
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

    /// Returns the zip of January 2015, if it is there.
    fn zip(&self) -> Option<Vec<u8>> {
        fs::read(self.path("2015-01")).ok()
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join(format!("{}.part", month("2015-01").file_name()))
    }

    /// Returns the names of visible files.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

/// Starts a server whose answers depend on their number, from 0.
fn server(mut answer: impl FnMut(usize, &Request) -> Reply + Send + 'static) -> Server {
    let mut count = 0;
    Server::start(move |request| {
        count += 1;
        answer(count - 1, request)
    })
}

const BTS: &str = "\"FlightDate\",\"Reporting_Airline\",\"Origin\",\"Dest\",\"ArrDelay\",\r\n2015-01-31,\"AA\",\"ATL\",\"SFO\",5.00,\r\n";

#[test]
fn fetched_zips_have_their_names_and_can_be_imported() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("On_Time.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(BTS.as_bytes()).unwrap();
    let zip = archive.finish().unwrap().into_inner();
    let bytes = zip.len() as u64;
    let server = Server::start(move |request| Reply::file(request, &zip, "\"a\""));

    let fixture = Fixture::new();
    let summary = fixture.fetch(&server.url(), "2014-12", "2015-01");
    assert!(summary.is_complete());
    assert_eq!((summary.months, summary.fetched, summary.present, summary.bytes_received), (2, 2, 0, 2 * bytes));
    let names = [month("2014-12").file_name(), month("2015-01").file_name()];
    assert_eq!(fixture.names(), names);
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, names);
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));

    let out = tempfile::tempdir().unwrap();
    let imported = crate::history::import::import(&[fixture.dir.path().to_owned()], out.path(), &mut |_| {}).unwrap();
    assert_eq!((imported.files, imported.rows, imported.flown), (2, 2, 1));
}

#[test]
fn a_second_run_sends_no_request() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let fixture = Fixture::new();
    fixture.fetch_one(&server.url());
    let again = fixture.fetch_one(&server.url());
    assert_eq!((again.state, again.bytes, again.bytes_received), (FileState::Present, zip_of(1).len() as u64, 0));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_unpublished_month_is_reported_and_the_others_are_fetched() {
    let server = Server::start(|request| {
        if request.path.ends_with("_2015_1.zip") {
            Reply::new(404, "none")
        } else {
            Reply::file(request, &zip_of(1), "\"a\"")
        }
    });
    let fixture = Fixture::new();
    let summary = fixture.fetch(&server.url(), "2014-12", "2015-02");
    assert_eq!((summary.fetched, summary.unpublished.clone()), (2, vec![month("2015-01")]));
    assert!(!summary.is_complete() && summary.ended_early.is_none());
    assert_eq!(summary.files[1].reason.as_deref(), Some("the server has none (status 404)"));
    assert_eq!(server.requests().len(), 3, "404 is not retried");
}

#[test]
fn progress_is_reported_to_the_last_byte() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let fixture = Fixture::new();
    let (mut received, mut ended) = (Vec::new(), Vec::new());
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| match event {
        Event::Received { bytes, bytes_total, .. } => received.push((bytes, bytes_total)),
        Event::Finished(report) => ended.push(report.clone()),
        Event::Started(_) => {}
        other => panic!("{other:?}"),
    };
    let summary = fixture.fetcher(&server.url()).fetch(months, fixture.dir.path(), observe).unwrap();
    let total = zip_of(1).len() as u64;
    assert!(received.is_sorted() && received.iter().all(|(_, known)| *known == Some(total)));
    assert_eq!((received.last().unwrap().0, ended), (total, summary.files));
}
