//! The broker goes away.

use std::{sync::Arc, thread, time::Duration};

use serde_json::Value;

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place},
    support::{Process, long, until},
    world::World,
};

fn outage() -> Duration {
    Duration::from_secs(if long() { 20 } else { 3 })
}

#[test]
fn a_broker_stopped_and_back() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let mut scorer = place.score(2);
    let load = Load::start(&place, 1500, 150);
    until("some are answered", || place.count(ANSWERS) > 100);
    world.stop("kafka");
    thread::sleep(outage());
    assert!(scorer.is_running());
    world.start("kafka");
    promise("broker stopped", 1, &load.account(&place));
    assert_eq!(scorer.terminate(), Some(0));
}

/// Asks the page's way; the status, whether it was told when to ask again, and the body.
fn ask(base: &str) -> (u16, bool, Value) {
    let form = [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut reply = agent.post(format!("{base}flights/delays/predict/classify_realtime")).send_form(form).unwrap();
    let (status, retry) = (reply.status().as_u16(), reply.headers().contains_key("retry-after"));
    (status, retry, serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap())
}

/// What the page was promised is answered; what it was not promised may be.
#[test]
fn a_broker_killed_with_unacknowledged_messages() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let scorer = place.score(2);
    let web = place.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let (status, _, first) = ask(&base);
    assert_eq!(status, 200, "{first}");
    let askers: Vec<_> = (0..8)
        .map(|_| {
            let base = base.clone();
            thread::spawn(move || (0..if long() { 40 } else { 10 }).map(|_| ask(&base)).collect::<Vec<_>>())
        })
        .collect();
    thread::sleep(Duration::from_millis(100));
    world.kill("kafka");
    // Longer than a message waits for its acknowledgement, so that some are refused.
    thread::sleep(outage().max(Duration::from_secs(6)));
    world.start("kafka");
    let replies: Vec<_> = askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
    let promised: Vec<&str> =
        replies.iter().filter(|(status, ..)| *status == 200).map(|(_, _, body)| body["id"].as_str().unwrap()).collect();
    let refused: Vec<_> = replies.iter().filter(|(status, ..)| *status != 200).collect();
    assert!(!refused.is_empty() && refused.iter().all(|(status, retry, _)| *status == 503 && *retry), "{refused:?}");
    until("all that was promised is committed", || place.uncommitted() == 0);
    for id in &promised {
        place.document(ANSWERS, id);
    }
    let answers = place.documents(ANSWERS).unwrap().len();
    println!(
        "broker killed: 1 times, {} asked, {} promised, {} told to ask again, lost 0, answered {answers}",
        replies.len() + 1,
        promised.len() + 1,
        refused.len(),
    );
    assert!((promised.len() + 1..=replies.len() + 1).contains(&answers), "{answers}");
    for process in [scorer, web] {
        assert_eq!(process_end(process), Some(0));
    }
}

fn process_end(process: Process) -> Option<i32> {
    process.terminate()
}
