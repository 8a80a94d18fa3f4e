//! Tests of files that arrive in parts: resumed, or fetched from their start.

use super::*;

fn range_starts(server: &Server) -> Vec<Option<usize>> {
    server.requests().iter().map(Request::range_start).collect()
}

#[test]
fn an_interrupted_file_is_resumed() {
    let zip = zip_of(1);
    let bytes = zip.len() as u64;
    let server = server(move |count, request| {
        let whole = Reply::file(request, &zip, "\"a\"");
        if count < 2 { whole.truncate(1000) } else { whole }
    });
    let fixture = Fixture::new();
    let report = fixture.fetch_one(&server.url());
    assert_eq!((report.state, report.tries, report.bytes_received), (FileState::Fetched, 3, bytes), "no byte twice");
    assert_eq!(range_starts(&server), [None, Some(1000), Some(2000)]);
    assert_eq!(server.requests()[1].header("if-range"), Some("\"a\""));
    assert_eq!(fixture.zip(), Some(zip_of(1)));
}

#[test]
fn a_stalled_file_is_resumed() {
    let server = server(|count, request| {
        let whole = Reply::file(request, &zip_of(1), "\"a\"");
        if count == 0 { whole.truncate(1000).stall() } else { whole }
    });
    let mut fixture = Fixture::new();
    fixture.limits.stall_timeout = Duration::from_millis(300);
    let mut reasons = Vec::new();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Retried { reason, .. } = event {
            reasons.push(reason.to_owned());
        }
    };
    let summary = fixture.fetcher(&server.url()).fetch(months, fixture.dir.path(), observe).unwrap();
    assert!(summary.is_complete());
    assert_eq!(reasons, ["the server sent nothing for 300ms"]);
    assert_eq!(range_starts(&server), [None, Some(1000)]);
}

#[test]
fn a_stopped_fetch_is_resumed_by_the_next_run() {
    let zip = zip_of(1);
    let server = server(move |count, request| {
        let whole = Reply::file(request, &zip, "\"a\"");
        // No byte follows: the stop must end the read.
        if count == 0 { whole.truncate(1000).stall() } else { whole }
    });
    let fixture = Fixture::new();
    let fetcher = fixture.fetcher(&server.url());
    let stop = fetcher.stop();
    let months = Months::new(month("2015-01"), month("2015-02")).unwrap();
    let observe = &mut |event: Event<'_>| {
        if let Event::Received { .. } = event {
            let stop = stop.clone();
            std::thread::spawn(move || stop.request());
        }
    };
    let summary = fetcher.fetch(months, fixture.dir.path(), observe).unwrap();
    assert_eq!(summary.left, [month("2015-01"), month("2015-02")]);
    assert_eq!((summary.files[0].bytes, summary.ended_early.as_deref()), (1000, Some("it was told to stop")));
    assert_eq!((fixture.zip(), fs::metadata(fixture.part()).unwrap().len()), (None, 1000));

    assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Fetched);
    assert_eq!(range_starts(&server), [None, Some(1000)]);
    assert_eq!(fixture.names().len(), 1, "{:?}", fixture.names());
}

#[test]
fn an_answer_that_ignores_the_range_replaces_the_part() {
    let zip = zip_of(1);
    let server = server(move |count, _| {
        let whole = Reply::new(200, zip.clone()).header("ETag", "\"a\"");
        if count == 0 { whole.truncate(1000) } else { whole }
    });
    let fixture = Fixture::new();
    let report = fixture.fetch_one(&server.url());
    assert_eq!((report.state, report.tries), (FileState::Fetched, 2));
    assert_eq!((range_starts(&server), fixture.zip()), (vec![None, Some(1000)], Some(zip_of(1))));
}

/// Fetches a file that changes after the first answer; `second` answers the request for the rest.
fn fetch_changing(second: fn(&Request, &[u8]) -> Reply) -> (Vec<Option<usize>>, FileReport) {
    let server = server(move |count, request| match count {
        0 => Reply::file(request, &zip_of(1), "\"a\"").truncate(1000),
        1 => second(request, &zip_of(2)),
        _ => Reply::file(request, &zip_of(2), "\"b\""),
    });
    let fixture = Fixture::new();
    let report = fixture.fetch_one(&server.url());
    assert_eq!(fixture.zip(), Some(zip_of(2)));
    assert_eq!(fixture.names().len(), 1, "{:?}", fixture.names());
    (range_starts(&server), report)
}

#[test]
fn a_file_that_changes_between_two_tries_is_never_mixed() {
    // The server obeys If-Range.
    assert_eq!(fetch_changing(|request, new| Reply::file(request, new, "\"b\"")).0, [None, Some(1000)]);
    // The server ignores If-Range, and the tag differs.
    let ignored =
        |request: &Request, new: &[u8]| Reply::part(request.range_start().unwrap(), new).header("ETag", "\"b\"");
    assert_eq!(fetch_changing(ignored).0, [None, Some(1000), None]);
    // The server ignores If-Range, and the length differs.
    assert_eq!(fetch_changing(|_, new| Reply::part(1000, &[new, b"more"].concat())).0, [None, Some(1000), None]);
    // Only the checksums reveal the change: both versions have the same length.
    let (starts, report) = fetch_changing(|_, new| Reply::part(1000, new));
    assert_eq!((starts, report.tries), (vec![None, Some(1000), None], 3));
    // The range of the answer is not the requested one.
    assert_eq!(fetch_changing(|_, new| Reply::part(999, new)).0, [None, Some(1000), None]);
}

#[test]
fn a_request_is_conditional_on_the_date_without_a_tag_and_unconditional_without_both() {
    for (date, expected) in
        [(Some("Tue, 03 Mar 2015 10:00:00 GMT"), Some("Tue, 03 Mar 2015 10:00:00 GMT")), (None, None)]
    {
        let server = server(move |count, request| {
            let whole = match request.range_start() {
                Some(from) => Reply::part(from, &zip_of(1)),
                None => Reply::new(200, zip_of(1)),
            };
            let whole = date.into_iter().fold(whole, |whole, date| whole.header("Last-Modified", date));
            // A weak tag does not identify bytes.
            let whole = whole.header("ETag", "W/\"a\"");
            if count == 0 { whole.truncate(1000) } else { whole }
        });
        let fixture = Fixture::new();
        assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Fetched);
        assert_eq!(range_starts(&server), [None, Some(1000)]);
        assert_eq!(server.requests()[1].header("if-range"), expected);
    }
}

#[test]
fn a_range_that_is_not_satisfiable_is_fetched_from_the_start() {
    let server = server(|count, request| match count {
        0 => Reply::file(request, &zip_of(1), "\"a\"").truncate(1000),
        1 => Reply::new(416, ""),
        _ => Reply::file(request, &zip_of(1), "\"a\""),
    });
    let fixture = Fixture::new();
    assert_eq!(fixture.fetch_one(&server.url()).state, FileState::Fetched);
    assert_eq!(range_starts(&server), [None, Some(1000), None]);
}

#[test]
fn a_complete_part_is_renamed_without_a_request() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\"").truncate(1000));
    let fixture = Fixture::new();
    let fetcher = fixture.fetcher(&server.url());
    let stop = fetcher.stop();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    fetcher
        .fetch(months, fixture.dir.path(), &mut |event| {
            if let Event::Retried { .. } = event {
                stop.request()
            }
        })
        .unwrap();
    // The state after a kill behind the last byte.
    fs::write(fixture.part(), zip_of(1)).unwrap();
    let report = fixture.fetch_one(&server.url());
    assert_eq!((report.state, report.tries, server.requests().len()), (FileState::Fetched, 0, 1));
    assert_eq!(fixture.zip(), Some(zip_of(1)));
}

#[test]
fn a_part_from_another_server_is_not_resumed() {
    let first = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\"").truncate(1000));
    let second = Server::start(|request| Reply::file(request, &zip_of(2), "\"a\""));
    let mut fixture = Fixture::new();
    fixture.limits.tries_max = 1;
    assert_eq!(fixture.fetch_one(&first.url()).state, FileState::Failed);
    assert_eq!(fixture.fetch_one(&second.url()).state, FileState::Fetched);
    assert_eq!((range_starts(&second), fixture.zip()), (vec![None], Some(zip_of(2))));
}
