//! Input that the form and the routes refuse or accept, in process with an in-memory log and store.

mod common;

use common::site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, form_with, header, json_of, site, site_with, text_of};
use delaycast_web::{BODY_BYTES_MAX, Config};
use serde_json::json;
use server::AllowedHosts;
use warp::test::request;

#[tokio::test]
async fn rule_3_typed_text_comes_back_escaped() {
    let site = site();
    let page = site.post(FORM, BROWSER, form_with("Origin", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert_eq!(page.status(), 400);
    let html = text_of(&page);
    assert!(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("Pan &lt;Am&gt; &amp; Co."), "names of airlines are from outside, too");
}

#[tokio::test]
async fn blanks_case_and_names_are_accepted() {
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
    let requests = site.doubles.log.requests();
    let delays: Vec<_> = requests.iter().map(|request| request.dep_delay).collect();
    assert_eq!(delays, [None, Some(5.0), Some(-3.5), None, Some(7.0)]);
    let numbers: Vec<_> = requests.iter().map(|request| request.flight_num.as_deref()).collect();
    assert_eq!(numbers, [Some("12"), None, Some("12"), None, None]);
    assert!(requests.iter().all(|request| request.origin.as_str() == "ATL" && request.carrier.as_str() == "AA"));
    let code_with_brackets = form_with("Carrier", "pa+(1)");
    assert_eq!(site.post(FORM, "*/*", code_with_brackets).await.status(), 200);
    let unknown_distance = form_with("Origin", "SJU").replace("Dest=SFO", "Dest=PSE");
    assert_eq!(site.post(FORM, "*/*", unknown_distance).await.status(), 200);
    assert_eq!(site.doubles.log.requests().last().unwrap().distance, None);
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
        let errors = site.errors(FORM, form_with(field, value)).await;
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].0 == field && errors[0].1.starts_with(reason), "{errors:?}");
        let page = site.post(FORM, BROWSER, form_with(field, value)).await;
        assert_eq!((page.status().as_u16(), header(&page, "content-type")), (400, "text/html; charset=utf-8"));
        assert_eq!(text_of(&page).matches(r#"aria-invalid="true""#).count(), 1);
    }
    assert!(site.doubles.log.requests().is_empty());
}

#[tokio::test]
async fn rule_2_all_wrong_fields_are_named_at_once() {
    let site = site();
    let form = "DepDelay=99999&Carrier=ZZ&FlightDate=1066-10-14&Origin=XXX&FlightNum=12345678901234567";
    let mut fields: Vec<String> = site.errors(FORM, form).await.into_iter().map(|(field, _)| field).collect();
    fields.sort();
    assert_eq!(fields, ["Carrier", "DepDelay", "Dest", "FlightDate", "FlightNum", "Origin"]);
    let page = site.post(FORM, BROWSER, form).await;
    let html = text_of(&page);
    assert!(html.contains("6 fields need another look.") && html.contains(r#"value="99999""#), "{html}");
}

#[tokio::test]
async fn a_malformed_body_is_refused_and_named() {
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
        let errors = site.errors(content_type, body).await;
        let named = errors.iter().any(|(name, why)| name == field && why.starts_with(reason));
        assert!(named, "{content_type} {field}: {errors:?}");
    }
    for content_type in ["text/plain", "", "application/xml", "x"] {
        assert_eq!(site.errors(content_type, OLD_FORM).await[0].0, "Content-Type", "{content_type}");
    }
    let no_type = request().method("POST").path(CLASSIFY).header("accept", "application/json").body(OLD_FORM);
    assert_eq!(json_of(&site.send(no_type).await)["errors"][0]["field"], "Content-Type");
    let page = site.post("text/plain", BROWSER, OLD_FORM).await;
    assert!(page.status() == 400 && text_of(&page).contains("<b>Content-Type</b>"));
    assert!(site.doubles.log.requests().is_empty());
}

#[tokio::test]
async fn rule_5_a_body_is_bounded() {
    let site = site();
    let pad = |len: usize| format!("{OLD_FORM}&x={}", "x".repeat(len - OLD_FORM.len() - 3));
    assert_eq!(site.post(FORM, "*/*", pad(BODY_BYTES_MAX)).await.status(), 200);
    let errors = site.errors(FORM, pad(BODY_BYTES_MAX + 1)).await;
    assert_eq!(errors, [("body".to_owned(), "has more than 65536 bytes".to_owned())]);
}

#[tokio::test]
async fn an_invalid_id_is_a_400() {
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
async fn rule_6_a_page_on_loopback_serves_its_own_names_only() {
    let hosts = AllowedHosts::of("127.0.0.1".parse().unwrap(), &["page.example".parse().unwrap()]);
    let site = site_with(Config { hosts, ..Config::default() });
    let ask = |path: &str, host: &str| request().path(path).header("host", host);
    for host in ["localhost:5001", "127.0.0.1:5001", "[::1]:5001", "page.example"] {
        assert_eq!(site.send(ask("/ops.json", host)).await.status(), 200, "{host}");
    }
    // Another site's script learns nothing, not even which paths exist.
    for path in [PAGE, "/", "/ops", "/ops.json", "/static/delaycast.css", "/nothing", &format!("{CLASSIFY}/response/a")]
    {
        assert_eq!(site.send(ask(path, "evil.example:5001")).await.status(), 421, "{path}");
    }
    let post = request().method("POST").path(CLASSIFY).header("host", "evil.example").header("content-type", FORM);
    assert_eq!(site.send(post.body(OLD_FORM)).await.status(), 421);
    assert_eq!(site.doubles.log.requests(), []);

    let response = site.send(ask("/ops", "evil.example").header("accept", "application/json")).await;
    let reason = json_of(&response)["errors"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("127.0.0.1, [::1], localhost, page.example") && reason.contains("--host"), "{reason}");
    assert!(text_of(&site.send(ask("/ops", "evil.example").header("accept", BROWSER)).await).contains("--host"));

    // The target may have a host, too; it and the header must agree, and one of them must be present.
    assert_eq!(site.send(request().path("http://evil.example/ops.json")).await.status(), 421);
    assert_eq!(site.send(request().path("http://localhost:1/ops.json")).await.status(), 200);
    assert_eq!(site.send(ask("http://evil.example/ops.json", "localhost")).await.status(), 400);
    for unclear in [request().path("/ops.json"), ask("/ops.json", "a b")] {
        assert_eq!(site.send(unclear).await.status(), 400);
    }
}
