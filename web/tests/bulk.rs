//! Files of questions, in process. A scorer beside the routes answers what is published, in another order than asked.

mod common;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use common::{
    InMemoryLog, InMemoryStore, PublishOutcome, answer_to,
    site::{BROWSER, TestSite, header, json_of, site, site_with, text_of},
};
use delaycast_web::Config;
use engine::store::Outcome;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use warp::{http::Response, test::request};

const BULK: &str = "/flights/delays/predict/bulk";
const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";

async fn send(site: &TestSite, content_type: &str, body: &str) -> Response<Bytes> {
    let post = request().method("POST").path(BULK).header("accept", "application/json");
    site.send(post.header("content-type", content_type).body(body)).await
}

/// Answers requests as they are published, the last ones first; those of 25 December are rejected.
fn score(log: Arc<InMemoryLog>, store: Arc<InMemoryStore>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut seen = 0;
        loop {
            let requests = log.requests();
            for request in requests[seen..].iter().rev() {
                let outcome = match request.date.to_string().as_str() {
                    "2016-12-25" => Outcome::Rejected("not on Christmas".into()),
                    _ => answer_to(request),
                };
                store.put(request.id.as_str(), outcome);
            }
            seen = requests.len();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
}

fn scored_site() -> (TestSite, JoinHandle<()>) {
    let site = site();
    let scorer = score(Arc::clone(&site.doubles.log), Arc::clone(&site.doubles.store));
    (site, scorer)
}

#[tokio::test]
async fn a_table_comes_back_with_an_answer_in_each_row() {
    let (site, scorer) = scored_site();
    let table = "note,Carrier,Origin,Dest,FlightDate\n\
                 \"a, b\",AA,ATL,SFO,2026-12-01\n\
                 c,AA,ATL,XXX,2026-12-01\n\
                 d,AA,ATL\n\
                 e,AA,ATL,SFO,2016-12-25\n";
    let answered = send(&site, CSV, table).await;
    scorer.abort();
    assert_eq!((answered.status().as_u16(), header(&answered, "content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(header(&answered, "content-disposition"), "attachment; filename=\"answers.csv\"");
    assert_eq!(header(&answered, "delaycast-rows"), "4");
    let mut reader = csv::Reader::from_reader(text_of(&answered).as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(columns[..6], ["note", "Carrier", "Origin", "Dest", "FlightDate", "Status"]);
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let values = |name: &str| rows.iter().map(|row| row[column(name)].to_owned()).collect::<Vec<_>>();
    assert_eq!(values("note"), ["a, b", "c", "d", "e"]);
    assert_eq!(values("Status"), ["OK", "ERROR", "ERROR", "REJECTED"]);
    assert_eq!((values("P50")[0].as_str(), values("Prediction")[0].as_str()), ("4", "2.0"));
    let reasons = values("Reason");
    assert!(reasons[1].starts_with("Dest: "), "{reasons:?}");
    assert_eq!(reasons[2..], ["row: has 3 values, and the header has 5", "not on Christmas"]);
    assert_eq!(site.doubles.log.requests().len(), 2, "what is wrong is not asked");
}

/// More rows than are asked ahead. The scorer answers out of order.
#[tokio::test]
async fn the_answers_are_in_the_order_of_the_questions() {
    let (site, scorer) = scored_site();
    let question =
        |n: u32| json!({ "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2026-12-01", "FlightNum": n });
    let lines: Vec<String> = (0..300).map(|n| question(n).to_string()).collect();
    let answered = send(&site, NDJSON, &lines.join("\n")).await;
    scorer.abort();
    assert_eq!(header(&answered, "content-type"), NDJSON);
    let answers: Vec<Value> = text_of(&answered).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 300);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((&answer["line"], &answer["status"]), (&json!(n + 1), &json!("OK")));
        assert_eq!(answer["prediction"]["FlightNum"], json!(n.to_string()));
        assert_eq!(answer["prediction"]["UUID"], answer["id"]);
    }
}

#[tokio::test]
async fn a_form_can_send_the_file() {
    let (site, scorer) = scored_site();
    let file = "{\"Flight\": \"AA from ATL to SFO tomorrow\"}\n";
    let part = "Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: text/plain\r\n";
    let body = format!("--frontier\r\n{part}\r\n{file}\r\n--frontier--\r\n");
    let answered = send(&site, "multipart/form-data; boundary=frontier", &body).await;
    scorer.abort();
    let answer: Value = serde_json::from_str(text_of(&answered)).unwrap();
    assert_eq!((&answer["status"], &answer["prediction"]["Route"]), (&json!("OK"), &json!("ATL-SFO")), "{answer}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_and_nothing_is_asked() {
    let site = site();
    for (content_type, body, field, reason) in [
        (CSV, "a,b\n1,2\n", "file", "no column that is known"),
        (NDJSON, "\n\n", "file", "has no questions"),
        (CSV, &"x".repeat((4 << 20) + 1), "body", "more than"),
        ("multipart/form-data; boundary=b", "--b--\r\n", "file", "is missing"),
    ] {
        let refused = send(&site, content_type, body).await;
        let error = json_of(&refused)["errors"][0].clone();
        assert_eq!((refused.status().as_u16(), &error["field"]), (400, &json!(field)), "{error}");
        assert!(error["reason"].as_str().unwrap().contains(reason), "{error}");
    }
    assert!(site.doubles.log.requests().is_empty());
    let page = site.get("/flights/delays/predict_bulk", BROWSER).await;
    assert!(text_of(&page).contains("10,000 rows") && text_of(&page).contains("<code>FlightDate</code>"));
}

#[tokio::test]
async fn an_outage_of_the_log_is_told_in_each_row_and_soon_not_tried_again() {
    let site = site();
    *site.doubles.log.outcome.lock().unwrap() = PublishOutcome::Fails;
    let table = format!("Carrier,Origin,Dest,FlightDate\n{}", "AA,ATL,SFO,2026-12-01\n".repeat(200));
    let answered = send(&site, CSV, &table).await;
    let text = text_of(&answered);
    assert_eq!(text.matches(",ERROR,").count(), 200, "{text}");
    assert!(text.contains("the request log does not answer. It was not asked"), "{text}");
}

#[tokio::test]
async fn files_beyond_the_bound_are_sent_away_politely() {
    let site = site_with(Config { bulks_max: 0, ..Config::default() });
    let refused = send(&site, CSV, "Flight\nAA 1\n").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "2"));
}
