//! Every page in a real Chromium: axe-core finds nothing wrong in either colour scheme, nothing scrolls sideways down
//! to 320 pixels, nothing moves once it is drawn, and the keyboard reaches everything in order.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::{
    TestDoubles, answer_to, axe,
    browser::{self, Browser, View},
    evaluation, history,
    http_server::Server,
};
use delaycast::request::{Request, decode};
use delaycast_web::{Config, render_report};
use engine::{
    batch::Task,
    store::{Batches, Outcome},
};
use serde_json::{Value, json};

const FORM: &str = "/flights/delays/predict_kafka";
const DESKTOP: View = View { width: 1280, dark: false, javascript: true };
const WIDTHS: [u32; 3] = [1280, 390, 320];

/// A request of the history's flight AA 1, with some fields of its own.
fn request(id: &str, fields: Value) -> Request {
    let mut request = json!({
        "UUID": id, "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2013-01-22", "FlightNum": "1",
        "Timestamp": "2013-01-21T10:00:00.000000",
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode(request.to_string().as_bytes()).unwrap()
}

/// A server with a history, and with an answer, a rejection and a followed answer.
fn server() -> Server {
    let mut doubles = common::doubles(Config::default());
    doubles.parts.history = history::prepared();
    fill(&doubles);
    Server::with(doubles)
}

fn fill(doubles: &TestDoubles) {
    let at = |time: &str| json!({ "$date": format!("2013-01-22T{time}:00Z") });
    for (id, fields) in [("before", json!({})), ("departed", json!({ "DepDelay": 45 }))] {
        doubles.store.put(id, answer_to(&request(id, fields)));
    }
    doubles.store.put("rejected", Outcome::Rejected("Distance: must be above 0".into()));
    let followed = request("followed", json!({ "Follow": true }));
    doubles.store.put("followed", answer_to(&followed));
    let Value::Object(message) = json!({
        "UUID": "batch", "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2013-01-22", "FlightNum": "1",
    }) else {
        unreachable!()
    };
    let task = Task { id: "batch".into(), stamp: "2026-11-28T13:41:32.246003".into(), message };
    doubles.batches.answer(&task);
    let waiting = Task { id: "waits".into(), ..task };
    assert_eq!(doubles.batches.add(&[waiting]), Ok(vec![]));
    let inbound = json!({
        "Carrier": "AA", "FlightNum": "7", "Origin": "BOS", "State": "departed", "Link": "habit", "LinkTimes": 6,
        "Scheduled": at("17:40"), "Expected": at("18:28"), "Delay": 48, "GroundMinutes": 35,
    });
    let live = json!({ "AsOf": at("16:00"), "State": "scheduled", "Inbound": inbound });
    for median in [4, 31] {
        doubles.store.put_version(&followed, median, json!({ "State": "ended" }), live.clone());
    }
}

/// All pages: those of the registry, and the states of an answer.
const PAGES: [&str; 29] = [
    FORM,
    "/flights/delays/predict_kafka?Flight=AA+1+from+ATL+to+SFO",
    "/flights/delays/predict_kafka?Origin=ATL&Dest=SFO",
    "/flights/delays/predict_kafka?id=before",
    "/flights/delays/predict_kafka?id=departed",
    "/flights/delays/predict_kafka?id=followed",
    "/flights/delays/predict_kafka?id=followed&version=1",
    "/flights/delays/predict_kafka?id=rejected",
    "/flights/delays/predict",
    "/flights/delays/predict_bulk",
    "/flights/delays/predict_batch",
    "/flights/delays/predict_batch/results/2026-11-28",
    "/flights/delays/predict_batch/results/2026-11-29",
    "/airlines",
    "/airline/AA",
    "/airplanes",
    "/airplanes?Model=nothing",
    "/airplane/N14228",
    "/flights/search",
    "/flights/search?Carrier=ZZ",
    "/flights/ATL/SFO/2013-01-04",
    "/on_time_performance?Carrier=DL&FlightDate=2013-01-03&FlightNum=7",
    "/total_flights",
    "/delays",
    "/ops",
    "/ops/dataflow",
    "/ops/dead-letters",
    "/nothing",
    "/airline/ZZ",
];

/// Looks at an address in all widths and both colour schemes.
fn check(browser: &mut Browser, url: &str, axe: Option<&str>, faults: &mut Vec<String>) {
    for width in WIDTHS {
        for dark in [false, true] {
            browser.look(View { width, dark, ..DESKTOP });
            browser.open(url);
            let mut found = Vec::new();
            // Below 0 is the scroll bar.
            if browser.overhang() > 0 {
                found.push(format!("{} pixels wider than the window", browser.overhang()));
            }
            let shift = browser.layout_shift();
            if shift > 0.0 {
                found.push(format!("its parts move: {shift}"));
            }
            found.extend(axe.iter().flat_map(|axe| axe::violations(browser, axe)));
            let scheme = if dark { "dark" } else { "light" };
            faults.extend(found.iter().map(|fault| format!("{url} at {width} {scheme}: {fault}")));
        }
    }
}

#[test]
fn no_page_breaks_a_rule_of_accessibility_scrolls_sideways_or_moves() {
    let server = server();
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let (axe, mut faults) = (axe::script(), Vec::new());
    for path in PAGES {
        check(&mut browser, &format!("http://{}{path}", server.address), axe.as_deref(), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_report_and_the_history_in_preparation_break_no_rule_either() {
    let server = Server::start(Config::default());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let (axe, mut faults) = (axe::script(), Vec::new());
    let flights = evaluation::flights(80);
    let (training, held_out) = flights.split_at(1200);
    let report = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    let html = render_report(&evaluation::report(training, held_out, 100)).unwrap();
    std::fs::write(report.path(), html).unwrap();
    for url in [format!("http://{}/airlines", server.address), format!("file://{}", report.path().display())] {
        check(&mut browser, &url, axe.as_deref(), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_keyboard_reaches_everything_in_order_and_shows_where_it_is() {
    let server = server();
    let Some(browser) = browser::start(DESKTOP) else { return };
    browser.open(&format!("http://{}{FORM}", server.address));
    let expected =
        ["delaycast", "History", "Operations", "Flight", "Ask", "Follow", "Airports, airline and day one by one"];
    for expected in expected {
        assert_eq!(browser.tab(), expected);
        let outline = browser.execute("return getComputedStyle(document.activeElement).outlineStyle;", json!([]));
        assert_ne!(outline, "none", "{expected} shows that it has the focus");
    }
}

#[test]
fn paper_has_the_answer_without_the_form_and_forced_colours_keep_the_four_classes_apart() {
    let server = server();
    let Some(browser) = browser::start(DESKTOP) else { return };
    browser.open(&format!("http://{}{FORM}?id=followed", server.address));
    let is_shown = |css: &str| {
        browser.execute("return document.querySelector(arguments[0]).checkVisibility();", json!([css])) == true
    };
    assert!(is_shown("form") && is_shown("nav") && is_shown("#result h2"));
    browser.emulate("print", false);
    assert!(!is_shown("form") && !is_shown("nav") && is_shown("#result h2") && is_shown(".map svg"));
    browser.screenshot("15-print");
    browser.emulate("", true);
    let colours = "return [...document.querySelectorAll('.bar rect')].map((it) => getComputedStyle(it).fill) \
                   .concat([...document.querySelectorAll('.legend li')] \
                   .map((it) => getComputedStyle(it, '::before').backgroundColor));";
    let colours = browser.execute(colours, json!([]));
    let (bars, legend) = colours.as_array().unwrap().split_at(4);
    assert_eq!(bars, legend, "a bar has the colour of its line in the legend");
    assert!((1..4).all(|at| !bars[..at].contains(&bars[at])), "{bars:?}");
    browser.screenshot("16-forced-colours");
}
