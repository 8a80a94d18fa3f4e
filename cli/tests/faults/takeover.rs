//! A collection that holds answers of the old system.

use std::sync::Arc;

use mongodb::bson::{Document, doc, oid::ObjectId};

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place, REJECTIONS},
    support::{request, until},
    world::World,
};

/// Of the requests to come, the old system has answered every second one of so many.
const ANSWERED: usize = 200;

#[test]
fn answers_of_the_old_system_stand() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    // No model says that.
    let old = |number: usize| doc! { "_id": ObjectId::new(), "UUID": format!("r-{number}"), "Prediction": 7.0 };
    let documents: Vec<Document> = (0..ANSWERED).step_by(2).map(old).collect();
    place.run(doc! { "insert": ANSWERS, "documents": documents });

    let web = place.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let shown = |id: &str| {
        let url = format!("{base}flights/delays/predict/classify_realtime/response/{id}");
        ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
    };
    let before = shown("r-0");
    assert!(before.contains("$oid") && before.contains("7.0"), "{before}");

    // All requests are still in the topic, and some come again with other words.
    let scorer = place.score(2);
    let load = Load::start(&place, 2 * ANSWERED, 200);
    until("some are answered", || place.count(ANSWERS) > ANSWERED as i32);
    scorer.kill();
    let scorer = place.score(3);
    place.publish(&["r-0", "r-1", "r-2"].map(|id| (None, request(id, 170.0))));
    promise("takeover, and a scorer killed", 1, &load.account(&place));
    assert_eq!(shown("r-0"), before);
    let stands = doc! { "count": ANSWERS, "query": { "Prediction": 7.0 } };
    assert_eq!(place.run(stands).get_i32("n").unwrap(), ANSWERED as i32 / 2);
    assert_eq!(place.count(REJECTIONS), 0);
    assert_eq!((scorer.terminate(), web.terminate()), (Some(0), Some(0)));
}
