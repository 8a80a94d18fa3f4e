//! Followed answers: the routes of versions and events, and the page, in process.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use common::{
    answer_to,
    site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, TestSite, header, json_of, site, site_with, text_of},
};
use delaycast::request::Request;
use delaycast_web::{Config, Replay, ReplayedFlight};
use serde_json::{Value, json};
use warp::test::request;

async fn ask(site: &TestSite, form: &str) -> Request {
    let posted = site.post(FORM, "application/json", form).await;
    assert_eq!(posted.status(), 200, "{}", text_of(&posted));
    site.doubles.log.requests().pop().unwrap()
}

async fn ask_to_follow(site: &TestSite) -> Request {
    let request = ask(site, &format!("{OLD_FORM}&Follow=true")).await;
    site.doubles.store.put(request.id.as_str(), answer_to(&request));
    request
}

fn followed() -> Value {
    json!({ "State": "followed" })
}

#[tokio::test]
async fn the_form_asks_to_follow_and_leaves_the_departure_to_the_events() {
    let site = site();
    let request = ask(&site, &format!("{OLD_FORM}&Follow=true")).await;
    assert_eq!((request.follow, request.dep_delay), (true, None));
    for form in [OLD_FORM.to_owned(), format!("{OLD_FORM}&Follow="), format!("{OLD_FORM}&Follow=false")] {
        let request = ask(&site, &form).await;
        assert_eq!((request.follow, request.dep_delay), (false, Some(5.0)), "{form}");
    }
    let errors = site.errors(FORM, format!("{OLD_FORM}&Follow=yes")).await;
    assert_eq!(errors, [("Follow".to_owned(), "must be true or false".to_owned())]);
}

#[tokio::test]
async fn versions_are_returned_from_a_number_on() {
    let site = site();
    let request = ask_to_follow(&site).await;
    let path = format!("{CLASSIFY}/response/{}/versions", request.id);
    let none = site.get(&path, "application/json").await;
    assert_eq!(json_of(&none), json!({ "status": "OK", "id": request.id.as_str(), "versions": [] }));
    for median in [4, 9, 20] {
        site.doubles.store.put_version(&request, median, followed(), Value::Null);
    }
    for (query, expected) in
        [("", vec![4, 9, 20]), ("?after=2", vec![20]), ("?after=3", vec![]), ("?x=1", vec![4, 9, 20])]
    {
        let response = json_of(&site.get(&format!("{path}{query}"), "application/json").await);
        let medians: Vec<i64> =
            response["versions"].as_array().unwrap().iter().map(|it| it["ArrDelay"]["P50"].as_i64().unwrap()).collect();
        assert_eq!(medians, expected, "{query}");
    }
    assert_eq!(site.get(&format!("{path}?after=-1"), "application/json").await.status(), 400);
    *site.doubles.store.down.lock().unwrap() = true;
    let down = site.get(&path, "application/json").await;
    assert!(down.status() == 503 && !text_of(&down).contains("database"));
}

/// Returns the events of a stream that ends: their ids and their data.
async fn events(site: &TestSite, request_id: &str, last_seen: Option<u32>) -> Vec<(String, Value)> {
    let path = format!("{CLASSIFY}/response/{request_id}/events");
    let get = request().path(&path).header("accept", "text/event-stream");
    let get = last_seen.into_iter().fold(get, |get, last| get.header("last-event-id", last));
    let response = site.send(get).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, "text/event-stream"));
    assert_eq!(header(&response, "cache-control"), "no-store");
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim().to_owned()
    };
    let events = text_of(&response).split("\n\n").filter(|event| event.contains("event:version"));
    events.map(|event| (field(event, "id"), serde_json::from_str(&field(event, "data")).unwrap())).collect()
}

#[tokio::test]
async fn events_tell_versions_until_the_last_one_also_to_a_client_that_connects_again() {
    let site = site();
    let request = ask_to_follow(&site).await;
    let event = |version: u32, state: &str| (version.to_string(), json!({ "version": version, "state": state }));
    site.doubles.store.put_version(&request, 4, followed(), Value::Null);
    site.doubles.store.put_version(&request, 9, followed(), Value::Null);
    let later = async {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        site.doubles.store.put_version(&request, 9, json!({ "State": "ended" }), Value::Null);
    };
    let (seen, ()) = tokio::join!(events(&site, request.id.as_str(), None), later);
    assert_eq!(seen, [event(1, "followed"), event(2, "followed"), event(3, "ended")]);
    assert_eq!(events(&site, request.id.as_str(), Some(2)).await, [event(2, "followed"), event(3, "ended")]);
    assert_eq!(events(&site, request.id.as_str(), Some(3)).await, [event(3, "ended")]);
}

#[tokio::test]
async fn rule_5_the_pages_that_follow_are_bounded() {
    let site = site_with(Config { followers_max: 0, ..Config::default() });
    let request = ask_to_follow(&site).await;
    let refused = site.get(&format!("{CLASSIFY}/response/{}/events", request.id), "text/event-stream").await;
    assert_eq!(refused.status(), 503);
}

#[tokio::test]
async fn rule_4_the_page_shows_the_last_version_or_another_and_refreshes_itself_while_others_may_come() {
    let site = site();
    let request = ask_to_follow(&site).await;
    let url = format!("{PAGE}?id={}", request.id);
    let begins = site.get(&url, BROWSER).await;
    assert!(text_of(&begins).contains("data-follow=\"starting\"") && text_of(&begins).contains("http-equiv"));
    let live = |state: &str| json!({ "AsOf": { "$date": "2016-12-25T17:00:00Z" }, "State": state, "ArrDelay": 38 });
    site.doubles.store.put_version(&request, 4, followed(), live("scheduled"));
    site.doubles.store.put_version(&request, 31, followed(), live("scheduled"));
    let page = site.get(&url, BROWSER).await;
    for shown in [
        "data-follow=\"followed\" data-version=\"2\"",
        "Expect 31\u{a0}minutes late",
        "12:00</a> <span>expect 31\u{a0}minutes late (31\u{a0}% for 15 or more)",
        "12:00</a> <span>expect 4\u{a0}minutes late",
        "http-equiv",
    ] {
        assert!(text_of(&page).contains(shown), "{shown}: {}", text_of(&page));
    }
    let first = site.get(&format!("{url}&version=1"), BROWSER).await;
    assert!(text_of(&first).contains("Expect 4\u{a0}minutes late") && text_of(&first).contains("data-earlier"));
    assert!(!text_of(&first).contains("http-equiv"));
    // A number that is none of the versions.
    assert!(text_of(&site.get(&format!("{url}&version=7"), BROWSER).await).contains("data-version=\"2\""));
    assert_eq!(site.get(&format!("{url}&version=x"), BROWSER).await.status(), 400);

    site.doubles.store.put_version(&request, 31, json!({ "State": "ended" }), live("arrived"));
    let ended = site.get(&url, BROWSER).await;
    let html = text_of(&ended);
    assert!(
        html.contains("<h2>Arrived 38 minutes late</h2>") && html.contains("This flight is not followed any more"),
        "{html}"
    );
    assert!(!html.contains("http-equiv") && !html.contains("class=\"bar\"") && !html.contains("Expect "), "{html}");
}

#[tokio::test]
async fn rule_3_the_reason_why_a_request_is_not_followed_is_escaped() {
    let site = site();
    let request = ask_to_follow(&site).await;
    let refused = json!({ "State": "refused", "Reason": "<b>too many</b>" });
    site.doubles.store.put_version(&request, 4, refused, Value::Null);
    let page = site.get(&format!("{PAGE}?id={}", request.id), BROWSER).await;
    assert!(text_of(&page).contains("This flight is not followed: &lt;b&gt;too many&lt;/b&gt;."), "{}", text_of(&page));
}

#[tokio::test]
async fn older_versions_are_folded_unless_one_of_them_is_shown() {
    let site = site();
    let request = ask_to_follow(&site).await;
    (0..7).for_each(|n| site.doubles.store.put_version(&request, 10 * n, followed(), Value::Null));
    let url = format!("{PAGE}?id={}", request.id);
    let page = site.get(&url, BROWSER).await;
    let (newest, older) = text_of(&page).split_once("<details>").unwrap();
    assert!(newest.contains("expect 60\u{a0}minutes late") && newest.contains("expect 20\u{a0}minutes late"));
    assert!(older.contains("<summary>2 older</summary>") && older.contains("expect no delay"), "{older}");
    assert!(text_of(&site.get(&format!("{url}&version=2"), BROWSER).await).contains("<details open>"));
}

/// Noon of 28 July 2013 in New York, a minute a second.
struct Noon;

impl Replay for Noon {
    fn now(&self) -> Option<DateTime<Utc>> {
        Some("2013-07-28T16:00:00Z".parse().unwrap())
    }

    fn zone(&self) -> Tz {
        chrono_tz::America::New_York
    }

    fn speed(&self) -> f64 {
        60.0
    }

    fn flights(&self) -> Vec<ReplayedFlight> {
        let code = |code: &str| code.parse().unwrap();
        let departs = "2013-07-28T17:45:00Z".parse().unwrap();
        let (carrier, origin, dest) = (code("DL"), code("JFK"), code("SEA"));
        vec![ReplayedFlight { id: "demo-1".to_owned(), carrier, number: 418, origin, dest, departs }]
    }
}

#[tokio::test]
async fn a_replayed_day_has_its_time_on_the_page_and_in_each_request() {
    let site = site_with(Config { replay: Some(Arc::new(Noon)), ..Config::default() });
    let page = site.get(PAGE, BROWSER).await;
    for shown in [
        "12:00 on Sunday, 28 July 2013</b>. A second is a minute.",
        "predict_kafka?id&#x3D;demo%2D1#result\">DL 418 from JFK to SEA at 13:45</a>",
        "value=\"DL 418 from JFK to SEA\"",
        "value=\"2013-07-28\"",
        "value=\"true\" checked",
    ] {
        assert!(text_of(&page).contains(shown), "{shown}: {}", text_of(&page));
    }
    let request = ask(&site, OLD_FORM).await;
    assert_eq!(request.as_of, Noon.now());
    assert!(!text_of(&common::site::site().get(PAGE, BROWSER).await).contains("replay"));
}
