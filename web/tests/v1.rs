//! Tests of the rules of `v1/mod.rs` in process, with an in-memory log and store and a small history.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{
    PublishOutcome, answer_to,
    history::{site_with_history, site_with_history_and},
    openapi::OpenApi,
    site::{BROWSER, TestSite, header, json_of, site, site_with, text_of},
};
use delaycast_web::Config;
use engine::store::Outcome;
use serde_json::{Value, json};
use warp::{
    http::Response,
    test::{RequestBuilder, request},
};

const QUESTIONS: &str = "/api/v1/questions";
const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

fn flight() -> Value {
    json!({ "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25", "DepDelay": 5 })
}

fn posted(body: &Value) -> RequestBuilder {
    let post = request().method("POST").path(QUESTIONS).header("content-type", "application/json");
    post.body(body.to_string())
}

async fn ask(site: &TestSite, body: &Value) -> Response<Bytes> {
    site.send(posted(body)).await
}

async fn get(site: &TestSite, path: &str) -> Response<Bytes> {
    site.get(path, "application/json").await
}

/// The fields of a problem's errors.
fn fields(problem: &Response<Bytes>) -> Vec<String> {
    assert_eq!(header(problem, "content-type"), "application/problem+json");
    let errors = json_of(problem)["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rule_1_errors_are_problem_details_whatever_is_accepted() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    for accept in [BROWSER, "*/*", "text/plain"] {
        for (method, path, status, allow) in [
            ("GET", "/api", 404, ""),
            ("GET", "/api/", 404, ""),
            ("GET", "/api/v1", 404, ""),
            ("GET", "/api/v1/unknown", 404, ""),
            ("GET", "/api/v1/questions/", 404, ""),
            ("GET", "/api/v1/model/", 404, ""),
            ("GET", "/api/v2/model", 404, ""),
            ("DELETE", "/api/v1/questions/u-1", 405, "GET, HEAD"),
            ("GET", QUESTIONS, 405, "POST"),
            ("HEAD", "/api/v1/questions/u-1/events", 405, "GET"),
            ("OPTIONS", QUESTIONS, 405, "POST"),
            ("GET", "/api/v1/airports/%C3%A9", 404, ""),
            ("GET", "/api/v1/airports/%zz", 400, ""),
        ] {
            let response = site.send(request().method(method).path(path).header("accept", accept)).await;
            assert_eq!((response.status().as_u16(), header(&response, "allow")), (status, allow), "{method} {path}");
            assert_eq!(header(&response, "content-type"), "application/problem+json", "{method} {path}");
            let problem = json_of(&response);
            assert!(openapi.is("Problem", &problem), "{problem}");
            assert_eq!(problem["status"], status);
        }
    }
    let form = request().method("POST").path(QUESTIONS).header("content-type", "text/plain").body(flight().to_string());
    let wrong_type = site.send(form).await;
    assert_eq!((wrong_type.status().as_u16(), fields(&wrong_type)), (415, vec!["Content-Type".to_owned()]));
    openapi.check("post", QUESTIONS, &wrong_type);
    assert!(site.doubles.log.requests().is_empty());
}

#[tokio::test]
async fn a_question_is_accepted_and_its_answer_found() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let accepted = ask(&site, &flight()).await;
    openapi.check("post", QUESTIONS, &accepted);
    let sent = site.doubles.log.requests().pop().unwrap();
    let path = format!("{QUESTIONS}/{}", sent.id);
    assert_eq!((accepted.status().as_u16(), header(&accepted, "location")), (202, path.as_str()));
    let body = json_of(&accepted);
    assert_eq!((&body["id"], &body["status"]), (&json!(sent.id.as_str()), &json!("waiting")));
    assert_eq!((&body["question"]["DepDelay"], &body["question"]["UUID"]), (&json!(5.0), &Value::Null));
    let waiting = get(&site, &path).await;
    openapi.check("get", "/api/v1/questions/{id}", &waiting);
    assert_eq!(json_of(&waiting)["status"], "waiting");
    site.doubles.store.put(sent.id.as_str(), answer_to(&sent));
    let answered = get(&site, &path).await;
    openapi.check("get", "/api/v1/questions/{id}", &answered);
    let Outcome::Answered(document) = answer_to(&sent) else { panic!("no answer") };
    assert_eq!(json_of(&answered)["answer"], Value::Object(document));
    // Another client, or a page, finds the same.
    let page = json_of(&answered)["links"]["page"].as_str().unwrap().to_owned();
    assert_eq!(site.get(&page, BROWSER).await.status(), 200);
    site.doubles.store.put("u-1", Outcome::Rejected("Carrier: is unknown".to_owned()));
    let rejected = get(&site, &format!("{QUESTIONS}/u-1")).await;
    openapi.check("get", "/api/v1/questions/{id}", &rejected);
    assert_eq!(json_of(&rejected)["reason"], "Carrier: is unknown");
}

#[tokio::test]
async fn rule_2_nothing_that_is_sent_is_ignored() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let unknown = ask(&site, &json!({ "Carrier": "AA", "Destination": "SFO", "DepDelay": "5" })).await;
    assert_eq!((unknown.status().as_u16(), fields(&unknown)), (422, vec!["DepDelay".to_owned(), "body".to_owned()]));
    openapi.check("post", QUESTIONS, &unknown);
    let wrong = json!({ "Carrier": "XX", "Origin": "ATL", "Dest": "ATL", "FlightDate": "soon", "DepDelay": 1e9 });
    let wrong = ask(&site, &wrong).await;
    assert_eq!(wrong.status(), 422);
    assert_eq!(fields(&wrong), ["Carrier", "FlightDate", "DepDelay", "Dest"]);
    for body in ["", "[]", "{", "{} {}", "null", "\"x\""] {
        let post = request().method("POST").path(QUESTIONS).header("content-type", "application/json");
        let response = site.send(post.body(body)).await;
        assert_eq!((response.status().as_u16(), fields(&response)), (400, vec!["body".to_owned()]), "{body}");
        openapi.check("post", QUESTIONS, &response);
    }
    for path in [
        "/api/v1/model?x=1",
        "/api/v1/questions/u/versions?After=1",
        "/api/v1/questions/u/events?after=1",
        "/api/v1/questions/%C3%A9",
        "/api/v1/flights?orign=JFK",
        "/api/v1/airports?limit=101",
        "/api/v1/airports/JFK?q=1",
        "/api/v1/airlines?start=-1",
    ] {
        assert_eq!(get(&site, path).await.status(), 400, "{path}");
    }
    assert!(site.doubles.log.requests().is_empty());
}

#[tokio::test]
async fn a_phrase_is_completed_and_what_has_several_meanings_is_asked_back() {
    let (site, openapi) = (site_with_history(), OpenApi::of(&site_with_history()).await);
    let asked = json_of(&ask(&site, &json!({ "Flight": "DL 7 on 9 July 2026" })).await);
    let question = &asked["question"];
    assert_eq!((&question["Origin"], &question["CRSDepTime"]), (&json!("ATL"), &json!(1430)), "{asked}");
    let several = ask(&site, &json!({ "Flight": "b6 9 2026-07-09" })).await;
    openapi.check("post", QUESTIONS, &several);
    assert_eq!((several.status().as_u16(), fields(&several)), (422, vec!["Flight".to_owned()]));
    let choice = json_of(&several)["errors"][0]["choices"][1]["value"].clone();
    let chosen = json_of(&ask(&site, &json!({ "Flight": "b6 9 2026-07-09", "Choice": choice })).await);
    assert_eq!((&chosen["question"]["Origin"], &chosen["question"]["Dest"]), (&json!("ATL"), &json!("BOS")));
    // A schedule that is given is not looked for: no flight of the history leaves then.
    let mut given = flight();
    given["CRSDepTime"] = 2300.into();
    assert_eq!(fields(&ask(&site, &given).await), ["CRSDepTime"]);
    given["CRSArrTime"] = "0145".into();
    given["Weather"] = json!({ "WindSpeed": 23 });
    let question = json_of(&ask(&site, &given).await)["question"].clone();
    assert_eq!((&question["CRSDepTime"], &question["CRSArrTime"]), (&json!(2300), &json!(145)));
    assert_eq!(question["Weather"], json!({ "WindSpeed": 23.0 }));
}

#[tokio::test]
async fn rule_3_a_question_with_a_key_is_asked_once() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let keyed = |body: &Value| posted(body).header("idempotency-key", KEY);
    let first = site.send(keyed(&flight())).await;
    // The order of the members means nothing.
    let reversed: serde_json::Map<_, _> = flight().as_object().unwrap().clone().into_iter().rev().collect();
    let again = site.send(keyed(&Value::Object(reversed))).await;
    assert_eq!((first.status().as_u16(), again.status().as_u16()), (202, 202));
    assert_eq!(header(&first, "location"), header(&again, "location"));
    // A replica, or the same after a restart.
    let other = common::site::site();
    assert_eq!(header(&other.send(keyed(&flight())).await, "location"), header(&first, "location"));
    let mut changed = flight();
    changed["DepDelay"] = 6.into();
    let refused = site.send(keyed(&changed)).await;
    openapi.check("post", QUESTIONS, &refused);
    assert_eq!((refused.status().as_u16(), fields(&refused)), (422, vec!["Idempotency-Key".to_owned()]));
    // There it is another question, never the answer to the first.
    let elsewhere = common::site::site();
    assert_ne!(header(&elsewhere.send(keyed(&changed)).await, "location"), header(&first, "location"));
    let published = site.doubles.log.requests();
    assert!(published.iter().all(|request| request.id == published[0].id), "{published:?}");
    // Once it is answered, a repetition gets the answer and publishes nothing.
    site.doubles.store.put(published[0].id.as_str(), answer_to(&published[0]));
    let answered = site.send(keyed(&flight())).await;
    openapi.check("post", QUESTIONS, &answered);
    assert_eq!((answered.status().as_u16(), json_of(&answered)["status"].clone()), (200, json!("answered")));
    assert_eq!(site.doubles.log.requests().len(), published.len());
    let short = site.send(posted(&flight()).header("idempotency-key", "1")).await;
    assert_eq!((short.status().as_u16(), fields(&short)), (400, vec!["Idempotency-Key".to_owned()]));
}

#[tokio::test]
async fn rule_4_a_client_that_prefers_to_wait_gets_the_answer() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let waits = |seconds: &str| posted(&flight()).header("prefer", format!("wait={seconds}"));
    let answered = site.doubles.answering(site.send(waits("60"))).await;
    openapi.check("post", QUESTIONS, &answered);
    assert_eq!((answered.status().as_u16(), header(&answered, "preference-applied")), (200, "wait=10"));
    let body = json_of(&answered);
    assert_eq!(body["status"], "answered");
    assert_eq!(header(&answered, "content-location"), body["links"]["self"].as_str().unwrap());
    // Nothing scores it.
    let late = site.send(waits("1")).await;
    assert_eq!((late.status().as_u16(), header(&late, "preference-applied")), (202, "wait=1"));
    let at_once = site.send(waits("0")).await;
    assert_eq!((at_once.status().as_u16(), header(&at_once, "preference-applied")), (202, ""));
    // At the bound it is not applied.
    let full = site_with(Config { waiters_max: 0, ..Config::default() });
    let not_applied = full.send(waits("9")).await;
    assert_eq!((not_applied.status().as_u16(), header(&not_applied, "preference-applied")), (202, ""));
}

#[tokio::test]
async fn an_outage_is_a_503_that_says_which_question_may_land() {
    let openapi = OpenApi::of(&site()).await;
    let site = site_with(Config { publish_within: Duration::from_millis(20), ..Config::default() });
    *site.doubles.log.outcome.lock().unwrap() = PublishOutcome::Silent;
    let down = ask(&site, &flight()).await;
    openapi.check("post", QUESTIONS, &down);
    assert_eq!((down.status().as_u16(), header(&down, "retry-after")), (503, "2"));
    let published = site.doubles.log.requests().pop().unwrap();
    assert_eq!(json_of(&down)["instance"], format!("{QUESTIONS}/{}", published.id));
    *site.doubles.log.outcome.lock().unwrap() = PublishOutcome::Acknowledges;
    *site.doubles.store.down.lock().unwrap() = true;
    let waiting = site.send(posted(&flight()).header("prefer", "wait=1")).await;
    assert_eq!((waiting.status().as_u16(), fields(&waiting)), (503, vec!["store".to_owned()]));
    for (path, of) in [("", ""), ("/versions", "/versions"), ("/events", "/events")] {
        let response = get(&site, &format!("{QUESTIONS}/u-1{path}")).await;
        openapi.check("get", &format!("/api/v1/questions/{{id}}{of}"), &response);
        assert_eq!((response.status().as_u16(), text_of(&response).contains("database")), (503, false), "{path}");
    }
    let without_history = get(&site, "/api/v1/flights").await;
    openapi.check("get", "/api/v1/flights", &without_history);
    assert_eq!(without_history.status(), 503);
}

#[tokio::test]
async fn rule_5_lists_have_an_end_and_links_to_the_next_page() {
    let (site, openapi) = (site_with_history(), OpenApi::of(&site_with_history()).await);
    for (list, first, total) in [
        ("flights", "?Origin=atl&limit=30", 56),
        ("flights", "?Carrier=B6&FlightNum=9&FlightDate=2026-06-28", 2),
        ("flights", "?TailNum=N1", 0),
        ("airports", "?limit=2", 9),
        ("airports", "?q=san%20francisco", 1),
        ("airlines", "?limit=3", 4),
        ("airlines", "?q=jet", 1),
    ] {
        let path = format!("/api/v1/{list}");
        let (mut next, mut found) = (Some(format!("{path}{first}")), Vec::new());
        while let Some(link) = next {
            let page = get(&site, &link).await;
            assert_eq!(page.status(), 200, "{}", text_of(&page));
            openapi.check("get", &path, &page);
            let body = json_of(&page);
            assert_eq!(body["total"], total, "{link}");
            next = body["links"]["next"].as_str().map(str::to_owned);
            let in_header = next.as_ref().map(|next| format!("<{next}>; rel=\"next\"")).unwrap_or_default();
            assert_eq!(header(&page, "link"), in_header);
            let items = body[list].as_array().unwrap().clone();
            assert!(!items.is_empty() || total == 0, "{link}");
            found.extend(items.iter().map(Value::to_string));
        }
        assert_eq!(found.len(), total, "{list}{first}");
        let mut distinct = found.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), total, "{list}{first}");
    }
    let airport = get(&site, "/api/v1/airports/atl").await;
    openapi.check("get", "/api/v1/airports/{code}", &airport);
    let airport = json_of(&airport);
    assert_eq!((&airport["code"], &airport["flights"]), (&json!("ATL"), &json!(84)));
    let without = json_of(&get(&common::site::site(), "/api/v1/airports/ATL").await);
    assert_eq!(without["flights"], Value::Null);
    assert_eq!(get(&site, "/api/v1/airports/XXX").await.status(), 404);
}

#[tokio::test]
async fn rule_5_versions_come_in_pages_and_as_events() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let mut followed = flight();
    followed["Follow"] = true.into();
    ask(&site, &followed).await;
    let request = site.doubles.log.requests().pop().unwrap();
    for (median, state) in [(4, "followed"), (9, "followed"), (20, "ended")] {
        site.doubles.store.put_version(&request, median, json!({ "State": state }), Value::Null);
    }
    let path = format!("{QUESTIONS}/{}/versions", request.id);
    let first = get(&site, &format!("{path}?limit=2")).await;
    openapi.check("get", "/api/v1/questions/{id}/versions", &first);
    let numbers = |body: &Value| -> Vec<u64> {
        body["versions"].as_array().unwrap().iter().map(|version| version["Version"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&json_of(&first)), [1, 2]);
    let last = json_of(&get(&site, json_of(&first)["links"]["next"].as_str().unwrap()).await);
    assert_eq!((numbers(&last), &last["links"]["next"]), (vec![3], &Value::Null));
    let events = get(&site, &format!("{QUESTIONS}/{}/events", request.id)).await;
    openapi.check("get", "/api/v1/questions/{id}/events", &events);
    assert!(text_of(&events).contains(r#""version":3,"state":"ended""#), "{}", text_of(&events));
}

#[tokio::test]
async fn rule_6_an_answer_can_be_cached_and_nothing_else() {
    let site = site();
    ask(&site, &flight()).await;
    let sent = site.doubles.log.requests().pop().unwrap();
    let path = format!("{QUESTIONS}/{}", sent.id);
    assert_eq!(header(&get(&site, &path).await, "cache-control"), "no-store");
    site.doubles.store.put(sent.id.as_str(), answer_to(&sent));
    let answered = get(&site, &path).await;
    assert_eq!(header(&answered, "cache-control"), "private, max-age=31536000, immutable");
    let etag = header(&answered, "etag").to_owned();
    let again = site.send(request().path(&path).header("if-none-match", &etag)).await;
    assert_eq!((again.status().as_u16(), again.body().len(), header(&again, "etag")), (304, 0, etag.as_str()));
    site.doubles.store.put("u-1", Outcome::Rejected("x".to_owned()));
    for path in [&format!("{QUESTIONS}/u-1"), "/api/v1/model", "/api/v1/airports", "/api/v1/nothing"] {
        assert_eq!(header(&get(&site, path).await, "cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn rule_7_cross_origin_requests_are_those_of_configured_sites() {
    let origin = "https://page.example";
    let with = site_with_history_and(Config { cors: vec![origin.parse().unwrap()], ..Config::default() });
    let preflight = |from: &str| {
        let options = request().method("OPTIONS").path(QUESTIONS).header("origin", from);
        options.header("access-control-request-method", "POST")
    };
    let allowed = with.send(preflight(origin)).await;
    assert_eq!((allowed.status().as_u16(), header(&allowed, "access-control-allow-origin")), (204, origin));
    assert_eq!(header(&allowed, "access-control-allow-methods"), "POST");
    assert!(header(&allowed, "access-control-allow-headers").contains("Idempotency-Key"));
    let read = with.send(request().path("/api/v1/model").header("origin", origin)).await;
    assert_eq!(header(&read, "access-control-allow-origin"), origin);
    assert!(header(&read, "access-control-expose-headers").contains("Location") && header(&read, "vary") == "Origin");
    let missing = with.send(request().path("/api/v1/nothing").header("origin", origin)).await;
    assert_eq!(header(&missing, "access-control-allow-origin"), origin, "a script reads errors");
    // Other sites, the routes beside the API, and a page without configured sites.
    for from in ["https://other.example", "http://page.example", "https://page.example:8443", "null"] {
        let refused = with.send(preflight(from)).await;
        assert_eq!((refused.status().as_u16(), header(&refused, "access-control-allow-origin")), (405, ""), "{from}");
    }
    let page = with.send(request().path("/ops.json").header("origin", origin)).await;
    assert_eq!(header(&page, "access-control-allow-origin"), "");
    let without = site();
    for request in [preflight(origin), request().path("/api/v1/model").header("origin", origin)] {
        let response = without.send(request).await;
        let names = response.headers().keys().filter(|name| name.as_str().starts_with("access-control"));
        assert_eq!(names.count(), 0);
    }
}

#[tokio::test]
async fn the_models_are_those_that_have_answered() {
    let (site, openapi) = (site(), OpenApi::of(&site()).await);
    let response = get(&site, "/api/v1/model").await;
    openapi.check("get", "/api/v1/model", &response);
    let body = json_of(&response);
    assert_eq!((&body["answers"], &body["learned_from"]), (&json!(29_250), &Value::Null));
    let shares: Vec<f64> =
        body["versions"].as_array().unwrap().iter().map(|version| version["share"].as_f64().unwrap()).collect();
    assert_eq!(shares, [0.9915, 0.0085]);
}

#[tokio::test]
async fn the_openapi_document_describes_the_other_json_routes_too() {
    let (site, openapi) = (site_with_history(), OpenApi::of(&site_with_history()).await);
    let paths = openapi.0["paths"].as_object().unwrap();
    let others: Vec<_> = paths.iter().filter(|(path, _)| !path.starts_with("/api/")).collect();
    assert!(others.len() > 8);
    for (path, item) in others {
        for method in ["get", "post"] {
            let asked = request().method(&method.to_uppercase()).path(&path.replace("{id}", "u-1"));
            // Without versions a stream takes half a minute to end.
            if path.ends_with("/events") && method == "get" {
                continue;
            }
            let response = site.send(asked.header("accept", "application/json")).await;
            let is_taken = response.status() != 405;
            assert_eq!((is_taken, response.status() == 404), (item[method].is_object(), false), "{method} {path}");
            if is_taken {
                openapi.check(method, path, &response);
            }
        }
    }
    let version = openapi.0["info"]["version"].as_str().unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}
