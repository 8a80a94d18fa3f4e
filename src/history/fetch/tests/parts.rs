//! Files that come in parts: what goes on where, and what begins anew.

use super::*;

fn froms(server: &Server) -> Vec<Option<usize>> {
    server.requests().iter().map(Request::from).collect()
}

#[test]
fn a_file_that_breaks_off_goes_on_where_it_broke() {
    let zip = zip_of(1);
    let bytes = zip.len() as u64;
    let server = server(move |count, request| {
        let whole = Reply::file(request, &zip, "\"a\"");
        if count < 2 { whole.cut(1000) } else { whole }
    });
    let bench = Bench::new();
    let report = bench.fetch_one(&server.url());
    assert_eq!((report.state, report.tries, report.bytes_received), (State::Fetched, 3, bytes), "no byte twice");
    assert_eq!(froms(&server), [None, Some(1000), Some(2000)]);
    assert_eq!(server.requests()[1].header("if-range"), Some("\"a\""));
    assert_eq!(bench.zip(), Some(zip_of(1)));
}

#[test]
fn a_file_that_stalls_goes_on_where_it_stalled() {
    let server = server(|count, request| {
        let whole = Reply::file(request, &zip_of(1), "\"a\"");
        if count == 0 { whole.cut(1000).stall() } else { whole }
    });
    let mut bench = Bench::new();
    bench.limits.stall_timeout = Duration::from_millis(300);
    let mut reasons = Vec::new();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Retried { reason, .. } = event {
            reasons.push(reason.to_owned());
        }
    };
    let summary = bench.fetcher(&server.url()).fetch(months, bench.dir.path(), observe).unwrap();
    assert!(summary.is_complete());
    assert_eq!(reasons, ["the server sent nothing for 300ms"]);
    assert_eq!(froms(&server), [None, Some(1000)]);
}

#[test]
fn a_fetch_that_was_told_to_stop_is_gone_on_with_by_the_next() {
    let zip = zip_of(1);
    let server = server(move |count, request| {
        let whole = Reply::file(request, &zip, "\"a\"");
        // Nothing follows what came: the stop must end the read.
        if count == 0 { whole.cut(1000).stall() } else { whole }
    });
    let bench = Bench::new();
    let fetcher = bench.fetcher(&server.url());
    let stop = fetcher.stop();
    let months = Months::new(month("2015-01"), month("2015-02")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Received { .. } = event {
            let stop = stop.clone();
            std::thread::spawn(move || stop.ask());
        }
    };
    let summary = fetcher.fetch(months, bench.dir.path(), observe).unwrap();
    assert_eq!(summary.left, [month("2015-01"), month("2015-02")]);
    assert_eq!((summary.files[0].bytes, summary.ended_early.as_deref()), (1000, Some("it was told to stop")));
    assert_eq!((bench.zip(), fs::metadata(bench.part()).unwrap().len()), (None, 1000));

    assert_eq!(bench.fetch_one(&server.url()).state, State::Fetched);
    assert_eq!(froms(&server), [None, Some(1000)]);
    assert_eq!(bench.names().len(), 1, "{:?}", bench.names());
}

#[test]
fn a_server_that_ignores_ranges_is_taken_from_the_start() {
    let zip = zip_of(1);
    let server = server(move |count, _| {
        let whole = Reply::new(200, zip.clone()).header("ETag", "\"a\"");
        if count == 0 { whole.cut(1000) } else { whole }
    });
    let bench = Bench::new();
    let report = bench.fetch_one(&server.url());
    assert_eq!((report.state, report.tries), (State::Fetched, 2));
    assert_eq!((froms(&server), bench.zip()), (vec![None, Some(1000)], Some(zip_of(1))));
}

/// The file changes after the first answer; `second` is what the server then says to the question for the rest.
fn changes(second: fn(&Request, &[u8]) -> Reply) -> (Vec<Option<usize>>, FileReport) {
    let server = server(move |count, request| match count {
        0 => Reply::file(request, &zip_of(1), "\"a\"").cut(1000),
        1 => second(request, &zip_of(2)),
        _ => Reply::file(request, &zip_of(2), "\"b\""),
    });
    let bench = Bench::new();
    let report = bench.fetch_one(&server.url());
    assert_eq!(bench.zip(), Some(zip_of(2)));
    assert_eq!(bench.names().len(), 1, "{:?}", bench.names());
    (froms(&server), report)
}

#[test]
fn a_file_that_changes_between_two_tries_is_never_mixed() {
    // It heeds If-Range.
    assert_eq!(changes(|request, new| Reply::file(request, new, "\"b\"")).0, [None, Some(1000)]);
    // It does not, and the tag tells.
    let ignored = |request: &Request, new: &[u8]| Reply::part(request.from().unwrap(), new).header("ETag", "\"b\"");
    assert_eq!(changes(ignored).0, [None, Some(1000), None]);
    // Or the length.
    assert_eq!(changes(|_, new| Reply::part(1000, &[new, b"more"].concat())).0, [None, Some(1000), None]);
    // Nothing tells but the checksums: both have the same length.
    let (froms, report) = changes(|_, new| Reply::part(1000, new));
    assert_eq!((froms, report.tries), (vec![None, Some(1000), None], 3));
    // The part that comes is another than the one that was asked for.
    assert_eq!(changes(|_, new| Reply::part(999, new)).0, [None, Some(1000), None]);
}

#[test]
fn a_server_without_tags_is_asked_with_its_date_and_one_with_neither_without_condition() {
    for (date, expected) in
        [(Some("Tue, 03 Mar 2015 10:00:00 GMT"), Some("Tue, 03 Mar 2015 10:00:00 GMT")), (None, None)]
    {
        let server = server(move |count, request| {
            let whole = match request.from() {
                Some(from) => Reply::part(from, &zip_of(1)),
                None => Reply::new(200, zip_of(1)),
            };
            let whole = date.into_iter().fold(whole, |whole, date| whole.header("Last-Modified", date));
            // A weak tag says nothing of bytes.
            let whole = whole.header("ETag", "W/\"a\"");
            if count == 0 { whole.cut(1000) } else { whole }
        });
        let bench = Bench::new();
        assert_eq!(bench.fetch_one(&server.url()).state, State::Fetched);
        assert_eq!(froms(&server), [None, Some(1000)]);
        assert_eq!(server.requests()[1].header("if-range"), expected);
    }
}

#[test]
fn a_range_that_cannot_be_is_asked_from_the_start() {
    let server = server(|count, request| match count {
        0 => Reply::file(request, &zip_of(1), "\"a\"").cut(1000),
        1 => Reply::new(416, ""),
        _ => Reply::file(request, &zip_of(1), "\"a\""),
    });
    let bench = Bench::new();
    assert_eq!(bench.fetch_one(&server.url()).state, State::Fetched);
    assert_eq!(froms(&server), [None, Some(1000), None]);
}

#[test]
fn a_file_that_lacks_nothing_but_its_name_gets_it_without_a_request() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\"").cut(1000));
    let bench = Bench::new();
    let fetcher = bench.fetcher(&server.url());
    let stop = fetcher.stop();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    fetcher
        .fetch(months, bench.dir.path(), &mut |event| {
            if let Event::Retried { .. } = event {
                stop.ask()
            }
        })
        .unwrap();
    // As if it had been killed after the last byte.
    fs::write(bench.part(), zip_of(1)).unwrap();
    let report = bench.fetch_one(&server.url());
    assert_eq!((report.state, report.tries, server.requests().len()), (State::Fetched, 0, 1));
    assert_eq!(bench.zip(), Some(zip_of(1)));
}

#[test]
fn a_part_from_another_server_is_not_gone_on_with() {
    let first = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\"").cut(1000));
    let second = Server::start(|request| Reply::file(request, &zip_of(2), "\"a\""));
    let mut bench = Bench::new();
    bench.limits.tries_max = 1;
    assert_eq!(bench.fetch_one(&first.url()).state, State::Failed);
    assert_eq!(bench.fetch_one(&second.url()).state, State::Fetched);
    assert_eq!((froms(&second), bench.zip()), (vec![None], Some(zip_of(2))));
}
