//! Outages of the log and the store, and the bound on lookups, in process with an in-memory log and store.

mod common;

use std::time::Duration;

use common::{
    PublishOutcome,
    site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, header, json_of, site_with, text_of},
};
use delaycast_web::Config;
use serde_json::json;

#[tokio::test]
async fn rule_1_without_the_logs_acknowledgement_it_is_a_503_that_names_the_request() {
    let site = site_with(Config { publish_within: Duration::from_millis(20), ..Config::default() });
    for (outcome, internal) in [(PublishOutcome::Silent, "20ms"), (PublishOutcome::Fails, "broker")] {
        *site.doubles.log.outcome.lock().unwrap() = outcome;
        let response = site.post(FORM, "application/json", OLD_FORM).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "2"));
        let body = json_of(&response);
        let reason = body["errors"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("does not answer") && reason.contains("may still land"), "{reason}");
        assert!(!reason.contains(internal), "{reason}");
        assert_eq!((&body["status"], &body["errors"][0]["field"]), (&json!("ERROR"), &json!("log")));
        if outcome == PublishOutcome::Silent {
            assert_eq!(body["id"], site.doubles.log.requests()[0].id.as_str());
        }
        let page = site.post(FORM, BROWSER, OLD_FORM).await;
        assert_eq!(page.status(), 503);
        assert!(
            text_of(&page).contains("may still land") && text_of(&page).contains("?id&#x3D;"),
            "{}",
            text_of(&page)
        );
        assert!(!text_of(&page).contains(internal));
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_503() {
    let site = site_with(Config { lookup_within: Duration::from_millis(20), ..Config::default() });
    let path = format!("{CLASSIFY}/response/some-id");
    *site.doubles.store.down.lock().unwrap() = true;
    let down = site.get(&path, "application/json").await;
    assert_eq!((down.status().as_u16(), header(&down, "retry-after")), (503, "2"));
    assert_eq!(json_of(&down)["errors"][0]["field"], "store");
    let page = site.get(&format!("{PAGE}?id=some-id"), BROWSER).await;
    assert!(page.status() == 503 && text_of(&page).contains(r#"data-state="unreachable""#));

    *site.doubles.store.down.lock().unwrap() = false;
    *site.doubles.store.delay.lock().unwrap() = Duration::from_millis(200);
    let slow = site.get(&path, "application/json").await;
    assert_eq!(slow.status(), 503);
    assert!(text_of(&slow).contains("does not answer") && !text_of(&slow).contains("20ms"));
}

#[tokio::test]
async fn rule_5_concurrent_lookups_are_bounded_even_when_they_are_no_longer_awaited() {
    let config = Config { lookups_max: 2, lookup_within: Duration::from_millis(30), ..Config::default() };
    let site = site_with(config);
    *site.doubles.store.delay.lock().unwrap() = Duration::from_millis(100);
    let path = format!("{CLASSIFY}/response/some-id");
    for _ in 0..3 {
        let (a, b, c) = tokio::join!(site.get(&path, "*/*"), site.get(&path, "*/*"), site.get(&path, "*/*"));
        assert!([a, b, c].iter().all(|response| response.status() == 503));
    }
    let most = site.doubles.store.under_way.lock().unwrap().1;
    assert!((1..=2).contains(&most), "{most} at a time");
}
