//! The routes of the wire contract, in process, with an in-memory log and store.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{LogMood, World, an_old_scorers_answer, answer_to, world_with_an_in_memory_log_and_store};
use delaycast::store::Outcome;
use delaycast_web::{BODY_BYTES_MAX, Config, routes};
use serde_json::{Value, json};
use warp::{
    filters::BoxedFilter,
    http::Response,
    reply,
    test::{RequestBuilder, request},
};

const PAGE: &str = "/flights/delays/predict_kafka";
const CLASSIFY: &str = "/flights/delays/predict/classify_realtime";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
/// What Chromium sends when a person follows a link or sends a form.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
/// The form of the old page, with its defaults, as jQuery serializes it.
const OLD_FORM: &str = "DepDelay=5&Carrier=AA&FlightDate=2016-12-25&Origin=ATL&Dest=SFO";

struct Site {
    world: World,
    routes: BoxedFilter<(reply::Response,)>,
}

fn site() -> Site {
    site_with(Config::default())
}

fn site_with(config: Config) -> Site {
    let world = world_with_an_in_memory_log_and_store(config);
    let routes = routes(world.parts.clone()).unwrap();
    Site { world, routes }
}

impl Site {
    async fn send(&self, request: RequestBuilder) -> Response<Bytes> {
        let response = request.reply(&self.routes).await;
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options"] {
            assert!(response.headers().contains_key(name), "{name} on every response");
        }
        response
    }

    async fn get(&self, path: &str, accept: &str) -> Response<Bytes> {
        self.send(request().path(path).header("accept", accept)).await
    }

    async fn post(&self, content_type: &str, accept: &str, body: impl AsRef<[u8]>) -> Response<Bytes> {
        let post = request().method("POST").path(CLASSIFY).header("accept", accept);
        self.send(post.header("content-type", content_type).body(body)).await
    }

    /// Posts a form that is wrong and gives what is said of it, as JSON: pairs of field and reason.
    async fn faults(&self, content_type: &str, body: impl AsRef<[u8]>) -> Vec<(String, String)> {
        let response = self.post(content_type, "application/json", body).await;
        assert_eq!(response.status(), 400, "{response:?}");
        assert_eq!(header(&response, "content-type"), "application/json");
        let body = json_of(&response);
        assert_eq!(body["status"], "ERROR");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| (text(&error["field"]), text(&error["reason"]))).collect()
    }
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn text_of(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// The old form with one field set to something else.
fn form_with(field: &str, value: &str) -> String {
    let others = OLD_FORM.split('&').filter(|pair| !pair.starts_with(&format!("{field}=")));
    others.map(str::to_owned).chain([format!("{field}={value}")]).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn the_old_page_asks_and_reads_json_text() {
    let site = site();
    let posted = site.post(FORM, "*/*", OLD_FORM).await;
    assert_eq!((posted.status().as_u16(), header(&posted, "content-type")), (200, "text/html; charset=utf-8"));
    let posted = json_of(&posted);
    let request = site.world.log.requests().remove(0);
    assert_eq!(posted, json!({ "status": "OK", "id": request.id.as_str() }));
    assert_eq!((request.carrier.as_str(), request.origin.as_str(), request.dest.as_str()), ("AA", "ATL", "SFO"));
    assert_eq!((request.date.to_string().as_str(), request.dep_delay), ("2016-12-25", Some(5.0)));
    assert_eq!((request.distance, request.flight_num.as_deref()), (Some(2139.0), None));

    let id = request.id.as_str();
    let path = format!("{CLASSIFY}/response/{id}");
    let waiting = site.get(&path, "*/*").await;
    assert_eq!(text_of(&waiting), format!(r#"{{"status":"WAIT","id":"{id}"}}"#));
    site.world.store.put(id, Outcome::Answered(an_old_scorers_answer()));
    let answered = site.get(&path, "*/*").await;
    assert_eq!((answered.status().as_u16(), header(&answered, "content-type")), (200, "text/html; charset=utf-8"));
    assert!(text_of(&answered).ends_with(r#""Route":"ATL-SFO","Prediction":2.0}}"#), "{}", text_of(&answered));
    assert_eq!(json_of(&answered)["prediction"]["_id"]["$oid"], "6b04");
}

#[tokio::test]
async fn json_is_json_only_for_a_client_that_takes_nothing_else() {
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
async fn a_rejection_is_told_with_its_reason_and_nothing_in_it_is_markup() {
    let site = site();
    let reason = "<script>alert(1)</script> & \"more\"";
    site.world.store.put("a/b", Outcome::Rejected(reason.into()));
    let told = site.get(&format!("{CLASSIFY}/response/a%2Fb"), "*/*").await;
    assert_eq!(json_of(&told), json!({ "status": "REJECTED", "id": "a/b", "reason": reason }));
    assert!(!text_of(&told).contains('<') && !text_of(&told).contains('&'));

    let page = site.get(&format!("{PAGE}?id=a%2Fb"), BROWSER).await;
    assert!(text_of(&page).contains("could not be scored"));
    assert!(text_of(&page).contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
    assert!(!text_of(&page).contains("<script>alert"));
}

#[tokio::test]
async fn what_is_typed_comes_back_escaped() {
    let site = site();
    let page = site.post(FORM, BROWSER, form_with("Origin", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert_eq!(page.status(), 400);
    let html = text_of(&page);
    assert!(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("Pan &lt;Am&gt; &amp; Co."), "names of the atlas are from outside, too");
}

#[tokio::test]
async fn habits_are_forgiven() {
    let site = site();
    let forms = [
        (FORM, "DepDelay=&Carrier=+aa+&FlightDate=+2016-12-25&Origin=Atlanta+(atl)&Dest=sfo&FlightNum=+12+".to_owned()),
        (FORM, form_with("FlightDate", "2016-12-25T23:59:59Z")),
        ("application/json", json!({"Carrier": "AA", "FlightDate": "2016-12-25", "Origin": "ATL", "Dest": "SFO", "DepDelay": -3.5, "FlightNum": 12, "Other": "x"}).to_string()),
        ("application/json; charset=utf-8", json!({"Carrier": "AA", "FlightDate": "2016-12-25", "Origin": "ATL", "Dest": "SFO", "DepDelay": null}).to_string()),
        ("multipart/form-data; boundary=xyz", multipart(&[("DepDelay", "7"), ("Carrier", "AA"), ("FlightDate", "2016-12-25"), ("Origin", "ATL"), ("Dest", "SFO")])),
    ];
    for (content_type, form) in forms {
        let response = site.post(content_type, "*/*", &form).await;
        assert_eq!(response.status(), 200, "{form}: {}", text_of(&response));
    }
    let requests = site.world.log.requests();
    let delays: Vec<_> = requests.iter().map(|request| request.dep_delay).collect();
    assert_eq!(delays, [None, Some(5.0), Some(-3.5), None, Some(7.0)]);
    let numbers: Vec<_> = requests.iter().map(|request| request.flight_num.as_deref()).collect();
    assert_eq!(numbers, [Some("12"), None, Some("12"), None, None]);
    assert!(requests.iter().all(|request| request.origin.as_str() == "ATL" && request.carrier.as_str() == "AA"));
    let code_with_brackets = form_with("Carrier", "pa+(1)");
    assert_eq!(site.post(FORM, "*/*", code_with_brackets).await.status(), 200);
    let unknown_distance = form_with("Origin", "SJU").replace("Dest=SFO", "Dest=PSE");
    assert_eq!(site.post(FORM, "*/*", unknown_distance).await.status(), 200);
    assert_eq!(site.world.log.requests().last().unwrap().distance, None);
}

fn multipart(fields: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--xyz--\r\n"
}

#[tokio::test]
async fn each_wrong_field_is_named_with_its_reason() {
    let site = site();
    let cases = [
        ("Origin", "XXX", "“XXX” is not an airport we know"),
        ("Origin", "", "is missing"),
        ("Dest", "Atlantis+(QQQ)", "“Atlantis (QQQ)” is not an airport we know"),
        ("Dest", "ATL", "must differ from Origin"),
        ("Carrier", "ZZ", "“ZZ” is not an airline we know"),
        ("Carrier", "+", "is missing"),
        ("FlightDate", "", "is missing"),
        ("FlightDate", "2015-02-29", "must be a date of the calendar, as in 2016-12-25"),
        ("FlightDate", "1066-10-14", "the year must be 1987 to 2199"),
        ("DepDelay", "soon", "“soon” is not a number of minutes"),
        ("DepDelay", "NaN", "“NaN” is not a number of minutes"),
        ("DepDelay", "inf", "“inf” is not a number of minutes"),
        ("DepDelay", "5000", "must be -1440 to 4320 minutes"),
        ("FlightNum", "12345678901234567", "must have at most 16 bytes"),
    ];
    for (field, value, reason) in cases {
        let faults = site.faults(FORM, form_with(field, value)).await;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].0 == field && faults[0].1.starts_with(reason), "{faults:?}");
        let page = site.post(FORM, BROWSER, form_with(field, value)).await;
        assert_eq!((page.status().as_u16(), header(&page, "content-type")), (400, "text/html; charset=utf-8"));
        assert_eq!(text_of(&page).matches(r#"aria-invalid="true""#).count(), 1);
    }
    assert!(site.world.log.requests().is_empty());
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let site = site();
    let form = "DepDelay=99999&Carrier=ZZ&FlightDate=1066-10-14&Origin=XXX&FlightNum=12345678901234567";
    let mut fields: Vec<String> = site.faults(FORM, form).await.into_iter().map(|(field, _)| field).collect();
    fields.sort();
    assert_eq!(fields, ["Carrier", "DepDelay", "Dest", "FlightDate", "FlightNum", "Origin"]);
    let page = site.post(FORM, BROWSER, form).await;
    let html = text_of(&page);
    assert!(html.contains("6 fields need another look.") && html.contains(r#"value="99999""#), "{html}");
}

#[tokio::test]
async fn a_body_that_is_not_clear_is_refused_and_named() {
    let site = site();
    let twice = format!("{OLD_FORM}&Carrier=UA");
    let json_twice = r#"{"Carrier":"AA","Carrier":"AA","FlightDate":"2016-12-25","Origin":"ATL","Dest":"SFO"}"#;
    let broken_part = b"--xyz\r\nContent-Disposition: form-data; name=\"Origin\"\r\n\r\n\xff\r\n--xyz--\r\n";
    let cases: [(&str, &[u8], &str, &str); 11] = [
        (FORM, twice.as_bytes(), "Carrier", "stands twice"),
        ("application/json", json_twice.as_bytes(), "Carrier", "stands twice"),
        ("application/json", br#"{"Origin": ["ATL"]}"#, "Origin", "must be a string or a number"),
        ("application/json", b"[1]", "body", "is not a JSON object"),
        ("application/json", b"{", "body", "is not a JSON object"),
        (FORM, b"Carrier=%zz", "body", "has a %"),
        (FORM, b"Carrier=%ff", "body", "is not UTF-8"),
        (FORM, b"Carrier=\xff", "body", "not UTF-8 at byte 8"),
        ("multipart/form-data", b"x", "body", "is not multipart form data"),
        ("multipart/form-data; boundary=xyz", b"--xyz\r\nbroken", "body", "is not multipart form data"),
        ("multipart/form-data; boundary=xyz", broken_part, "Origin", "is not UTF-8"),
    ];
    for (content_type, body, field, reason) in cases {
        let faults = site.faults(content_type, body).await;
        let named = faults.iter().any(|(name, why)| name == field && why.starts_with(reason));
        assert!(named, "{content_type} {field}: {faults:?}");
    }
    for content_type in ["text/plain", "", "application/xml", "x"] {
        assert_eq!(site.faults(content_type, OLD_FORM).await[0].0, "Content-Type", "{content_type}");
    }
    let no_type = request().method("POST").path(CLASSIFY).header("accept", "application/json").body(OLD_FORM);
    assert_eq!(json_of(&site.send(no_type).await)["errors"][0]["field"], "Content-Type");
    let page = site.post("text/plain", BROWSER, OLD_FORM).await;
    assert!(page.status() == 400 && text_of(&page).contains("<b>Content-Type</b>"));
    assert!(site.world.log.requests().is_empty());
}

#[tokio::test]
async fn a_body_is_bounded() {
    let site = site();
    let pad = |len: usize| format!("{OLD_FORM}&x={}", "x".repeat(len - OLD_FORM.len() - 3));
    assert_eq!(site.post(FORM, "*/*", pad(BODY_BYTES_MAX)).await.status(), 200);
    let faults = site.faults(FORM, pad(BODY_BYTES_MAX + 1)).await;
    assert_eq!(faults, [("body".to_owned(), "has more than 65536 bytes".to_owned())]);
}

#[tokio::test]
async fn without_the_logs_acknowledgement_it_is_a_503_that_names_the_request() {
    let site = site_with(Config { publish_within: Duration::from_millis(20), ..Config::default() });
    for (mood, said) in [(LogMood::Silent, "no acknowledgement within 20ms"), (LogMood::Fails, "broker")] {
        *site.world.log.mood.lock().unwrap() = mood;
        let response = site.post(FORM, "application/json", OLD_FORM).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "2"));
        let body = json_of(&response);
        let reason = body["errors"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(said) && reason.contains("may still land"), "{reason}");
        assert_eq!((&body["status"], &body["errors"][0]["field"]), (&json!("ERROR"), &json!("log")));
        if mood == LogMood::Silent {
            assert_eq!(body["id"], site.world.log.requests()[0].id.as_str());
        }
        let page = site.post(FORM, BROWSER, OLD_FORM).await;
        assert_eq!(page.status(), 503);
        assert!(
            text_of(&page).contains("may still land") && text_of(&page).contains("?id&#x3D;"),
            "{}",
            text_of(&page)
        );
        assert!(!text_of(&page).contains("<b>broker</b>"));
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_503() {
    let site = site_with(Config { lookup_within: Duration::from_millis(20), ..Config::default() });
    let path = format!("{CLASSIFY}/response/some-id");
    *site.world.store.down.lock().unwrap() = true;
    let down = site.get(&path, "application/json").await;
    assert_eq!((down.status().as_u16(), header(&down, "retry-after")), (503, "2"));
    assert_eq!(json_of(&down)["errors"][0]["field"], "store");
    let page = site.get(&format!("{PAGE}?id=some-id"), BROWSER).await;
    assert!(page.status() == 503 && text_of(&page).contains(r#"data-state="unreachable""#));

    *site.world.store.down.lock().unwrap() = false;
    *site.world.store.delay.lock().unwrap() = Duration::from_millis(200);
    let slow = site.get(&path, "application/json").await;
    assert_eq!(slow.status(), 503);
    assert!(text_of(&slow).contains("no answer within 20ms"));
}

#[tokio::test]
async fn lookups_at_a_time_are_bounded_even_when_nobody_awaits_them_any_more() {
    let config = Config { lookups_max: 2, lookup_within: Duration::from_millis(30), ..Config::default() };
    let site = site_with(config);
    *site.world.store.delay.lock().unwrap() = Duration::from_millis(100);
    let path = format!("{CLASSIFY}/response/some-id");
    for _ in 0..3 {
        let (a, b, c) = tokio::join!(site.get(&path, "*/*"), site.get(&path, "*/*"), site.get(&path, "*/*"));
        assert!([a, b, c].iter().all(|response| response.status() == 503));
    }
    let most = site.world.store.under_way.lock().unwrap().1;
    assert!((1..=2).contains(&most), "{most} at a time");
}

#[tokio::test]
async fn a_form_without_javascript_leads_to_a_page_that_refreshes_itself_for_a_while() {
    let site = site();
    let posted = site.post(FORM, BROWSER, OLD_FORM).await;
    let request = site.world.log.requests().remove(0);
    let location = header(&posted, "location").to_owned();
    assert_eq!(posted.status(), 303);
    assert_eq!(
        percent_encoding::percent_decode_str(&location).decode_utf8_lossy(),
        format!("{PAGE}?id={}", request.id)
    );

    let mut url = location.clone();
    let mut refreshes = 0;
    let last = loop {
        let page = site.get(&url, BROWSER).await;
        assert_eq!(page.status(), 200);
        let html = text_of(&page).to_owned();
        let Some((_, rest)) = html.split_once(";url=") else { break html };
        url = rest.split_once('"').unwrap().0.replace("&amp;", "&").replace("&#x3D;", "=");
        refreshes += 1;
        assert!(refreshes < 20, "it must end");
    };
    assert_eq!(refreshes, 7);
    assert!(last.contains(r#"data-state="timed_out""#) && last.contains("Keep asking"));

    site.world.store.put(request.id.as_str(), answer_to(&request));
    let page = site.get(&location, BROWSER).await;
    let html = text_of(&page);
    for shown in
        ["Most likely on time to 30 minutes late", "<b>50 %</b>", "Model 2013-09-30-a1b2c3", "Sunday, 25 December 2016"]
    {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(html.contains("No flights of this airline in the training data") && !html.contains("http-equiv"));
}

#[tokio::test]
async fn the_page_has_the_contracts_defaults_and_field_names() {
    let site = site();
    let page = site.get(PAGE, BROWSER).await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    let html = text_of(&page);
    for (name, value) in [
        ("DepDelay", "5"),
        ("Carrier", "AA"),
        ("FlightDate", "2016-12-25"),
        ("Origin", "ATL"),
        ("Dest", "SFO"),
        ("FlightNum", ""),
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
        html.contains(r#"<option value="SJU"></option>"#)
            && html.contains(r#"<option value="DL">Delta Air Lines Inc.</option>"#)
    );
    let tags = html.split('<').filter_map(|tag| tag.split('>').next());
    let inline = tags.filter(|tag| ["style", " style=", " onclick=", " onsubmit="].iter().any(|it| tag.contains(it)));
    assert_eq!(inline.filter(|tag| !tag.starts_with("link ")).count(), 0, "nothing inline");
    assert!(!html.contains("<script>"), "nothing inline");
    assert!(header(&page, "content-security-policy").contains("default-src 'none'; script-src 'self'"));
}

#[tokio::test]
async fn other_addresses_and_methods_are_told_in_the_clients_form() {
    let site = site();
    let index = site.get("/", BROWSER).await;
    assert_eq!((index.status().as_u16(), header(&index, "location")), (307, PAGE));
    for (method, path, status, allow) in [
        ("GET", "/nothing", 404, ""),
        ("GET", "/shutdown", 404, ""),
        ("GET", "/static/../Cargo.toml", 404, ""),
        ("GET", "/flights/delays/predict_kafka/more", 404, ""),
        ("POST", PAGE, 405, "GET, HEAD"),
        ("GET", CLASSIFY, 405, "POST"),
        ("DELETE", "/flights/delays/predict/classify_realtime/response/x", 405, "GET, HEAD"),
    ] {
        let page = site.send(request().method(method).path(path).header("accept", BROWSER)).await;
        assert_eq!((page.status().as_u16(), header(&page, "allow")), (status, allow), "{method} {path}");
        assert!(text_of(&page).starts_with("<!doctype html>") && text_of(&page).contains(&format!("Error {status}")));
        let told = site.send(request().method(method).path(path).header("accept", "application/json")).await;
        assert_eq!((told.status().as_u16(), json_of(&told)["status"].as_str()), (status, Some("ERROR")));
    }
    assert_eq!(site.send(request().method("HEAD").path(PAGE)).await.status(), 200);
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_a_400() {
    let site = site();
    for path in ["response/%zz", "response/%ff", &format!("response/{}", "x".repeat(129))] {
        let response = site.get(&format!("{CLASSIFY}/{path}"), "application/json").await;
        assert_eq!(
            (response.status().as_u16(), &json_of(&response)["errors"][0]["field"]),
            (400, &json!("UUID")),
            "{path}"
        );
    }
    for query in ["id=", "id=%zz", "id=x&asked=-1"] {
        assert_eq!(site.get(&format!("{PAGE}?{query}"), BROWSER).await.status(), 400, "{query}");
    }
}

#[tokio::test]
async fn static_files_are_kept_under_their_version_and_checked_without() {
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
