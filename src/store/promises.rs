//! What every store connector promises (see [`super`]), as tests that each connector runs against itself.

use chrono::DateTime;

use super::*;
use crate::{
    answer::{ModelVersion, Score},
    classes::DelayClass,
    delivery::Refusal,
    document::to_json,
    request::{self, RequestId},
};

/// An answer to the request `id` by `model`.
pub(crate) fn answer(id: &str, model: &str) -> Answer {
    let message = format!(
        r#"{{"DepDelay":5.0,"Carrier":"AA","FlightDate":"2016-12-25","Dest":"SFO","Origin":"ATL","UUID":{}}}"#,
        Value::from(id)
    );
    Answer {
        request: request::decode(message.as_bytes()).unwrap(),
        score: Score {
            probabilities: [0.125, 0.25, 0.5, 0.125],
            class: DelayClass::SlightlyLate,
            distance: 2139.0,
            remarks: vec![],
        },
        model: ModelVersion::new(model),
        scored_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    }
}

pub(crate) fn rejection(id: &str, reason: &str) -> Rejection {
    let rejected_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    Rejection { id: RequestId::new(id).unwrap(), reason: reason.to_owned(), rejected_at }
}

fn answered(answer: &Answer) -> Option<Outcome> {
    Some(Outcome::Answered(to_json(&answer.to_document())))
}

pub(crate) fn promise_1_the_first_answer_wins(store: &dyn Store) {
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let first = answer("a", "first");
    assert_eq!(lookup.find("a").unwrap(), None);
    assert_eq!(answers.write(&[first.clone(), answer("a", "same batch")]), Ok(vec![]));
    assert_eq!(answers.write(&[answer("a", "second"), answer("b", "second")]), Ok(vec![]));
    assert_eq!(lookup.find("a").unwrap(), answered(&first));
    assert_eq!(lookup.find("b").unwrap(), answered(&answer("b", "second")));
    // An id is taken as it is: with blanks, in any script, with what quotes and escapes elsewhere.
    for id in [" ", "A", "ä\u{301}", "'; --", "\0", "\u{10ffff}", &"x".repeat(128)] {
        let answer = answer(id, "odd id");
        assert_eq!(answers.write(std::slice::from_ref(&answer)), Ok(vec![]));
        assert_eq!(lookup.find(id).unwrap(), answered(&answer), "{id:?}");
    }
}

/// `refused` is an answer that this store never takes.
pub(crate) fn promise_2_a_refused_row_is_named_and_the_others_land(store: &dyn Store, refused: Answer) {
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let id = refused.request.id.as_str().to_owned();
    let rows = [answer("1", "m"), refused, answer("2", "m")];
    let refusals: Vec<Refusal> = answers.write(&rows).unwrap();
    assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
    assert!(!refusals[0].reason.is_empty());
    assert!(lookup.find("1").unwrap().is_some() && lookup.find("2").unwrap().is_some());
    assert_eq!(lookup.find(&id).unwrap(), None);
}

pub(crate) fn promise_3_a_prediction_outranks_a_rejection(store: &dyn Store) {
    let (mut answers, mut rejections) = (store.answers().unwrap(), store.rejections().unwrap());
    let lookup = store.lookup().unwrap();
    assert_eq!(rejections.write(&[rejection("before", "why"), rejection("only", "why")]), Ok(vec![]));
    assert_eq!(lookup.find("before").unwrap(), Some(Outcome::Rejected("why".to_owned())));
    assert_eq!(answers.write(&[answer("before", "m"), answer("after", "m")]), Ok(vec![]));
    assert_eq!(rejections.write(&[rejection("after", "why"), rejection("only", "again")]), Ok(vec![]));
    assert_eq!(lookup.find("before").unwrap(), answered(&answer("before", "m")));
    assert_eq!(lookup.find("after").unwrap(), answered(&answer("after", "m")));
    assert_eq!(lookup.find("only").unwrap(), Some(Outcome::Rejected("why".to_owned())));
}
