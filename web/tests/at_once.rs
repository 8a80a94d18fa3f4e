//! The routes that wait for an answer: in minutes, and in the form of Amadeus' API, in process.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{
    openapi::OpenApi,
    site::{BROWSER, FORM, OLD_FORM, TestSite, header, json_of, site, site_with, text_of},
};
use delaycast_web::Config;
use engine::store::Outcome;
use serde_json::{Value, json};
use warp::{http::Response, test::request};

const MINUTES: &str = "/flights/delays/predict";
const REGRESS: &str = "/flights/delays/predict/regress";
const AMADEUS: &str = "/v1/travel/predictions/flight-delay";
const TOKEN: &str = "/v1/security/oauth2/token";
const FLIGHT: &str = "originLocationCode=JFK&destinationLocationCode=SEA&departureDate=2026-08-01\
    &departureTime=18:20:00&arrivalDate=2026-08-01&arrivalTime=21:35:00&aircraftCode=321&carrierCode=B6\
    &flightNumber=263&duration=PT6H15M";

async fn post(site: &TestSite, path: &str, accept: &str, form: &str) -> Response<Bytes> {
    let post = request().method("POST").path(path).header("accept", accept).header("content-type", FORM);
    site.send(post.body(form)).await
}

async fn regress(site: &TestSite, accept: &str) -> Response<Bytes> {
    post(site, REGRESS, accept, OLD_FORM).await
}

#[tokio::test]
async fn minutes_are_answered_at_once_as_the_old_system_did() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let response = site.doubles.answering(regress(&site, "application/json")).await;
    openapi.check("post", REGRESS, &response);
    let id = site.doubles.log.requests().pop().unwrap().id;
    let expected = json!({
        "status": "OK", "id": id.as_str(), "Delay": 9, "P10": -14, "P50": 4, "P90": 45, "Late15": 0.31, "Late30": 0.17,
        "Late60": 0.06, "Late120": 0.02, "Cancelled": 0.02,
    });
    assert_eq!((response.status().as_u16(), json_of(&response)), (200, expected));
    // The old page parses the text itself.
    let response = site.doubles.answering(regress(&site, "*/*")).await;
    assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
    assert_eq!(json_of(&response)["Delay"], 9);
}

#[tokio::test]
async fn rule_4_the_page_posts_the_form_and_a_browser_gets_the_page_of_the_result() {
    let site = site();
    let page = site.get(MINUTES, BROWSER).await;
    let html = text_of(&page).replace("&#x3D;", "=");
    assert!(page.status() == 200 && html.contains("<title>How many minutes late? – delaycast</title>"), "{html}");
    assert!(html.contains(&format!(r#"action="{REGRESS}" method="post""#)) && html.contains(r#"name="Flight""#));
    let response = regress(&site, BROWSER).await;
    let id = site.doubles.log.requests().pop().unwrap().id;
    let result = format!("/flights/delays/predict_kafka?id={}#result", id.as_str().replace('-', "%2D"));
    assert_eq!((response.status().as_u16(), header(&response, "location")), (303, result.as_str()));
    let refused = post(&site, REGRESS, "application/json", "Carrier=XX").await;
    assert_eq!((refused.status().as_u16(), json_of(&refused)["errors"][0]["field"].clone()), (400, json!("Carrier")));
}

#[tokio::test]
async fn rule_5_waiting_is_bounded_in_time_and_number() {
    let openapi = OpenApi::of(&site()).await;
    let site = site_with(Config { answer_within: Duration::from_millis(50), ..Config::default() });
    let late = regress(&site, "application/json").await;
    openapi.check("post", REGRESS, &late);
    let id = site.doubles.log.requests().pop().unwrap().id;
    assert_eq!((late.status().as_u16(), json_of(&late)["id"].clone()), (504, json!(id.as_str())));
    let late = site.get(&format!("{AMADEUS}?{FLIGHT}"), "*/*").await;
    openapi.check("get", AMADEUS, &late);
    let id = site.doubles.log.requests().pop().unwrap().id;
    let detail = json_of(&late)["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(late.status() == 504 && detail.ends_with(&format!("/api/v1/questions/{id}")), "{detail}");
    // At the bound nothing is published.
    let full = site_with(Config { waiters_max: 0, ..Config::default() });
    let refused = regress(&full, "application/json").await;
    openapi.check("post", REGRESS, &refused);
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "2"));
    assert!(full.doubles.log.requests().is_empty());
    // A permit is given back.
    let one = site_with(Config { waiters_max: 1, ..Config::default() });
    for _ in 0..2 {
        assert_eq!(one.doubles.answering(regress(&one, "application/json")).await.status(), 200);
    }
}

/// Lands an outcome for the first request.
async fn with_outcome(site: &TestSite, outcome: Outcome, path: &str, query: &str) -> Response<Bytes> {
    let land = async {
        let id = loop {
            match site.doubles.log.requests().pop() {
                Some(request) => break request.id,
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        };
        site.doubles.store.put(id.as_str(), outcome);
    };
    let ask = async {
        match path {
            REGRESS => regress(site, "application/json").await,
            _ => site.get(&format!("{path}?{query}"), "*/*").await,
        }
    };
    tokio::join!(ask, land).0
}

#[tokio::test]
async fn an_answer_without_minutes_and_a_rejection_are_told() {
    let openapi = OpenApi::of(&site()).await;
    for (path, method) in [(REGRESS, "post"), (AMADEUS, "get")] {
        let old = Outcome::Answered(common::an_old_scorers_answer());
        let without = with_outcome(&site(), old, path, FLIGHT).await;
        openapi.check(method, path, &without);
        assert_eq!(without.status(), 501, "{path}");
        let rejected = with_outcome(&site(), Outcome::Rejected("Origin: too long".to_owned()), path, FLIGHT).await;
        openapi.check(method, path, &rejected);
        assert!(rejected.status() == 422 && text_of(&rejected).contains("Origin: too long"), "{path}");
    }
}

#[tokio::test]
async fn a_client_of_amadeus_gets_its_four_results() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let response = site.doubles.answering(site.get(&format!("{AMADEUS}?{FLIGHT}"), "*/*")).await;
    openapi.check("get", AMADEUS, &response);
    let body = json_of(&response);
    assert_eq!(body["meta"], json!({ "count": 4, "links": { "self": format!("{AMADEUS}?{FLIGHT}") } }));
    let data = body["data"].as_array().unwrap();
    let results: Vec<_> =
        data.iter().map(|entry| (entry["result"].as_str().unwrap(), entry["probability"].as_str().unwrap())).collect();
    let expected = [
        ("LESS_THAN_30_MINUTES", "0.813400"),
        ("BETWEEN_30_AND_60_MINUTES", "0.107800"),
        ("BETWEEN_60_AND_120_MINUTES", "0.039200"),
        ("OVER_120_MINUTES_OR_CANCELLED", "0.039600"),
    ];
    assert_eq!(results, expected);
    assert!(data.iter().all(|entry| entry["id"] == "B6263JFKSEA20260801"), "{body}");
    let asked = site.doubles.log.requests().pop().unwrap();
    let schedule = asked.schedule.unwrap();
    assert_eq!((schedule.dep_min, schedule.arr_min, asked.flight_num.as_deref()), (1100, 1295, Some("263")));
}

#[tokio::test]
async fn a_client_of_amadeus_gets_its_errors() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let errors = |response: &Response<Bytes>| -> Vec<(u64, String)> {
        let errors = json_of(response)["errors"].as_array().unwrap().clone();
        let parameter = |error: &Value| error["source"]["parameter"].as_str().unwrap_or_default().to_owned();
        errors.iter().map(|error| (error["code"].as_u64().unwrap(), parameter(error))).collect()
    };
    let wrong = FLIGHT.replace("carrierCode=B6&", "").replace("18:20:00", "noon").replace("2026-08-01&dep", "1.8.&dep");
    let response = site.get(&format!("{AMADEUS}?{wrong}"), BROWSER).await;
    openapi.check("get", AMADEUS, &response);
    let expected = [(477, "departureDate"), (32171, "carrierCode"), (477, "departureTime")];
    assert_eq!(errors(&response), expected.map(|(code, name)| (code, name.to_owned())));
    for (from, to, parameter) in [("=B6", "=TK", "carrierCode"), ("=JFK", "=XXX", "originLocationCode")] {
        let response = site.get(&format!("{AMADEUS}?{}", FLIGHT.replace(from, to)), "*/*").await;
        openapi.check("get", AMADEUS, &response);
        assert_eq!(errors(&response), [(4926, parameter.to_owned())]);
    }
    let twice = site.get(&format!("{AMADEUS}?{FLIGHT}&carrierCode=AA"), "*/*").await;
    assert_eq!(errors(&twice), [(4926, "carrierCode".to_owned())]);
    assert_eq!(errors(&site.get("/v1/shopping/flight-offers", "*/*").await), [(38196, String::new())]);
    assert_eq!(post(&site, AMADEUS, "*/*", "").await.status(), 405);
    assert!(site.doubles.log.requests().is_empty());
}

#[tokio::test]
async fn a_token_of_amadeus_authenticates_nobody() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let credentials = "grant_type=client_credentials&client_id=a&client_secret=b";
    let response = post(&site, TOKEN, "*/*", credentials).await;
    openapi.check("post", TOKEN, &response);
    let body = json_of(&response);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(1799)));
    assert_eq!(body["access_token"], "authenticates-nobody");
    let wrong = post(&site, TOKEN, "*/*", "grant_type=password").await;
    openapi.check("post", TOKEN, &wrong);
    assert_eq!(wrong.status(), 400);
}
