//! Tests that the first answer to an id stays, also one of the previous system.

use std::sync::Arc;

use mongodb::bson::{Document, doc, oid::ObjectId};

use crate::{
    fixture::{ANSWERS, Fixture, REJECTIONS},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{request, until},
};

/// Requests of which the previous system has answered every second one.
const ANSWERED: usize = 200;

#[test]
fn the_first_answer_to_a_repeated_id_stays() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Fixture::at(&servers.kafka(), &servers.mongo(), 1);
    let scorer = fixture.score(2);
    fixture.publish(&[(None, request("same", -20.0))]);
    let first = fixture.document(ANSWERS, "same");
    // The same UUID again, also with other values: the first answer stays.
    fixture.publish(&[(None, request("same", -20.0)), (None, request("same", 170.0))]);
    until("all is committed", || fixture.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    // A new scorer has no memory of the first answer.
    fixture.publish(&[(None, request("same", 170.0))]);
    let scorer = fixture.score(1);
    until("all is committed", || fixture.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    assert_eq!(fixture.documents(ANSWERS).unwrap(), [first]);
    println!("same UUID: 4 times, 4 messages, 1 request, lost 0, doubled 0, changed 0");
}

#[test]
fn answers_of_the_previous_system_are_kept() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    // No model gives this answer.
    let old = |number: usize| doc! { "_id": ObjectId::new(), "UUID": format!("r-{number}"), "Prediction": 7.0 };
    let documents: Vec<Document> = (0..ANSWERED).step_by(2).map(old).collect();
    fixture.run(doc! { "insert": ANSWERS, "documents": documents });

    let web = fixture.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let shown = |id: &str| {
        let url = format!("{base}flights/delays/predict/classify_realtime/response/{id}");
        ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
    };
    let before = shown("r-0");
    assert!(before.contains("$oid") && before.contains("7.0"), "{before}");

    // All requests are still in the topic, and some are repeated with other values.
    let scorer = fixture.score(2);
    let load = Load::start(&fixture, 2 * ANSWERED, 200);
    until("some are answered", || fixture.count(ANSWERS) > ANSWERED as i32);
    scorer.kill();
    let scorer = fixture.score(3);
    fixture.publish(&["r-0", "r-1", "r-2"].map(|id| (None, request(id, 170.0))));
    assert_promise("takeover, and a scorer killed", 1, &load.audit(&fixture));
    assert_eq!(shown("r-0"), before);
    let stands = doc! { "count": ANSWERS, "query": { "Prediction": 7.0 } };
    assert_eq!(fixture.run(stands).get_i32("n").unwrap(), ANSWERED as i32 / 2);
    assert_eq!(fixture.count(REJECTIONS), 0);
    assert_eq!((scorer.terminate(), web.terminate()), (Some(0), Some(0)));
}
