//! All pages with data on them: those of the registry, and the states of an answer.

use delaycast::request::{Request, decode};
use delaycast_web::Config;
use engine::{
    batch::Task,
    store::{Batches, Outcome},
};
use serde_json::{Value, json};

use super::{TestDoubles, answer_to, doubles, history};

pub(crate) const FORM: &str = "/flights/delays/predict_kafka";

/// A request of the history's flight AA 1, with some fields of its own.
fn request(id: &str, fields: Value) -> Request {
    let mut request = json!({
        "UUID": id, "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2013-01-22", "FlightNum": "1",
        "Timestamp": "2013-01-21T10:00:00.000000",
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode(request.to_string().as_bytes()).unwrap()
}

/// A history, and an answer, a rejection, a followed answer and a batch.
pub(crate) fn doubles_of_pages() -> TestDoubles {
    let mut doubles = doubles(Config::default());
    doubles.parts.history = history::prepared();
    fill(&doubles);
    doubles
}

fn fill(doubles: &TestDoubles) {
    let at = |time: &str| json!({ "$date": format!("2013-01-22T{time}:00Z") });
    for (id, fields) in [("before", json!({})), ("departed", json!({ "DepDelay": 45 }))] {
        doubles.store.put(id, answer_to(&request(id, fields)));
    }
    doubles.store.put("rejected", Outcome::Rejected("Distance: must be above 0".into()));
    let followed = request("followed", json!({ "Follow": true }));
    doubles.store.put("followed", answer_to(&followed));
    let Value::Object(message) = json!({
        "UUID": "batch", "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2013-01-22", "FlightNum": "1",
    }) else {
        unreachable!()
    };
    let task = Task { id: "batch".into(), stamp: "2026-11-28T13:41:32.246003".into(), message };
    doubles.batches.answer(&task);
    let waiting = Task { id: "waits".into(), ..task };
    assert_eq!(doubles.batches.add(&[waiting]), Ok(vec![]));
    let long = format!("{{\"UUID\":\"long\",\"Carrier\":\"{}\"}}", "AA".repeat(200));
    doubles.dead_letters.keep(17, "Origin: “London” is not a code, as in ATL", b"{\"Origin\":\"London\"}", 0);
    doubles.dead_letters.keep(18, "Carrier: must be a code", long.as_bytes(), 3);
    doubles.event_letters.keep(
        3,
        "At: expected a time with an offset from UTC",
        b"{\"Event\":\"departed\",\"Carrier\":\"AA\"}",
        1,
    );
    let inbound = json!({
        "Carrier": "AA", "FlightNum": "7", "Origin": "BOS", "State": "departed", "Link": "habit", "LinkTimes": 6,
        "Scheduled": at("17:40"), "Expected": at("18:28"), "Delay": 48, "GroundMinutes": 35,
    });
    let live = json!({ "AsOf": at("16:00"), "State": "scheduled", "Inbound": inbound });
    for median in [4, 31] {
        doubles.store.put_version(&followed, median, json!({ "State": "ended" }), live.clone());
    }
}

/// All pages: those of the registry, and the states of an answer.
pub(crate) const PAGES: [&str; 30] = [
    FORM,
    "/flights/delays/predict_kafka?Flight=AA+1+from+ATL+to+SFO",
    "/flights/delays/predict_kafka?Origin=ATL&Dest=SFO",
    "/flights/delays/predict_kafka?id=before",
    "/flights/delays/predict_kafka?id=departed",
    "/flights/delays/predict_kafka?id=followed",
    "/flights/delays/predict_kafka?id=followed&version=1",
    "/flights/delays/predict_kafka?id=rejected",
    "/flights/delays/predict",
    "/flights/delays/predict_bulk",
    "/flights/delays/predict_batch",
    "/flights/delays/predict_batch/results/2026-11-28",
    "/flights/delays/predict_batch/results/2026-11-29",
    "/airlines",
    "/airline/AA",
    "/airplanes",
    "/airplanes?Model=nothing",
    "/airplane/N14228",
    "/flights/search",
    "/flights/search?Carrier=ZZ",
    "/flights/ATL/SFO/2013-01-04",
    "/on_time_performance?Carrier=DL&FlightDate=2013-01-03&FlightNum=7",
    "/total_flights",
    "/delays",
    "/ops",
    "/ops/dataflow",
    "/ops/dead-letters",
    "/ops/dead-letters?log=events",
    "/nothing",
    "/airline/ZZ",
];
