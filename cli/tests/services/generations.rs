//! Scorers that come and go, and partitions that come.

use mongodb::bson::doc;

use crate::{
    place::{ANSWERS, Place},
    support::{request, until},
};

const BATCH: usize = 60;

#[test]
fn each_generation_goes_on_where_the_last_one_committed_with_any_number_of_workers() {
    let Some(place) = Place::new(4) else { return };
    for (generation, workers) in [1, 2, 3, 1].into_iter().enumerate() {
        // What an earlier generation has answered is taken away: one that read it again would answer it again.
        place.run(doc! { "delete": ANSWERS, "deletes": [{ "q": {}, "limit": 0 }] });
        let ids: Vec<String> = (0..BATCH).map(|number| format!("{generation}-{number}")).collect();
        let messages: Vec<_> = ids.iter().map(|id| (None, request(id, 5.0))).collect();
        let (before, meanwhile) = messages.split_at(BATCH / 2);
        place.publish(before);
        let score = place.score(workers);
        place.publish(meanwhile);
        until("all are answered", || place.count(ANSWERS) >= BATCH as i32);
        assert_eq!(score.terminate(), Some(0));
        assert_eq!(place.count(ANSWERS), BATCH as i32, "{workers} workers");
        assert_eq!(place.uncommitted(), 0, "{workers} workers");
    }
}

#[test]
fn new_partitions_are_read_while_it_runs() {
    let Some(place) = Place::new(2) else { return };
    let mut score = place.score(2);
    place.publish(&[(Some(0), request("first", 5.0))]);
    place.document(ANSWERS, "first");
    place.grow(5);
    let messages: Vec<_> = (0..5).map(|number| (Some(number), request(&format!("in {number}"), 5.0))).collect();
    place.publish(&messages);
    for number in 0..5 {
        place.document(ANSWERS, &format!("in {number}"));
    }
    assert!(score.is_running());
    assert_eq!(score.terminate(), Some(0));
    assert_eq!((place.count(ANSWERS), place.uncommitted()), (6, 0));
}
