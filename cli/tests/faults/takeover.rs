//! Tests of a collection with answers of the previous system.

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
