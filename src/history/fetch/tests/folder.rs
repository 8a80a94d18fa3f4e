//! The folder: whose it is, what is in it, and when it has no room.

use super::*;

#[test]
fn two_fetches_into_one_folder_do_not_meet() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let bench = Bench::new();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let mut refusals = Vec::new();
    let observe = &mut |event: Event<'_>| {
        if let Event::Begun(_) = event {
            let other = bench.fetcher(&server.url()).fetch(months, bench.dir.path(), &mut |_| {});
            refusals.push(other.unwrap_err().to_string());
        }
    };
    assert!(bench.fetcher(&server.url()).fetch(months, bench.dir.path(), observe).unwrap().is_complete());
    assert!(refusals[0].starts_with("another `delaycast data fetch` writes to"), "{refusals:?}");
    assert_eq!(bench.fetch_one(&server.url()).state, State::Present, "the lock goes with its holder");
}

#[test]
fn a_damaged_file_under_the_name_is_replaced_by_a_whole_one_alone() {
    let server = server(|count, request| match count {
        0..4 => Reply::new(500, ""),
        _ => Reply::file(request, &zip_of(1), "\"a\""),
    });
    let bench = Bench::new();
    let damaged = zip_of(1)[..5000].to_vec();
    fs::write(bench.path("2015-01"), &damaged).unwrap();
    assert_eq!(bench.fetch_one(&server.url()).state, State::Failed);
    assert_eq!(bench.zip(), Some(damaged));
    assert_eq!(bench.fetch_one(&server.url()).state, State::Fetched);
    assert_eq!(bench.zip(), Some(zip_of(1)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_fetch_and_says_so() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let bench = Bench::new();
    // Whatever is written there finds no room.
    std::os::unix::fs::symlink("/dev/full", bench.part()).unwrap();
    let summary = bench.fetch(&server.url(), "2015-01", "2015-03");
    let why = summary.ended_early.unwrap();
    assert!(why.starts_with("no room for ") && why.ends_with("(No space left on device (os error 28))"), "{why}");
    assert_eq!((summary.failed, summary.left), (vec![month("2015-01")], vec![month("2015-02"), month("2015-03")]));
    assert_eq!(server.requests().len(), 1, "a full disk is not tried again");
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let bench = Bench::new();
    fs::write(bench.dir.path().join("file"), "").unwrap();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let out = bench.dir.path().join("file/out");
    let error = bench.fetcher("http://127.0.0.1:9/").fetch(months, &out, &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("cannot make the folder "), "{error}");
}
