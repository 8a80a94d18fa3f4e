//! The pages about the history, in process, over a history of some flights.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::{
    history::prepared,
    site::{BROWSER, TestSite, header, json_of, text_of},
};
use delaycast::explore::Preparation;
use delaycast_web::{Config, routes};
use proptest::prelude::*;
use serde_json::json;
use warp::test::request;

/// The routes over that history. The index stays open when its file is gone.
fn site() -> TestSite {
    site_of(prepared())
}

fn site_of(history: Preparation) -> TestSite {
    let mut doubles = common::doubles(Config::default());
    doubles.parts.history = history;
    let routes = routes(doubles.parts.clone()).unwrap();
    TestSite { doubles, routes }
}

#[tokio::test]
async fn each_address_of_the_old_system_has_a_page() {
    let site = site();
    let pages: [(&str, &[&str]); 15] = [
        ("/airlines", &["American Airlines Inc.", "/airline/AA", ">34<", "30 January 2013"]),
        ("/airlines/", &["American Airlines Inc."]),
        (
            "/airline/AA",
            &["<title>American Airlines Inc. –", "Fleet: 1 aircraft", "BOEING 737-824", "/airplane/N14228"],
        ),
        ("/airline/aa", &["<h1>American Airlines Inc.</h1>"]),
        ("/airplanes", &["BOEING", "Without the 1 aircraft", "/airplane/N14228"]),
        ("/airplanes/?Manufacturer=boeing&Owner=United", &["Found", "N14228", "does not have the owner"]),
        ("/airplane/N14228", &["BOEING 737-824", "Built in", "1 to 25 of 32", "start&#x3D;25"]),
        ("/airplane/flights/N14228", &["<h1>N14228</h1>"]),
        ("/flights/search", &["1 to 25 of 34", "17:45", "N14228", "All flights"]),
        ("/flights/search?Carrier=AA&start=25", &["26 to 30 of 30", "270\u{a0}min late"]),
        ("/flights/search?Carrier=B6&FlightDate=2013-01-02", &["1 to 1 of 1", "cancelled"]),
        ("/flights/ATL/SFO/2013-01-04", &["2 flights", "Friday, 4 January 2013", "/flights/SFO/ATL/2013%2D01%2D04"]),
        ("/on_time_performance?Carrier=DL&FlightDate=2013-01-03&FlightNum=7", &["ATL to JFK", "JFK to BOS", "17:48"]),
        ("/total_flights", &["January 2013", ">34<", "class=\"plot\""]),
        ("/delays", &["30 minutes late or more", "By airline", "17:00 to 17:59"]),
    ];
    for (path, shown) in pages {
        let page = site.get(path, BROWSER).await;
        let html = text_of(&page);
        assert_eq!(
            (page.status().as_u16(), header(&page, "content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        for text in shown {
            let text = text.replace("%2D", "-");
            assert!(html.contains(&text), "{path} lacks {text}: {html}");
        }
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains("<B>"), "{path}: {html}");
    }
    assert_eq!(site.get("/total_flights_chart", BROWSER).await.status(), 200);
}

#[tokio::test]
async fn the_links_of_the_pages_lead_somewhere() {
    let site = site();
    let mut pending = vec!["/airlines".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = pending.pop() {
        if !seen.insert(path.clone()) || seen.len() > 300 {
            continue;
        }
        let page = site.get(&path, BROWSER).await;
        if let Some((address, _)) = path.split_once("lang=") {
            let led_to = (page.status().as_u16(), header(&page, "location"));
            assert_eq!(led_to, (303, address.trim_end_matches(['?', '&'])), "the same page in Spanish");
            continue;
        }
        // A day without a flight, or the other direction of a route, may be empty.
        let may_be_empty = path.starts_with("/flights/") && !path.starts_with("/flights/search");
        assert!(page.status() == 200 || (may_be_empty && page.status() == 404), "{path}: {}", page.status());
        let text = text_of(&page);
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let links = links.map(|link| link.replace("&amp;", "&").replace("&#x3D;", "="));
        pending.extend(links.filter(|link| !link.starts_with("/static/")));
    }
    assert!(seen.len() > 60, "{seen:?}");
}

#[tokio::test]
async fn the_json_has_the_shapes_of_the_old_system() {
    let site = site();
    let months = site.get("/total_flights.json", "*/*").await;
    assert_eq!((months.status().as_u16(), header(&months, "content-type")), (200, "application/json"));
    assert_eq!(text_of(&months), r#"[{"Month":1,"Year":2013,"total_flights":34}]"#);
    let manufacturers = site.get("/airplanes/chart/manufacturers.json", "*/*").await;
    let expected = json!({ "data": [{ "Manufacturer": "BOEING", "Total": 1, "PercentageTotal": 100.0 }] });
    assert_eq!(json_of(&manufacturers), expected);
    let posted = site.send(request().method("POST").path("/total_flights.json")).await;
    assert_eq!((posted.status().as_u16(), header(&posted, "allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn the_unknown_is_a_404_and_the_unreadable_a_400_in_clear_words() {
    let site = site();
    let cases = [
        ("/airline/ZZ", 404, "The history has no flight of this airline"),
        ("/airline/%3Cscript%3E", 404, "No such airline"),
        ("/airline/%ff", 400, "is not UTF-8"),
        ("/airplane/N0", 404, "No such aircraft"),
        ("/airplane/N14228?start=x", 400, "must be the number of results to skip"),
        ("/airplanes?ManufacturerYear=old", 400, "must be a year"),
        ("/airplanes?start=10001", 400, "must be the number of results to skip, 10000 at most"),
        ("/flights/search?FlightDate=2013-02-30", 400, "must be a date, as in 2013-07-04"),
        ("/flights/search?FlightNum=AA1", 400, "must be a number up to 99999"),
        ("/flights/search?Origin=much+too+long", 400, "is no code, as in AA, ATL or N14228"),
        ("/flights/ATL/XXX/2013-01-01", 404, "No such route"),
        ("/flights/ATL/SFO/2013-12-25", 404, "The history is from 1 January 2013 to 30 January 2013"),
        ("/flights/ATL/SFO/tomorrow", 400, "must be a date"),
        ("/on_time_performance", 400, "is missing"),
        ("/on_time_performance?Carrier=AA&FlightDate=2013-01-01&FlightNum=2", 404, "No flight AA 2 on 1 January 2013"),
        ("/flights/ATL", 404, "There is no such page"),
    ];
    for (path, status, shown) in cases {
        let page = site.get(path, BROWSER).await;
        assert_eq!(page.status(), status, "{path}");
        assert!(text_of(&page).contains(shown), "{path}: {}", text_of(&page));
        let json = site.get(path, "application/json").await;
        assert_eq!((json.status().as_u16(), json_of(&json)["status"].as_str()), (status, Some("ERROR")), "{path}");
    }
    // Addresses of predictions are no routes of flights.
    let classify = site.get(common::site::CLASSIFY, BROWSER).await;
    assert_eq!((classify.status().as_u16(), header(&classify, "allow")), (405, "POST"));
}

#[tokio::test]
async fn a_search_without_results_says_so() {
    let site = site();
    let page = site.get("/flights/search?Carrier=ZZ", BROWSER).await;
    assert!(page.status() == 200 && text_of(&page).contains("No flight of the history has all of this."));
    let page = site.get("/airplanes?Model=%25", BROWSER).await;
    assert!(text_of(&page).contains("No aircraft of the history has all of this."));
    assert!(text_of(&page).contains(r#"value="%""#), "the form keeps what was searched for");
}

#[tokio::test]
async fn until_the_history_is_prepared_its_pages_say_how_far_that_is() {
    let site = site_of(Preparation::default());
    let page = site.get("/airlines", BROWSER).await;
    assert_eq!((page.status().as_u16(), header(&page, "refresh"), header(&page, "retry-after")), (503, "2", "2"));
    assert!(text_of(&page).contains("The history is being prepared") && text_of(&page).contains("0\u{a0}% are done"));
    assert_eq!(site.get("/total_flights.json", "*/*").await.status(), 503);
    assert_eq!(site.get("/flights/delays/predict_kafka", BROWSER).await.status(), 200);

    let site = site_of(Preparation::failed("/secret/path: no space"));
    let page = site.get("/delays", BROWSER).await;
    assert!(page.status() == 503 && text_of(&page).contains("could not be prepared"));
    assert!(!text_of(&page).contains("secret") && header(&page, "refresh").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_question_is_a_500(path in "[a-z0-9A-Z%/ <>'\"-]{0,20}", value in "\\PC{0,12}|[0-9]{1,12}", which in 0usize..11) {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (site, value) = (site(), utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string());
        let path = utf8_percent_encode(&path, percent_encoding::CONTROLS).to_string().replace([' ', '<', '>', '"'], "+");
        let address = match which {
            0 => format!("/airline/{path}"),
            1 => format!("/airplane/{path}"),
            2 => format!("/flights/{path}/{value}/2013-01-01"),
            3 => format!("/flights/ATL/SFO/{value}"),
            4 => format!("/flights/search?start={value}"),
            5 => format!("/airplanes?Manufacturer={value}&Model={path}"),
            6 => format!("/airplanes?ManufacturerYear={value}"),
            7 => format!("/flights/search?FlightNum={value}"),
            8 => format!("/flights/search?Carrier={value}&Origin={value}&TailNum={value}"),
            9 => format!("/on_time_performance?Carrier=AA&FlightDate={value}&FlightNum={value}"),
            _ => format!("/airline/{value}?{path}"),
        };
        let status = runtime.block_on(site.get(&address, BROWSER)).status().as_u16();
        prop_assert!([200, 400, 404].contains(&status), "{address}: {status}");
    }
}
