//! The routes of the wire contract, in process, with an in-memory log and store.

mod common;

use common::{
    an_old_scorers_answer, answer_to,
    site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, header, json_of, site, text_of},
};
use engine::{status::Wait, store::Outcome};
use serde_json::json;
use server::OperationsStatus;
use warp::test::request;

#[tokio::test]
async fn the_old_page_posts_a_form_and_reads_json_text() {
    let site = site();
    let posted = site.post(FORM, "*/*", OLD_FORM).await;
    assert_eq!((posted.status().as_u16(), header(&posted, "content-type")), (200, "text/html; charset=utf-8"));
    let posted = json_of(&posted);
    let request = site.doubles.log.requests().remove(0);
    assert_eq!(posted, json!({ "status": "OK", "id": request.id.as_str() }));
    assert_eq!((request.carrier.as_str(), request.origin.as_str(), request.dest.as_str()), ("AA", "ATL", "SFO"));
    assert_eq!((request.date.to_string().as_str(), request.dep_delay), ("2016-12-25", Some(5.0)));
    assert_eq!((request.distance, request.flight_num.as_deref()), (Some(2139.0), None));

    let id = request.id.as_str();
    let path = format!("{CLASSIFY}/response/{id}");
    let waiting = site.get(&path, "*/*").await;
    assert_eq!(text_of(&waiting), format!(r#"{{"status":"WAIT","id":"{id}"}}"#));
    site.doubles.store.put(id, Outcome::Answered(an_old_scorers_answer()));
    let answered = site.get(&path, "*/*").await;
    assert_eq!((answered.status().as_u16(), header(&answered, "content-type")), (200, "text/html; charset=utf-8"));
    assert!(text_of(&answered).ends_with(r#""Route":"ATL-SFO","Prediction":2.0}}"#), "{}", text_of(&answered));
    assert_eq!(json_of(&answered)["prediction"]["_id"]["$oid"], "6b04");
}

#[tokio::test]
async fn the_content_type_is_json_only_for_a_client_that_accepts_nothing_else() {
    let site = site();
    for (accept, content_type) in [
        ("application/json", "application/json"),
        ("application/json, text/javascript, */*; q=0.01", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
    ] {
        let posted = site.post(FORM, accept, OLD_FORM).await;
        assert_eq!(header(&posted, "content-type"), content_type, "{accept}");
        let waiting = site.get(&format!("{CLASSIFY}/response/some-id"), accept).await;
        assert_eq!(header(&waiting, "content-type"), content_type, "{accept}");
        assert_eq!(header(&waiting, "cache-control"), "no-store");
    }
}

#[tokio::test]
async fn rule_3_a_rejection_has_its_reason_without_markup() {
    let site = site();
    let reason = "<script>alert(1)</script> & \"more\"";
    site.doubles.store.put("a/b", Outcome::Rejected(reason.into()));
    let response = site.get(&format!("{CLASSIFY}/response/a%2Fb"), "*/*").await;
    assert_eq!(json_of(&response), json!({ "status": "REJECTED", "id": "a/b", "reason": reason }));
    assert!(!text_of(&response).contains('<') && !text_of(&response).contains('&'));

    let page = site.get(&format!("{PAGE}?id=a%2Fb"), BROWSER).await;
    assert!(text_of(&page).contains("could not be scored"));
    assert!(text_of(&page).contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
    assert!(!text_of(&page).contains("<script>alert"));
}

#[tokio::test]
async fn rule_4_a_form_without_javascript_leads_to_a_page_that_refreshes_itself_for_a_while() {
    let site = site();
    let posted = site.post(FORM, BROWSER, OLD_FORM).await;
    let request = site.doubles.log.requests().remove(0);
    let location = header(&posted, "location").to_owned();
    assert_eq!(posted.status(), 303);
    assert_eq!(
        percent_encoding::percent_decode_str(&location).decode_utf8_lossy(),
        format!("{PAGE}?id={}#result", request.id)
    );

    let mut url = location.clone();
    let mut refreshes = 0;
    let last = loop {
        let page = site.get(url.trim_end_matches("#result"), BROWSER).await;
        assert_eq!(page.status(), 200);
        let html = text_of(&page).to_owned();
        let Some((_, rest)) = html.split_once(";url=") else { break html };
        url = rest.split_once('"').unwrap().0.replace("&amp;", "&").replace("&#x3D;", "=");
        refreshes += 1;
        assert!(refreshes < 20, "it must end");
    };
    assert_eq!(refreshes, 7);
    assert!(last.contains(r#"data-state="timed_out""#) && last.contains("Keep asking"));

    site.doubles.store.put(request.id.as_str(), answer_to(&request));
    let page = site.get(location.trim_end_matches("#result"), BROWSER).await;
    let html = text_of(&page);
    for shown in [
        "83\u{a0}%: less than 30\u{a0}minutes late",
        "<b>50\u{a0}%</b>",
        ">2013-09-30-a1b2c3<",
        "Sunday, 25 December 2016",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    for reason in [
        "Of all flights, 92\u{a0}% land less than 30 minutes late.",
        "Flying with American Airlines Inc. lowers the chance from 92\u{a0}% to 87\u{a0}%.",
        "The departure delay of 5 minutes lowers the chance from 87\u{a0}% to 83\u{a0}%.",
    ] {
        assert!(html.contains(reason), "{reason}: {html}");
    }
    assert!(!html.contains("Everything else"), "the sentences end at the answer");
    assert!(
        html.contains("Less sure than usual: no flights of this airline in the training data.")
            && !html.contains("http-equiv")
    );
}

#[tokio::test]
async fn the_page_has_the_contracts_field_names_and_asks_about_tomorrow() {
    let site = site();
    let page = site.get(PAGE, BROWSER).await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    let html = text_of(&page);
    let tomorrow = (engine::clock::now() + chrono::TimeDelta::days(1)).date_naive().to_string();
    for (name, value) in [
        ("Flight", ""),
        ("DepDelay", ""),
        ("Carrier", ""),
        ("FlightDate", tomorrow.as_str()),
        ("Origin", ""),
        ("Dest", ""),
        ("FlightNum", ""),
        ("CRSDepTime", ""),
    ] {
        let input = html.split("<input ").find(|input| input.contains(&format!(r#"name="{name}""#))).unwrap();
        assert!(
            input.contains(&format!(r#"id="{name}""#)) && input.contains(&format!(r#"value="{value}""#)),
            "{input}"
        );
        assert!(html.contains(&format!(r#"<label for="{name}">"#)));
    }
    assert!(html.contains(r#"action="/flights/delays/predict/classify_realtime" method="post""#));
    assert!(
        html.contains(r#"<option value="SJU">San Juan</option>"#)
            && html.contains(r#"<option value="DL">Delta Air Lines Inc.</option>"#)
    );
    let tags = html.split('<').filter_map(|tag| tag.split('>').next());
    let inline = tags.filter(|tag| ["style", " style=", " onclick=", " onsubmit="].iter().any(|it| tag.contains(it)));
    assert_eq!(inline.filter(|tag| !tag.starts_with("link ")).count(), 0, "nothing inline");
    assert!(!html.contains("<script>"), "nothing inline");
    assert!(header(&page, "content-security-policy").contains("default-src 'none'; script-src 'self'"));
}

#[tokio::test]
async fn operations_are_shown_as_tables_and_as_json() {
    let site = site();
    let page = site.get("/ops", BROWSER).await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(header(&page, "cache-control"), "no-store");
    let html = text_of(&page);
    for shown in [
        "last hour",
        "29,250",
        "<dd>312</dd>",
        "<dd>1,208</dd>",
        "&lt;b&gt;odd&lt;/b&gt;",
        ">15 more<",
        "static/operations.js",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(html.contains(r#"<noscript><meta http-equiv="refresh" content="5;url=/ops"></noscript>"#), "{html}");
    assert!(!html.contains("<b>odd") && !html.contains("class=\"note\""), "{html}");

    let json = site.get("/ops.json", "*/*").await;
    assert_eq!((json.status().as_u16(), header(&json, "content-type")), (200, "application/json"));
    let json = json_of(&json);
    assert_eq!(json["answers"]["total"], 29_250);
    assert_eq!(json["answers"]["by_origin"][25], json!({ "name": "ZTL", "count": 250 }));
    assert_eq!((&json["in_flight"], &json["lag"], &json["window_s"]), (&json!(312), &json!(1208), &json!(3600)));
    assert_eq!(json["dead_letters"]["by_reason"][0], json!({ "name": "Origin", "count": 2 }));
}

#[tokio::test]
async fn operations_show_outages_lag_and_unknown_counts() {
    let site = site();
    let waiting = vec![Wait { what: "the store of answers".into(), for_s: 12 }];
    *site.doubles.operations.now.lock().unwrap() =
        OperationsStatus { waiting, behind_s: Some(40), window_s: 3600, ..OperationsStatus::default() };
    let page = site.get("/ops", BROWSER).await;
    let html = text_of(&page);
    for shown in ["Waiting for the store of answers for 12 s.", "The counts are 40 s behind.", "<dd>unknown</dd>"] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert_eq!(json_of(&site.get("/ops.json", "*/*").await)["lag"], json!(null));
    *site.doubles.operations.now.lock().unwrap() = OperationsStatus { window_s: 3600, ..OperationsStatus::default() };
    assert!(text_of(&site.get("/ops", BROWSER).await).contains("rebuilt from the store"));
}

#[tokio::test]
async fn other_addresses_and_methods_are_refused_in_the_clients_format() {
    let site = site();
    let index = site.get("/", BROWSER).await;
    assert_eq!((index.status().as_u16(), header(&index, "location")), (307, PAGE));
    for (method, path, status, allow) in [
        ("GET", "/nothing", 404, ""),
        ("GET", "/shutdown", 404, ""),
        ("GET", "/static/../Cargo.toml", 404, ""),
        ("GET", "/flights/delays/predict_kafka/more", 404, ""),
        ("POST", PAGE, 405, "GET, HEAD"),
        ("POST", "/ops", 405, "GET, HEAD"),
        ("DELETE", "/ops.json", 405, "GET, HEAD"),
        ("GET", CLASSIFY, 405, "POST"),
        ("DELETE", "/flights/delays/predict/classify_realtime/response/x", 405, "GET, HEAD"),
    ] {
        let page = site.send(request().method(method).path(path).header("accept", BROWSER)).await;
        assert_eq!((page.status().as_u16(), header(&page, "allow")), (status, allow), "{method} {path}");
        assert!(text_of(&page).starts_with("<!doctype html>") && text_of(&page).contains(&format!("Error {status}")));
        let response = site.send(request().method(method).path(path).header("accept", "application/json")).await;
        assert_eq!((response.status().as_u16(), json_of(&response)["status"].as_str()), (status, Some("ERROR")));
    }
    assert_eq!(site.send(request().method("HEAD").path(PAGE)).await.status(), 200);
}

#[tokio::test]
async fn static_files_are_cached_with_their_version_and_revalidated_without() {
    let site = site();
    let page = site.get(PAGE, BROWSER).await;
    for (name, content_type) in [
        ("delaycast.css", "text/css; charset=utf-8"),
        ("delaycast.js", "text/javascript; charset=utf-8"),
        ("delaycast.svg", "image/svg+xml"),
    ] {
        let links = text_of(&page).replace("&#x3D;", "=");
        let start = links.find(&format!("/static/{name}?v=")).unwrap();
        let link = links[start..].split_once('"').unwrap().0;
        let versioned = site.get(link, "*/*").await;
        assert_eq!((versioned.status().as_u16(), header(&versioned, "content-type")), (200, content_type));
        assert_eq!(header(&versioned, "cache-control"), "public, max-age=31536000, immutable");
        let plain = site.get(&format!("/static/{name}"), "*/*").await;
        assert_eq!(header(&plain, "cache-control"), "no-cache");
        let etag = header(&plain, "etag").to_owned();
        let again = request().path(&format!("/static/{name}")).header("if-none-match", format!("\"x\", W/{etag}"));
        let again = site.send(again).await;
        assert!(again.status() == 304 && again.body().is_empty());
    }
}
