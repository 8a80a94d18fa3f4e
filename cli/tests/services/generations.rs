//! Tests of successive scorers, and of new partitions.

use mongodb::bson::doc;

use crate::{
    fixture::{ANSWERS, Fixture},
    support::{request, until},
};

const BATCH: usize = 60;

#[test]
fn a_scorer_resumes_at_the_committed_offsets_with_any_number_of_workers() {
    let Some(fixture) = Fixture::new(4) else { return };
    for (generation, workers) in [1, 2, 3, 1].into_iter().enumerate() {
        // Earlier answers are removed: a scorer that read a request again would answer it again.
        fixture.run(doc! { "delete": ANSWERS, "deletes": [{ "q": {}, "limit": 0 }] });
        let ids: Vec<String> = (0..BATCH).map(|number| format!("{generation}-{number}")).collect();
        let messages: Vec<_> = ids.iter().map(|id| (None, request(id, 5.0))).collect();
        let (before, meanwhile) = messages.split_at(BATCH / 2);
        fixture.publish(before);
        let score = fixture.score(workers);
        fixture.publish(meanwhile);
        until("all are answered", || fixture.count(ANSWERS) >= BATCH as i32);
        assert_eq!(score.terminate(), Some(0));
        assert_eq!(fixture.count(ANSWERS), BATCH as i32, "{workers} workers");
        assert_eq!(fixture.uncommitted(), 0, "{workers} workers");
    }
}

#[test]
fn new_partitions_are_read_by_a_running_scorer() {
    let Some(fixture) = Fixture::new(2) else { return };
    let mut score = fixture.score(2);
    fixture.publish(&[(Some(0), request("first", 5.0))]);
    fixture.document(ANSWERS, "first");
    fixture.grow(5);
    let messages: Vec<_> = (0..5).map(|number| (Some(number), request(&format!("in {number}"), 5.0))).collect();
    fixture.publish(&messages);
    for number in 0..5 {
        fixture.document(ANSWERS, &format!("in {number}"));
    }
    assert!(score.is_running());
    assert_eq!(score.terminate(), Some(0));
    assert_eq!((fixture.count(ANSWERS), fixture.uncommitted()), (6, 0));
}
