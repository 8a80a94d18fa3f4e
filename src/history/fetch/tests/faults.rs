//! Tests of failing servers: transient failures, permanent ones, and those that end the fetch.

use std::net::TcpListener;

use rand::RngExt;

use super::*;

#[test]
fn a_transient_status_is_retried_and_a_permanent_one_is_not() {
    for (status, state, tries) in [
        (500, FileState::Fetched, 2),
        (503, FileState::Fetched, 2),
        (429, FileState::Fetched, 2),
        (403, FileState::Failed, 1),
        (410, FileState::Unpublished, 1),
    ] {
        let server = server(move |count, request| match count {
            0 => Reply::new(status, "no"),
            _ => Reply::file(request, &zip_of(1), "\"a\""),
        });
        let report = Fixture::new().fetch_one(&server.url());
        assert_eq!((report.state, report.tries), (state, tries), "{status}: {report:?}");
    }
}

#[test]
fn tries_are_bounded_and_the_other_months_are_fetched() {
    let server = Server::start(|request| {
        if request.path.ends_with("_2015_1.zip") {
            Reply::new(500, "")
        } else {
            Reply::file(request, &zip_of(1), "\"a\"")
        }
    });
    let summary = Fixture::new().fetch(&server.url(), "2015-01", "2015-02");
    assert_eq!((summary.failed.clone(), summary.fetched, summary.ended_early), (vec![month("2015-01")], 1, None));
    assert_eq!(
        (summary.files[0].tries, summary.files[0].reason.as_deref()),
        (4, Some("the server answers with status 500"))
    );
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_pause_has_the_length_of_retry_after() {
    let server = Server::start(|_| Reply::new(503, "").header("Retry-After", "7"));
    let fixture = Fixture::new();
    let fetcher = fixture.fetcher(&server.url());
    let (stop, mut pauses) = (fetcher.stop(), Vec::new());
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Retried { pause, .. } = event {
            pauses.push(pause);
            // The stop ends the pause.
            stop.request();
        }
    };
    let summary = fetcher.fetch(months, fixture.dir.path(), observe).unwrap();
    assert_eq!((pauses, summary.left), (vec![Duration::from_secs(7)], vec![month("2015-01")]));
}

#[test]
fn a_file_that_is_no_complete_zip_never_gets_the_name() {
    let page = |_: &Request| Reply::new(200, "<!DOCTYPE html><title>Maintenance</title>");
    let corrupt = |request: &Request| Reply::file(request, &zip_of(1), "\"a\"").corrupt(2000);
    let short = |_: &Request| Reply::new(200, &zip_of(1)[..5000]);
    let open_ended = |_: &Request| Reply::new(200, &zip_of(1)[..5000]).without_length();
    let answers: [fn(&Request) -> Reply; 4] = [page, corrupt, short, open_ended];
    for (answer, expected) in answers.into_iter().zip(["is no zip", "no whole zip", "no whole zip", "no whole zip"]) {
        let server = Server::start(answer);
        let fixture = Fixture::new();
        let report = fixture.fetch_one(&server.url());
        let reason = report.reason.unwrap();
        assert_eq!((report.state, report.tries, fixture.names()), (FileState::Failed, 4, vec![]), "{reason}");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_complete_file_of_unknown_length_is_accepted() {
    let server = Server::start(|_| Reply::new(200, zip_of(1)).without_length());
    let fixture = Fixture::new();
    assert_eq!((fixture.fetch_one(&server.url()).state, fixture.zip()), (FileState::Fetched, Some(zip_of(1))));
}

#[test]
fn a_file_above_the_size_bound_is_refused_with_and_without_a_length() {
    let answers: [fn(&Request) -> Reply; 2] =
        [|_| Reply::new(200, zip_of(1)), |_| Reply::new(200, zip_of(1)).without_length()];
    for answer in answers {
        let server = Server::start(answer);
        let mut fixture = Fixture::new();
        fixture.limits.bytes_max = 70_000;
        let report = fixture.fetch_one(&server.url());
        assert_eq!((report.state, report.tries, fixture.names()), (FileState::Failed, 1, vec![]), "{report:?}");
        assert!(report.reason.unwrap().ends_with("and may have 70000"));
    }
}

#[test]
fn an_unreachable_server_ends_the_fetch() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let summary = Fixture::new().fetch(&url, "2015-01", "2015-03");
    let why = summary.ended_early.unwrap();
    assert!(why.starts_with(&format!("{url} does not answer (")), "{why}");
    assert_eq!((summary.failed, summary.left), (vec![month("2015-01")], vec![month("2015-02"), month("2015-03")]));
}

/// A file under its name always has the flights of a version that the server has, and a server without faults completes
/// it. Flights are compared, not bytes: no checksum of a zip covers the dates and permissions in its directory.
#[test]
fn random_faults_never_leave_a_wrong_file() {
    let seed = std::env::var("DELAYCAST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DELAYCAST_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..40 {
        let versions = [zip_of(rng.random()), zip_of(rng.random())];
        let originals = versions.each_ref().map(|version| tables_in(version));
        let (served, mut faults) = (versions, ChaCha8Rng::seed_from_u64(rng.random()));
        let server = server(move |count, request| {
            let version = usize::from(count > 6 || faults.random_bool(0.3));
            let (file, tag) = (&served[version], ["\"a\"", "\"b\""][version]);
            let correct = Reply::file(request, file, tag);
            if count > 20 {
                return correct;
            }
            let position = faults.random_range(0..file.len());
            match faults.random_range(0..10) {
                0 => Reply::new(500, "no"),
                1 => Reply::new(200, "<html>"),
                2 => Reply::new(416, ""),
                3 => Reply::new(200, file.clone()).truncate(position),
                4 => Reply::part(request.range_start().unwrap_or(position), file),
                5 => {
                    Reply::part(request.range_start().unwrap_or_default(), file).header("ETag", tag).truncate(position)
                }
                6 => correct.corrupt(position),
                7 => correct.without_length().truncate(position),
                _ => correct.truncate(position),
            }
        });
        let mut fixture = Fixture::new();
        fixture.limits.tries_max = 3;
        let mut state = FileState::Left;
        for _ in 0..30 {
            state = fixture.fetch_one(&server.url()).state;
            assert_eq!(fixture.zip().is_some(), state.is_complete());
            assert!(fixture.zip().is_none_or(|zip| originals.contains(&tables_in(&zip))), "{:?}", server.requests());
            if state.is_complete() {
                break;
            }
        }
        assert!(state.is_complete(), "{:?}", server.requests());
    }
}
