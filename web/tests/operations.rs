//! The pages of operations in process: charts, the dataflow, and dead letters that are sent back.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::site::{BROWSER, FORM, TestSite, header, site, site_with_parts, text_of};
use delaycast_web::Config;
use engine::{
    delivery::Health,
    log::{Log, Message, Share, Start},
};
use warp::{http::Response, test::request};

const PAGE: &str = "/ops/dead-letters";
const SEND_BACK: &str = "/ops/dead-letters/send-back";
const REPLAY: &str = "/ops/dead-letters/replay";

async fn post(site: &TestSite, path: &str, body: &str) -> Response<Bytes> {
    let post = request().method("POST").path(path).header("accept", BROWSER).header("content-type", FORM);
    site.send(post.header("sec-fetch-site", "same-origin").body(body)).await
}

/// The messages that were sent back, by offset of their attempt.
fn sent_back(site: &TestSite) -> Vec<Message> {
    messages_of(&*site.doubles.dead_letters.log)
}

fn messages_of(log: &dyn Log) -> Vec<Message> {
    let health = Arc::new(Health::new("the log"));
    let mut reader = log.reader(Share::ALL, Start::Earliest, Arc::new(|| ()), health).unwrap();
    let (mut messages, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(30));
    while reader.exhausted() < log.partitions().unwrap() as usize {
        reader.poll(100, &mut messages);
        assert!(Instant::now() < deadline, "{} messages", messages.len());
        std::thread::sleep(Duration::from_millis(1));
    }
    messages
}

/// The value of a hidden field, as the first form on the page has it.
fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let field = format!("name=\"{name}\" value=\"");
    let start = html.find(&field).unwrap() + field.len();
    html[start..].split_once('"').unwrap().0
}

#[tokio::test]
async fn the_page_of_operations_has_charts_of_rate_latency_and_lag() {
    let site = site();
    let page = site.get("/ops", BROWSER).await;
    let html = text_of(&page);
    for shown in
        ["Answers per second, the last hour; now: answers", "99th percentile", "Messages behind, the last hour"]
    {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(html.contains("<polyline class=\"line-b\""), "{html}");
}

#[tokio::test]
async fn the_page_of_the_dataflow_names_who_holds_the_frontier_and_draws_the_operators() {
    let site = site();
    let page = site.get("/ops/dataflow", BROWSER).await;
    let html = text_of(&page);
    assert_eq!(page.status(), 200);
    for shown in ["LandAnswers holds the frontier back since ", "312 records are in flight", ">LandDeadLetters</text>"]
    {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert_eq!(html.matches("class=\"operator").count(), 9, "{html}");
    *site.doubles.operations.scorers.lock().unwrap() = None;
    assert!(text_of(&site.get("/ops/dataflow", BROWSER).await).contains("This page knows no scorer"));
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_message_and_sent_back_once_asked_to() {
    let site = site();
    let empty = site.get(PAGE, BROWSER).await;
    assert!(text_of(&empty).contains("There are none."), "{}", text_of(&empty));
    site.doubles.dead_letters.keep(17, "Carrier: <b>is</b> missing", b"{\"Origin\":\"<i>\"}", 1);
    let page = site.get(PAGE, BROWSER).await;
    let html = text_of(&page);
    for shown in
        ["Carrier: &lt;b&gt;is", "{&quot;Origin&quot;:&quot;&lt;i&gt;&quot;}", "sent back 1 of 3 times", "id-17"]
    {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    let found_at = hidden(html, "found_at").replace(':', "%3A");
    let sent = post(&site, SEND_BACK, &format!("partition=2&offset=17&found_at={found_at}")).await;
    assert_eq!((sent.status().as_u16(), header(&sent, "location")), (303, "/ops/dead-letters?sent=2/17"));
    let again = site.get(header(&sent, "location"), BROWSER).await;
    assert!(text_of(&again).contains("The letter at 2/17 was sent back"), "{}", text_of(&again));
    let messages = sent_back(&site);
    assert_eq!(
        (messages.len(), messages[0].attempt, messages[0].payload.bytes()),
        (1, 2, &b"{\"Origin\":\"<i>\"}"[..])
    );
}

#[tokio::test]
async fn a_letter_that_must_stay_is_not_sent_back_and_a_wrong_form_is_named() {
    let site = site();
    site.doubles.dead_letters.keep(3, "Carrier: is missing", b"{}", 3);
    let page = site.get(PAGE, BROWSER).await;
    assert!(text_of(&page).contains("It stays: it was sent back as often as is allowed."), "{}", text_of(&page));
    let now = chrono::Utc::now().to_rfc3339().replace('+', "%2B");
    let unknown = post(&site, SEND_BACK, &format!("partition=2&offset=4&found_at={now}")).await;
    assert_eq!(unknown.status(), 409, "{}", text_of(&unknown));
    for wrong in
        ["", "partition=2&offset=x&found_at=now", "partition=99999999999&offset=1&found_at=2026-01-01T00:00:00Z"]
    {
        assert_eq!(post(&site, SEND_BACK, wrong).await.status(), 400, "{wrong}");
    }
    assert_eq!(sent_back(&site).len(), 0);
}

#[tokio::test]
async fn a_replay_of_a_reason_sends_those_letters_and_its_end_is_shown() {
    let site = site();
    for (offset, reason) in [(1, "Carrier: is missing"), (2, "Origin: is missing"), (3, "Carrier: is missing")] {
        site.doubles.dead_letters.keep(offset, reason, b"{}", 0);
    }
    let begun = post(&site, REPLAY, "reason=Carrier").await;
    assert_eq!((begun.status().as_u16(), header(&begun, "location")), (303, PAGE));
    let deadline = Instant::now() + Duration::from_secs(30);
    let html = loop {
        let page = site.get(PAGE, BROWSER).await;
        let html = text_of(&page).to_owned();
        if html.contains("is done: 2 sent back, 0 kept.") {
            break html;
        }
        assert!(html.contains(", runs: ") && Instant::now() < deadline, "{html}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(html.contains("The replay of reasons with “Carrier”") && html.contains("Origin: is missing"), "{html}");
    assert_eq!(sent_back(&site).len(), 2);
}

#[tokio::test]
async fn the_letters_of_events_are_counted_shown_and_sent_back_into_their_own_log() {
    let site = site();
    let state = site.get("/ops", BROWSER).await;
    for shown in ["<dt>Dead letters of events</dt><dd>2</dd>", "Dead letters of events by reason"] {
        assert!(text_of(&state).contains(shown), "{shown}: {}", text_of(&state));
    }
    site.doubles.dead_letters.keep(1, "Carrier: is missing", b"{}", 0);
    site.doubles.event_letters.keep(17, "Event: is missing", b"{\"At\":1}", 0);
    site.doubles.event_letters.keep(18, "At: is missing", b"{}", 0);
    let page = site.get("/ops/dead-letters?log=events", BROWSER).await;
    let html = text_of(&page);
    for shown in [
        "Event: is missing",
        "<option value=\"events\" selected>Events of flights</option>",
        "delaycast replay --events URL",
        "no events, each with its reason",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(!html.contains("Carrier: is missing"), "{html}");
    let found_at = hidden(html, "found_at").replace(':', "%3A");
    assert_eq!((hidden(html, "log"), hidden(html, "offset")), ("events", "18"));
    let sent = post(&site, SEND_BACK, &format!("log=events&partition=2&offset=18&found_at={found_at}")).await;
    assert_eq!((sent.status().as_u16(), header(&sent, "location")), (303, "/ops/dead-letters?log=events&sent=2/18"));
    let again = site.get(header(&sent, "location"), BROWSER).await;
    assert!(text_of(&again).contains("The letter at 2/18 was sent back. It is read as an event"));
    let begun = post(&site, REPLAY, "log=events&reason=Event").await;
    assert_eq!((begun.status().as_u16(), header(&begun, "location")), (303, "/ops/dead-letters?log=events"));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = site.get(header(&begun, "location"), BROWSER).await;
        if text_of(&page).contains("The replay of reasons with “Event”, of events, begun at ")
            && text_of(&page).contains("is done: 1 sent back, 0 kept.")
        {
            break;
        }
        assert!(Instant::now() < deadline, "{}", text_of(&page));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(messages_of(&*site.doubles.event_letters.log).len(), 2);
    assert_eq!(sent_back(&site).len(), 0);
}

#[tokio::test]
async fn a_page_without_events_offers_none_and_an_unknown_log_is_refused() {
    let site = site_with_parts(Config::default(), |parts| parts.event_letters = None);
    let html = text_of(&site.get(PAGE, BROWSER).await).to_owned();
    assert!(!html.contains("Events of flights"), "{html}");
    assert_eq!(site.get("/ops/dead-letters?log=events", BROWSER).await.status(), 409);
    assert_eq!(site.get("/ops/dead-letters?log=other", BROWSER).await.status(), 400);
    assert_eq!(post(&site, REPLAY, "log=other").await.status(), 400);
}

#[tokio::test]
async fn a_change_that_another_site_sends_is_refused() {
    let site = site();
    site.doubles.dead_letters.keep(1, "Carrier: is missing", b"{}", 0);
    for path in [SEND_BACK, REPLAY] {
        let post = request().method("POST").path(path).header("content-type", FORM).header("host", "localhost");
        let refused = site.send(post.header("origin", "https://other.example").body("reason=Carrier")).await;
        assert_eq!(refused.status(), 403, "{path}");
        assert_eq!(site.get(path, BROWSER).await.status(), 405, "{path}");
    }
    assert_eq!(sent_back(&site).len(), 0);
}
