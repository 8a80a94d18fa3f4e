//! A form that is completed: by a phrase, and by the schedules of a small history.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::{
    history::site_with_history,
    site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, TestSite, json_of, site, text_of},
};
use delaycast::{flight::Schedule, request::Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use warp::test::request;

fn encoded(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Posts a form as a script does, and returns the request that it made, or its errors.
async fn ask(site: &TestSite, pairs: &[(&str, &str)]) -> Result<Request, Value> {
    let reply = json_of(&site.post(FORM, "application/json", encoded(pairs)).await);
    match reply["status"].as_str() {
        Some("OK") => Ok(site.doubles.log.requests().pop().unwrap()),
        _ => Err(reply["errors"].clone()),
    }
}

fn summary(request: &Request) -> (String, Option<&str>, String, Option<(u16, u16)>) {
    let route = format!("{} {}-{}", request.carrier, request.origin, request.dest);
    let schedule = request.schedule.map(|Schedule { dep_min, arr_min }| (dep_min, arr_min));
    (route, request.flight_num.as_deref(), request.date.to_string(), schedule)
}

#[tokio::test]
async fn a_number_and_a_day_give_the_rest_from_the_schedule() {
    let site = site_with_history();
    let asked = ask(&site, &[("Flight", "DL 7 on 9 July 2026")]).await.unwrap();
    let expected = ("DL ATL-SFO".to_owned(), Some("7"), "2026-07-09".to_owned(), Some((870, 1010)));
    assert_eq!(summary(&asked), expected);
    // The single fields say it as well, and what they say stays.
    let fields = [("Carrier", "DL"), ("FlightNum", "7"), ("FlightDate", "2026-07-09"), ("DepDelay", "12")];
    let asked = ask(&site, &fields).await.unwrap();
    assert_eq!((summary(&asked), asked.dep_delay), (expected, Some(12.0)));
    // A day that the history has none of: tomorrow.
    let asked = ask(&site, &[("Flight", "dl7")]).await.unwrap();
    assert_eq!(asked.date, (engine::clock::now() + chrono::TimeDelta::days(1)).date_naive());
}

#[tokio::test]
async fn a_flight_with_several_legs_is_asked_back_until_one_is_chosen() {
    let site = site_with_history();
    let errors = ask(&site, &[("Flight", "b6 9 2026-07-09")]).await.unwrap_err();
    assert_eq!((errors.as_array().unwrap().len(), &errors[0]["field"]), (1, &json!("Flight")));
    let values: Vec<_> = errors[0]["choices"].as_array().unwrap().iter().map(|choice| &choice["value"]).collect();
    assert_eq!(values, ["Origin=LGA&Dest=ATL", "Origin=ATL&Dest=BOS"]);
    let fields = [("Carrier", "B6"), ("FlightNum", "9"), ("FlightDate", "2026-07-09")];
    assert_eq!(ask(&site, &fields).await.unwrap_err()[0]["field"], "Origin");
    let chosen = [("Flight", "b6 9 2026-07-09"), ("Origin", ""), ("Choice", "Origin=ATL&Dest=BOS")];
    let asked = ask(&site, &chosen).await.unwrap();
    assert_eq!(summary(&asked).0, "B6 ATL-BOS");
    // The phrase itself can say it.
    let asked = ask(&site, &[("Flight", "b6 9 to Boston 2026-07-09")]).await.unwrap();
    assert_eq!((summary(&asked).0.as_str(), summary(&asked).3), ("B6 ATL-BOS", Some((660, 820))));
}

#[tokio::test]
async fn a_phrase_goes_before_what_is_left_in_the_form() {
    let site = site_with_history();
    let left =
        [("Carrier", "AA"), ("Origin", "JFK"), ("Dest", "SEA"), ("FlightNum", "1"), ("FlightDate", "2026-07-09")];
    let with = |phrase| [&left[..], &[("Flight", phrase)]].concat();
    let asked = ask(&site, &with("dl 7")).await.unwrap();
    assert_eq!(summary(&asked), ("DL ATL-SFO".to_owned(), Some("7"), "2026-07-09".to_owned(), Some((870, 1010))));
    let asked = ask(&site, &with("delta from Boston to SEA")).await.unwrap();
    assert_eq!(summary(&asked), ("DL BOS-SEA".to_owned(), None, "2026-07-09".to_owned(), None));
    // A number that the history does not know is no reason to take the airports of another flight.
    let errors = ask(&site, &with("dl 8")).await.unwrap_err();
    assert_eq!((errors.as_array().unwrap().len(), &errors[0]["field"]), (1, &json!("FlightNum")));
}

#[tokio::test]
async fn a_departure_takes_its_arrival_from_the_flight_that_leaves_closest_to_it() {
    let site = site_with_history();
    let asked = ask(&site, &[("Flight", "delta atl to sfo 2026-07-09 3:10pm")]).await.unwrap();
    // It takes as long as the one at half past two.
    assert_eq!(summary(&asked).3, Some((15 * 60 + 10, 17 * 60 + 30)));
    let fields = [("Carrier", "DL"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2026-07-09")];
    let with = |time| [&fields[..], &[("CRSDepTime", time)]].concat();
    assert_eq!(summary(&ask(&site, &with("1510")).await.unwrap()).3, Some((910, 1050)));
    for (time, reason) in
        [("23:00", "no flight of the history leaves there about then"), ("25:00", "“25:00” is not a time")]
    {
        let errors = ask(&site, &with(time)).await.unwrap_err();
        assert_eq!((errors.as_array().unwrap().len(), &errors[0]["field"]), (1, &json!("CRSDepTime")));
        assert!(errors[0]["reason"].as_str().unwrap().starts_with(reason), "{errors}");
    }
}

#[tokio::test]
async fn an_old_form_goes_as_it_is_and_without_a_history_too() {
    for site in [site(), site_with_history()] {
        let reply = site.post(FORM, "*/*", OLD_FORM).await;
        assert_eq!(json_of(&reply)["status"], "OK");
        let asked = site.doubles.log.requests().pop().unwrap();
        assert_eq!((summary(&asked).0.as_str(), asked.schedule, asked.dep_delay), ("AA ATL-SFO", None, Some(5.0)));
    }
    // Without a history a number alone names no flight, and a route does.
    let site = site();
    let errors = ask(&site, &[("Flight", "DL 7 tomorrow")]).await.unwrap_err();
    assert_eq!(errors[0]["field"], "FlightNum");
    assert_eq!(summary(&ask(&site, &[("Flight", "delta JFK to SEA")]).await.unwrap()).0, "DL JFK-SEA");
}

#[tokio::test]
async fn the_page_shows_choices_as_buttons_and_a_link_fills_the_form() {
    let site = site_with_history();
    let form = encoded(&[("Flight", "jetblue from New York to Atlanta"), ("FlightDate", "2026-07-09")]);
    let page = site.post(FORM, BROWSER, &form).await;
    let html = text_of(&page).replace("&#x3D;", "=");
    for button in [r#"name="Choice" value="Origin=LGA">LGA La Guardia</button>"#, r#"value="Origin=JFK">JFK John"#] {
        assert!(html.contains(button), "{html}");
    }
    assert!(html.contains(r#"<details class="fields" id="fields" open>"#));
    assert!(html.contains(r#"value="jetblue from New York to Atlanta""#), "the phrase stays");
    let link = format!("{PAGE}?Origin=JFK&Dest=SEA&Flight=%3Cb%3E&unknown=1");
    let html = text_of(&site.get(&link, BROWSER).await).to_owned();
    assert!(html.contains(r#"name="Origin" list="airports" value="JFK""#) && html.contains(r#"value="&lt;b&gt;""#));
    assert!(site.doubles.log.requests().is_empty(), "a link asks nothing");
    let too_long = encoded(&[("Flight", &"x".repeat(201))]);
    let reply = site.send(request().method("POST").path(CLASSIFY).header("content-type", FORM).body(too_long)).await;
    assert_eq!(reply.status(), 400);
}

#[tokio::test]
async fn an_answer_shows_the_flights_of_the_past_that_are_like_it() {
    let site = site_with_history();
    let asked = ask(&site, &[("Flight", "DL 7 on 9 July 2026")]).await.unwrap();
    site.doubles.store.put(asked.id.as_str(), common::answer_to(&asked));
    let html = text_of(&site.get(&format!("{PAGE}?id={}", asked.id.as_str()), BROWSER).await).to_owned();
    assert!(html.contains("What 84 imported flights, 1 June 2026 to 28 June 2026 say:"), "{html}");
    let link = html.split("DL 7 on this route</a>").next().unwrap().rsplit("href=\"").next().unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#x3D;", "=");
    let page = site.get(&link, BROWSER).await;
    assert_eq!(page.status(), 200, "{link}");
    assert!(text_of(&page).contains("1 to 25 of 28"), "{link}");
    assert!(html.contains("scheduled from 14:30 to 16:50, local times"));
    assert!(!html.contains("class=\"remark\">The last of them"));
}
