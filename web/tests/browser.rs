//! The pages in a real Chromium, served with an in-memory log and store: every state of every page, in a desktop's and
//! a phone's width, with screenshots in `target/screenshots/`.
//!
//! Without chromium and chromedriver these tests print it and are skipped, unless `DELAYCAST_REQUIRE_BROWSER=1`.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::time::Duration;

use common::{
    PublishOutcome, answer_to,
    browser::{self, Browser, View},
    http_server::Server,
};
use delaycast::request::Request;
use delaycast_web::Config;
use engine::{status::Wait, store::Outcome};
use serde_json::json;

const DESKTOP: View = View { width: 1280, dark: false, javascript: true };
const DESKTOP_DARK: View = View { dark: true, ..DESKTOP };
const PHONE: View = View { width: 390, ..DESKTOP };
const PHONE_DARK: View = View { width: 390, ..DESKTOP_DARK };
const ALL: [View; 4] = [DESKTOP, DESKTOP_DARK, PHONE, PHONE_DARK];

const ASK: &str = "#flight_delay_classification button.button";

fn server(give_up_after: Duration) -> Server {
    Server::start(Config { give_up_after, ..Config::default() })
}

/// Answers the last request once the page is waiting, as a slow scorer would.
fn answer_when_waiting(server: &Server, browser: &Browser, outcome: impl Fn(&Request) -> Outcome) -> Request {
    browser.wait_for("#result[data-state=waiting]");
    let request = server.doubles.log.requests().pop().unwrap();
    server.doubles.store.put(request.id.as_str(), outcome(&request));
    request
}

/// The page with the form, filled with a flight.
fn page(server: &Server) -> String {
    let flight = "Carrier=AA&Origin=ATL&Dest=SFO&FlightDate=2016-12-25&DepDelay=5";
    format!("{}?{flight}", empty_page(server))
}

fn empty_page(server: &Server) -> String {
    format!("http://{}/flights/delays/predict_kafka", server.address)
}

#[test]
fn a_visitor_fills_the_form_and_reads_the_answer_in_words() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in ALL {
        browser.look(view);
        browser.open(&page(&server));
        browser.screenshot("1-form");
        browser.fill("#Origin", "jfk");
        assert_eq!(browser.text("#Origin-hint"), "John F Kennedy Intl");
        browser.fill("#Dest", "Seattle (SEA)");
        assert_eq!(browser.text("#Dest-hint"), "Seattle Tacoma Intl");
        browser.fill("#Carrier", "DL");
        browser.fill("#DepDelay", "");
        browser.fill("#FlightNum", "418");
        browser.click(ASK);
        browser.wait_for("#result[data-state=waiting]");
        assert!(browser.is_in_view("#result h2"), "the visitor must see it");
        assert_eq!(browser.title(), "Waiting for the answer – delaycast");
        browser.screenshot("2-waiting");
        let request = answer_when_waiting(&server, &browser, answer_to);
        browser.wait_for("#result[data-state=answered]");
        assert_eq!(browser.text("#result h2"), "83 %: less than 30 minutes late");
        assert_eq!(browser.title(), "83\u{a0}%: less than 30\u{a0}minutes late – delaycast");
        assert_eq!(browser.text("#result .likely b"), "50 %");
        let flight = browser.text("#result .flight");
        assert!(flight.contains("Delta Air Lines Inc. 418") && flight.contains("Before departure"), "{flight}");
        let why = browser.text("#result .why");
        assert!(why.starts_with("Flying with Delta Air Lines Inc. lowers the chance from 92 % to 87 %."), "{why}");
        browser.screenshot("3-answered");
        assert_eq!(browser.overhang(), 0);
        assert_eq!((request.origin.as_str(), request.dest.as_str(), request.dep_delay), ("JFK", "SEA", None));
    }
}

#[test]
fn a_visitor_types_a_flight_in_one_field_and_chooses_among_the_airports_of_a_city() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in ALL {
        browser.look(view);
        browser.open(&empty_page(&server));
        browser.screenshot("0-phrase");
        browser.fill("#Flight", "delta from New York to Atlanta 24 December 2026");
        browser.click(ASK);
        browser.wait_for("#Flight[aria-invalid]:focus");
        assert_eq!(browser.text("#Flight-error"), "New York has several airports; choose one.");
        // WebDriver's Enter, which chooses nothing.
        let before = server.doubles.log.requests().len();
        browser.fill("#Flight", "delta from New York to Atlanta 24 December 2026\u{e007}");
        browser.wait_for("#Flight[aria-invalid]:focus");
        assert_eq!(server.doubles.log.requests().len(), before);
        browser.screenshot("0-choices");
        assert_eq!(browser.overhang(), 0);
        browser.click("button.choice[value='Origin=LGA']");
        let request = answer_when_waiting(&server, &browser, answer_to);
        browser.wait_for("#result[data-state=answered]");
        let asked = [request.carrier, request.origin, request.dest].map(|code| code.to_string());
        assert_eq!(
            (asked, request.date.to_string()),
            (["DL", "LGA", "ATL"].map(str::to_owned), "2026-12-24".to_owned())
        );
        assert_eq!((request.dep_delay, request.flight_num), (None, None));
        // Words that mean nothing are named, and nothing is asked.
        browser.open(&empty_page(&server));
        browser.fill("#Flight", "JFK to Atlantis");
        browser.click(ASK);
        browser.wait_for("#Flight[aria-invalid]:focus");
        assert!(browser.text("#Flight-error").ends_with("day or time in “Atlantis”."));
    }
}

#[test]
fn a_visitor_switches_to_spanish_asks_and_switches_back_without_losing_the_answer() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in [DESKTOP, PHONE_DARK] {
        browser.look(view);
        browser.open(&page(&server));
        browser.click("[data-language][hreflang=es]");
        browser.wait_for("html[lang=es]");
        browser.fill("#Origin", "Atlantis");
        browser.click(ASK);
        browser.wait_for("#Origin[aria-invalid]:focus");
        let reason = browser.text("#Origin-error");
        assert!(reason.starts_with("No conocemos el aeropuerto “Atlantis”; elija uno"), "{reason}");
        assert_eq!(browser.text("#form-error"), "Hay un campo que debe revisar.");
        browser.screenshot("17-spanish-wrong-field");
        browser.fill("#Origin", "ATL");
        browser.fill("#Flight", "AA 1 de ATL a SFO el 24 de diciembre de 2026");
        browser.click(ASK);
        browser.wait_for("#result[data-state=waiting]");
        assert_eq!(browser.title(), "A la espera de la respuesta – delaycast");
        let request = answer_when_waiting(&server, &browser, answer_to);
        assert_eq!(request.date.to_string(), "2026-12-24");
        browser.wait_for("#result[data-state=answered]");
        assert_eq!(browser.text("#result h2"), "83 %: menos de 30 minutos de retraso");
        assert!(browser.text("#result .flight").contains("jueves, 24 de diciembre de 2026"));
        browser.screenshot("18-spanish-answer");
        assert_eq!(browser.overhang(), 0);
        // The script has changed the address of the page, and with it that of the link.
        browser.click("[data-language][hreflang=en]");
        browser.wait_for("html[lang=en] #result[data-state=answered]");
        assert_eq!(browser.text("#result h2"), "83 %: less than 30 minutes late");
    }
}

#[test]
fn the_page_of_minutes_asks_and_shows_the_page_of_the_result() {
    let server = Server::start(Config { answer_within: Duration::from_millis(50), ..Config::default() });
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for javascript in [true, false] {
        browser.look(View { javascript, ..DESKTOP });
        browser.open(&format!("http://{}/flights/delays/predict", server.address));
        assert_eq!(browser.text("h1"), "How many minutes late will this flight be?");
        browser.fill("#Flight", "delta from JFK to Seattle 24 December 2026");
        browser.click(ASK);
        let request = answer_when_waiting(&server, &browser, answer_to);
        browser.wait_for("#result[data-state=answered]");
        assert!(browser.text("#result").contains("Expect 4 minutes late"), "{}", browser.text("#result"));
        assert_eq!((request.origin.as_str(), request.dest.as_str()), ("JFK", "SEA"));
    }
}

#[test]
fn a_rejection_shows_its_reason_as_plain_text() {
    let server = server(Duration::from_secs(30));
    let reason = "Distance: must be above 0 <script>alert(1)</script>";
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in [DESKTOP, PHONE_DARK] {
        browser.look(view);
        browser.open(&page(&server));
        browser.click(ASK);
        answer_when_waiting(&server, &browser, |_| Outcome::Rejected(reason.into()));
        browser.wait_for("#result[data-state=rejected]");
        assert_eq!(browser.text("#result .reason"), reason);
        browser.screenshot("4-rejected");
        assert_eq!(browser.overhang(), 0);
    }
}

#[test]
fn rule_5_a_missing_answer_is_shown_after_a_while_and_polling_can_resume() {
    let server = server(Duration::from_millis(300));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in [DESKTOP, PHONE] {
        browser.look(view);
        browser.open(&page(&server));
        browser.click(ASK);
        browser.wait_for("#result[data-state=timed_out]");
        assert_eq!(browser.text("#result h2"), "No answer yet");
        browser.screenshot("5-timed-out");
        let request = server.doubles.log.requests().pop().unwrap();
        server.doubles.store.put(request.id.as_str(), answer_to(&request));
        browser.click("#result [data-action=keep-asking]");
        browser.wait_for("#result[data-state=answered]");
    }
}

#[test]
fn a_followed_answer_changes_by_itself_until_the_flight_has_arrived() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in ALL {
        browser.look(view);
        browser.open(&page(&server));
        browser.fill("#Origin", "ORD");
        browser.fill("#FlightNum", "418");
        browser.click("#Follow");
        browser.click(ASK);
        browser.wait_for("#result[data-state=waiting]");
        let request = server.doubles.log.requests().pop().unwrap();
        assert!(request.follow && request.dep_delay.is_none());
        let at = |time: &str| json!({ "$date": format!("2016-12-25T{time}:00Z") });
        let inbound = |state: &str, delay: i32| {
            json!({
                "Carrier": "AA", "FlightNum": "7", "Origin": "BOS", "State": state, "Link": "habit", "LinkTimes": 6,
                "Scheduled": at("17:40"), "Expected": at("18:28"), "Delay": delay, "GroundMinutes": 35,
                "LeastGroundMinutes": 42,
            })
        };
        let land = |median: i32, state: &str, live| {
            server.doubles.store.put_version(&request, median, json!({ "State": state }), live);
        };
        land(4, "followed", json!({ "AsOf": at("16:00"), "State": "scheduled", "Inbound": inbound("scheduled", 12) }));
        server.doubles.store.put(request.id.as_str(), answer_to(&request));
        browser.wait_for("[data-follow=followed][data-version='1']");
        land(31, "followed", json!({ "AsOf": at("17:20"), "State": "scheduled", "Inbound": inbound("departed", 48) }));
        browser.wait_for("[data-follow=followed][data-version='2']");
        let shown = browser.text(".versions .shown").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.starts_with("11:20 expect 31 minutes late"), "{shown}");
        browser.screenshot("13-followed-aircraft-late");
        land(35, "followed", json!({ "AsOf": at("19:41"), "State": "departed", "DepDelay": 41 }));
        browser.wait_for("[data-version='3']");
        land(35, "ended", json!({ "AsOf": at("23:55"), "State": "arrived", "DepDelay": 41, "ArrDelay": 38 }));
        browser.wait_for("[data-follow=ended][data-version='4']");
        assert_eq!(browser.text("#result h2"), "Arrived 38 minutes late");
        browser.screenshot("14-followed-arrived");
        assert_eq!(browser.overhang(), 0);
        browser.click(".versions li:last-child a");
        browser.wait_for("[data-version='1'][data-earlier]");
        assert!(browser.text(".follow .remark").contains("version 1, not the last one"));
    }
}

#[test]
fn an_unreachable_server_or_log_is_shown() {
    let mut server = server(Duration::from_secs(30));
    let Some(browser) = browser::start(DESKTOP) else { return };
    browser.open(&page(&server));
    *server.doubles.log.outcome.lock().unwrap() = PublishOutcome::Fails;
    browser.click(ASK);
    browser.wait_for("#result[data-state=unacknowledged]");
    let text = browser.text("#result");
    assert!(text.contains("does not answer") && text.contains("may still land"), "{text}");
    assert!(!text.contains("broker"), "the log's own error is for its operator: {text}");
    browser.screenshot("6-log-out-of-reach");

    *server.doubles.log.outcome.lock().unwrap() = PublishOutcome::Acknowledges;
    browser.click(ASK);
    browser.wait_for("#result[data-state=waiting]");
    server.stop();
    browser.wait_for("#result[data-state=unreachable]");
    browser.screenshot("7-server-out-of-reach");
    browser.click(ASK);
    browser.wait_for("#result[data-state=unreachable]:not([data-id])");
}

#[test]
fn wrong_fields_are_marked_and_the_first_has_the_focus() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in [DESKTOP, PHONE_DARK] {
        browser.look(view);
        browser.open(&page(&server));
        browser.fill("#Origin", "Atlantis");
        browser.fill("#DepDelay", "99999");
        browser.click(ASK);
        browser.wait_for("#Origin[aria-invalid]:focus");
        assert!(browser.text("#Origin-error").starts_with("“Atlantis” is not an airport we know"));
        assert_eq!(browser.text("#DepDelay-error"), "Must be -1440 to 4320 minutes.");
        assert_eq!(browser.text("#form-error"), "2 fields need another look.");
        browser.screenshot("8-wrong-fields");
        assert_eq!(browser.overhang(), 0);
    }
}

#[test]
fn operations_refresh_themselves_and_show_when_they_cannot() {
    let mut server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in ALL {
        browser.look(view);
        browser.open(&format!("http://{}/ops", server.address));
        assert_eq!(browser.text(".figures dd"), "29,250");
        browser.screenshot("11-operations");
        assert_eq!(browser.overhang(), 0);
    }
    let waiting = vec![Wait { what: "the store of answers".into(), for_s: 12 }];
    server.doubles.operations.now.lock().unwrap().waiting = waiting;
    browser.wait_for("#operations .note");
    assert_eq!(browser.text("#operations .note"), "Waiting for the store of answers for 12 s.");
    browser.screenshot("12-operations-waiting");
    server.doubles.operations.now.lock().unwrap().waiting.clear();
    browser.wait_for("#operations [role=status]:not(:has(.note))");
    server.stop();
    browser.wait_for("#operations .note");
    assert!(browser.text("#operations .note").starts_with("The server does not answer"));
}

#[test]
fn an_unknown_address_links_back_to_the_form() {
    let server = server(Duration::from_secs(30));
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    for view in [DESKTOP, PHONE_DARK] {
        browser.look(view);
        browser.open(&format!("http://{}/shutdown", server.address));
        assert_eq!(browser.text("h1"), "There is no such page");
        browser.screenshot("10-nothing-there");
        assert_eq!(browser.overhang(), 0);
        browser.click("main .button");
        browser.wait_for(ASK);
    }
}

#[test]
fn rule_4_the_form_and_the_polling_work_without_javascript() {
    let server = server(Duration::from_secs(30));
    let Some(browser) = browser::start(View { javascript: false, ..PHONE }) else { return };
    browser.open(&page(&server));
    browser.click(ASK);
    answer_when_waiting(&server, &browser, answer_to);
    browser.wait_for("#result[data-state=answered]");
    assert_eq!(browser.text("#result h2"), "83 %: less than 30 minutes late");
    browser.screenshot("9-without-javascript");
}
