//! Servers that fail: which failures pass, which last, and which end the fetch.

use std::net::TcpListener;

use rand::RngExt;

use super::*;

#[test]
fn a_status_that_passes_is_tried_again_and_one_that_lasts_is_not() {
    for (status, state, tries) in [
        (500, State::Fetched, 2),
        (503, State::Fetched, 2),
        (429, State::Fetched, 2),
        (403, State::Failed, 1),
        (410, State::Unpublished, 1),
    ] {
        let server = server(move |count, request| match count {
            0 => Reply::new(status, "no"),
            _ => Reply::file(request, &zip_of(1), "\"a\""),
        });
        let report = Bench::new().fetch_one(&server.url());
        assert_eq!((report.state, report.tries), (state, tries), "{status}: {report:?}");
    }
}

#[test]
fn tries_are_bounded_and_the_other_months_have_their_turn() {
    let server = Server::start(|request| {
        if request.path.ends_with("_2015_1.zip") {
            Reply::new(500, "")
        } else {
            Reply::file(request, &zip_of(1), "\"a\"")
        }
    });
    let summary = Bench::new().fetch(&server.url(), "2015-01", "2015-02");
    assert_eq!((summary.failed.clone(), summary.fetched, summary.ended_early), (vec![month("2015-01")], 1, None));
    assert_eq!(
        (summary.files[0].tries, summary.files[0].reason.as_deref()),
        (4, Some("the server answers with status 500"))
    );
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let server = Server::start(|_| Reply::new(503, "").header("Retry-After", "7"));
    let bench = Bench::new();
    let fetcher = bench.fetcher(&server.url());
    let (stop, mut pauses) = (fetcher.stop(), Vec::new());
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Retried { pause, .. } = event {
            pauses.push(pause);
            // Told to stop, nobody waits.
            stop.ask();
        }
    };
    let summary = fetcher.fetch(months, bench.dir.path(), observe).unwrap();
    assert_eq!((pauses, summary.left), (vec![Duration::from_secs(7)], vec![month("2015-01")]));
}

#[test]
fn what_is_no_zip_never_gets_the_name() {
    let page = |_: &Request| Reply::new(200, "<!DOCTYPE html><title>Maintenance</title>");
    let garbled = |request: &Request| Reply::file(request, &zip_of(1), "\"a\"").garbled(2000);
    let short = |_: &Request| Reply::new(200, &zip_of(1)[..5000]);
    let open_ended = |_: &Request| Reply::new(200, &zip_of(1)[..5000]).without_length();
    let answers: [fn(&Request) -> Reply; 4] = [page, garbled, short, open_ended];
    for (answer, expected) in answers.into_iter().zip(["is no zip", "no whole zip", "no whole zip", "no whole zip"]) {
        let server = Server::start(answer);
        let bench = Bench::new();
        let report = bench.fetch_one(&server.url());
        let reason = report.reason.unwrap();
        assert_eq!((report.state, report.tries, bench.names()), (State::Failed, 4, vec![]), "{reason}");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_whole_file_of_unknown_length_is_taken() {
    let server = Server::start(|_| Reply::new(200, zip_of(1)).without_length());
    let bench = Bench::new();
    assert_eq!((bench.fetch_one(&server.url()).state, bench.zip()), (State::Fetched, Some(zip_of(1))));
}

#[test]
fn a_file_that_is_too_long_is_left_whether_it_says_so_or_not() {
    let answers: [fn(&Request) -> Reply; 2] =
        [|_| Reply::new(200, zip_of(1)), |_| Reply::new(200, zip_of(1)).without_length()];
    for answer in answers {
        let server = Server::start(answer);
        let mut bench = Bench::new();
        bench.limits.bytes_max = 70_000;
        let report = bench.fetch_one(&server.url());
        assert_eq!((report.state, report.tries, bench.names()), (State::Failed, 1, vec![]), "{report:?}");
        assert!(report.reason.unwrap().ends_with("and may have 70000"));
    }
}

#[test]
fn a_server_that_is_not_there_ends_the_fetch() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", taken.local_addr().unwrap());
    drop(taken);
    let summary = Bench::new().fetch(&url, "2015-01", "2015-03");
    let why = summary.ended_early.unwrap();
    assert!(why.starts_with(&format!("{url} does not answer (")), "{why}");
    assert_eq!((summary.failed, summary.left), (vec![month("2015-01")], vec![month("2015-02"), month("2015-03")]));
}

/// Whatever a server does, what has the name has the flights of a file that the server had, and a good server in the end
/// gives one. Flights, not bytes: no checksum of a zip covers the dates and permissions in its directory.
#[test]
fn faults_at_random_never_leave_a_wrong_file() {
    let seed = std::env::var("DELAYCAST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DELAYCAST_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..40 {
        let versions = [zip_of(rng.random()), zip_of(rng.random())];
        let originals = versions.each_ref().map(|version| flights(version));
        let (served, mut fate) = (versions, ChaCha8Rng::seed_from_u64(rng.random()));
        let server = server(move |count, request| {
            let version = usize::from(count > 6 || fate.random_bool(0.3));
            let (file, tag) = (&served[version], ["\"a\"", "\"b\""][version]);
            let honest = Reply::file(request, file, tag);
            if count > 20 {
                return honest;
            }
            let position = fate.random_range(0..file.len());
            match fate.random_range(0..10) {
                0 => Reply::new(500, "no"),
                1 => Reply::new(200, "<html>"),
                2 => Reply::new(416, ""),
                3 => Reply::new(200, file.clone()).cut(position),
                4 => Reply::part(request.from().unwrap_or(position), file),
                5 => Reply::part(request.from().unwrap_or_default(), file).header("ETag", tag).cut(position),
                6 => honest.garbled(position),
                7 => honest.without_length().cut(position),
                _ => honest.cut(position),
            }
        });
        let mut bench = Bench::new();
        bench.limits.tries_max = 3;
        let mut state = State::Left;
        for _ in 0..30 {
            state = bench.fetch_one(&server.url()).state;
            assert_eq!(bench.zip().is_some(), state.is_here());
            assert!(bench.zip().is_none_or(|zip| originals.contains(&flights(&zip))), "{:?}", server.requests());
            if state.is_here() {
                break;
            }
        }
        assert!(state.is_here(), "{:?}", server.requests());
    }
}
