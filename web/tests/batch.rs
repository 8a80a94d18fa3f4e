//! The pages and the route of the batch, in process, with the tasks and results of an embedded store.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use chrono::NaiveDate;
use common::site::{BROWSER, FORM, OLD_FORM, TestSite, form_with, header, json_of, site, text_of};
use engine::{
    batch::{Place, Task},
    store::{Batches, DayCounts},
};
use serde_json::json;
use warp::test::request;

const CLASSIFY: &str = "/flights/delays/predict/classify";
const RESULTS: &str = "/flights/delays/predict_batch/results";

async fn ask(site: &TestSite, accept: &str, form: &str) -> warp::http::Response<bytes::Bytes> {
    let post = request().method("POST").path(CLASSIFY).header("accept", accept).header("content-type", FORM);
    site.send(post.body(form)).await
}

/// Returns the tasks of a day that begins at most a minute ago, or of today.
fn tasks(site: &TestSite, day: NaiveDate) -> Vec<Task> {
    site.doubles.batches.tasks(day, &Place::default(), 100).unwrap()
}

fn day_of(stamp: &str) -> NaiveDate {
    stamp[..10].parse().unwrap()
}

#[tokio::test]
async fn the_old_page_gets_the_task_that_is_kept() {
    let site = site();
    let posted = ask(&site, "*/*", OLD_FORM).await;
    assert_eq!((posted.status().as_u16(), header(&posted, "content-type")), (200, "text/html; charset=utf-8"));
    let mut task = json_of(&posted);
    let stamp = task["Timestamp"].as_str().unwrap().to_owned();
    let kept = tasks(&site, day_of(&stamp));
    assert_eq!((kept.len(), kept[0].stamp.as_str()), (1, stamp.as_str()));
    let id = task.as_object_mut().unwrap().remove("_id").unwrap();
    assert_eq!(id, kept[0].id.as_str());
    assert_eq!(task, json!(kept[0].message));
    let fields = ["DepDelay", "Carrier", "FlightDate", "Dest", "Origin", "Distance", "DayOfYear", "DayOfWeek"];
    let of_the_form = fields.map(|name| task[name].clone());
    assert_eq!(json!(of_the_form), json!([5.0, "AA", "2016-12-25", "SFO", "ATL", 2139.0, 360, 7]));
    assert!(site.doubles.log.requests().is_empty(), "nothing goes to the log");
}

#[tokio::test]
async fn a_browser_is_shown_the_day_whose_questions_wait_and_then_their_answers() {
    let site = site();
    let posted = ask(&site, BROWSER, OLD_FORM).await;
    assert_eq!(posted.status(), 303);
    let page = header(&posted, "location").to_owned();
    let day: NaiveDate = page.strip_prefix(&format!("{RESULTS}/")).unwrap().parse().unwrap();
    ask(&site, BROWSER, &form_with("Follow", "true")).await;
    let before = site.get(&page, BROWSER).await;
    assert!(text_of(&before).contains("2 questions wait for the batch"), "{}", text_of(&before));
    let kept = tasks(&site, day);
    assert!(kept.iter().all(|task| !task.message.contains_key("Follow")), "a batch follows no flight");
    site.doubles.batches.answer(&kept[0]);
    let after = text_of(&site.get(&page, BROWSER).await).to_owned();
    for words in ["One question waits", "American Airlines", "83\u{a0}%: less than 30\u{a0}minutes late", "1 to 1 of 1"]
    {
        assert!(after.contains(words), "{words}: {after}");
    }
    assert_eq!(site.doubles.batches.counts(day).unwrap(), DayCounts { tasks: 2, results: 1 });
}

#[tokio::test]
async fn the_answers_of_a_day_are_paged() {
    let site = site();
    let posted = ask(&site, "*/*", OLD_FORM).await;
    let first = tasks(&site, day_of(json_of(&posted)["Timestamp"].as_str().unwrap())).remove(0);
    for n in 0..60 {
        let mut task = Task { stamp: format!("2026-11-28T10:{n:02}:00"), ..first.clone() };
        task.message.insert("UUID".to_owned(), format!("u-{n}").into());
        site.doubles.batches.answer(&task);
    }
    let page = format!("{RESULTS}/2026-11-28");
    let text = text_of(&site.get(&page, BROWSER).await).to_owned();
    assert!(text.contains("1 to 50 of 60") && text.contains(&format!("{page}?start&#x3D;50")), "{text}");
    let text = text_of(&site.get(&format!("{page}?start=50"), BROWSER).await).to_owned();
    assert!(text.contains("51 to 60 of 60") && text.contains("10:59") && !text.contains("10:49"), "{text}");
}

#[tokio::test]
async fn a_wrong_form_is_shown_again_as_one_of_the_batch() {
    let site = site();
    let refused = ask(&site, BROWSER, &form_with("Origin", "XXX")).await;
    let html = text_of(&refused);
    assert_eq!(refused.status(), 400);
    assert!(html.contains("Ask for the batch") && html.contains(&format!("action=\"{CLASSIFY}\"")), "{html}");
    assert!(html.contains("One field needs another look.") && !html.contains("Follow this flight"), "{html}");
    let refused = ask(&site, "application/json", &form_with("Origin", "XXX")).await;
    assert_eq!(json_of(&refused)["errors"][0]["field"], "Origin");
    let wrong = site.get(&format!("{RESULTS}/today"), "application/json").await;
    assert_eq!((wrong.status().as_u16(), json_of(&wrong)["errors"][0]["field"].clone()), (400, json!("date")));
}
