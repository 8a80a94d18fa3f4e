//! Tests of repeated requests.

use crate::{
    fixture::{ANSWERS, Fixture},
    servers::ExclusiveServers,
    support::{request, until},
};

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
