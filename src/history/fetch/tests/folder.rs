//! Tests of the output folder: its lock, damaged files in it, and a full disk.

use super::*;

#[test]
fn a_folder_is_locked_while_a_fetch_runs() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let fixture = Fixture::new();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let mut refusals = Vec::new();
    let observe = &mut |event: Event<'_>| {
        if let Event::Started(_) = event {
            let other = fixture.fetcher(&server.url()).fetch(months, fixture.dir.path(), &mut |_| {});
            refusals.push(other.unwrap_err().to_string());
        }
    };
    assert!(fixture.fetcher(&server.url()).fetch(months, fixture.dir.path(), observe).unwrap().is_complete());
    assert!(refusals[0].starts_with("another `delaycast data fetch` writes to"), "{refusals:?}");
    assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Present, "the lock ends with the fetch");
}

#[test]
fn a_damaged_file_is_replaced_only_by_a_complete_one() {
    let server = server(|count, request| match count {
        0..4 => Reply::new(500, ""),
        _ => Reply::file(request, &zip_of(1), "\"a\""),
    });
    let fixture = Fixture::new();
    let damaged = zip_of(1)[..5000].to_vec();
    fs::write(fixture.path("2015-01"), &damaged).unwrap();
    assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Failed);
    assert_eq!(fixture.zip(), Some(damaged));
    assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Fetched);
    assert_eq!(fixture.zip(), Some(zip_of(1)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_fetch_with_its_cause() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let fixture = Fixture::new();
    // Every write to /dev/full fails.
    std::os::unix::fs::symlink("/dev/full", fixture.part()).unwrap();
    let summary = fixture.fetch(&server.url(), "2015-01", "2015-03");
    let why = summary.ended_early.unwrap();
    assert!(why.starts_with("no room for ") && why.ends_with("(No space left on device (os error 28))"), "{why}");
    assert_eq!((summary.failed, summary.left), (vec![month("2015-01")], vec![month("2015-02"), month("2015-03")]));
    assert_eq!(server.requests().len(), 1, "a full disk is not retried");
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let fixture = Fixture::new();
    fs::write(fixture.dir.path().join("file"), "").unwrap();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let out = fixture.dir.path().join("file/out");
    let error = fixture.fetcher("http://127.0.0.1:9/").fetch(months, &out, &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("cannot make the folder "), "{error}");
}
