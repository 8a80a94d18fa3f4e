//! The conformance suite of store connectors: a test of each promise in [`super`], which every connector runs.
//!
//! A function panics if the promise of its name is broken. Each takes an empty store.

#![allow(clippy::panic, clippy::unwrap_used)]

use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    answer::Rejection,
    batch::{BatchAnswer, Place, Task},
    delivery::Refusal,
    document::to_json,
    domain::Answer,
    follow::{Begin, Followed, Stage, Version},
    request::RequestId,
    shadow::Comparison,
    testing::{Toy, ToyLabels, answer, shadow_answer, version},
};

/// Returns a rejection.
pub fn rejection(id: &str, reason: &str) -> Rejection {
    let rejected_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    Rejection { id: RequestId::new(id).unwrap(), reason: reason.to_owned(), rejected_at }
}

fn answered(answer: &Answer<Toy>) -> Option<Outcome> {
    Some(Outcome::Answered(to_json(&answer.to_document())))
}

/// Also for ids of any characters.
pub fn promise_1_the_first_answer_wins(store: &dyn Store<Toy>) {
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let first = answer("a", "first");
    assert_eq!(lookup.find("a").unwrap(), None);
    assert_eq!(answers.write(&[first.clone(), answer("a", "same batch")]), Ok(vec![]));
    assert_eq!(answers.write(&[answer("a", "second"), answer("b", "second")]), Ok(vec![]));
    assert_eq!(lookup.find("a").unwrap(), answered(&first));
    assert_eq!(lookup.find("b").unwrap(), answered(&answer("b", "second")));
    // Ids are not interpreted: blanks, any script, quotes and escapes.
    for id in [" ", "A", "ä\u{301}", "'; --", "\0", "\u{10ffff}", &"x".repeat(128)] {
        let answer = answer(id, "odd id");
        assert_eq!(answers.write(std::slice::from_ref(&answer)), Ok(vec![]));
        assert_eq!(lookup.find(id).unwrap(), answered(&answer), "{id:?}");
    }
}

/// `refused` is an answer that this store refuses for good.
pub fn promise_2_a_refused_row_is_named_and_the_others_land(store: &dyn Store<Toy>, refused: Answer<Toy>) {
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let id = refused.request.id.as_str().to_owned();
    let rows = [answer("1", "m"), refused, answer("2", "m")];
    let refusals: Vec<Refusal> = answers.write(&rows).unwrap();
    assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
    assert!(!refusals[0].reason.is_empty());
    assert!(lookup.find("1").unwrap().is_some() && lookup.find("2").unwrap().is_some());
    assert_eq!(lookup.find(&id).unwrap(), None);
}

/// In both orders of their writing.
pub fn promise_3_a_prediction_outranks_a_rejection(store: &dyn Store<Toy>) {
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

/// The answers of two shadow models.
pub fn promise_6_shadow_answers_are_kept_apart(store: &dyn Store<Toy>) {
    let (mut shadows, lookup) = (store.shadows().unwrap(), store.lookup().unwrap());
    assert_eq!(store.compared().unwrap(), []);
    let rows = [shadow_answer("a", "new", true), shadow_answer("b", "new", false), shadow_answer("c", "newer", true)];
    assert_eq!(shadows.write(&rows), Ok(vec![]));
    // An existing answer is not changed.
    assert_eq!(shadows.write(&[shadow_answer("a", "newer", false)]), Ok(vec![]));
    assert_eq!(lookup.find("a").unwrap(), None);
    let mut tail = store.tail(DateTime::from_timestamp(0, 0).unwrap()).unwrap();
    assert_eq!(tail.next(10).unwrap().rows.len(), 0);
    let of = |shadow: &str, compared, agreed, mean_change| Comparison {
        shadow: shadow.into(),
        current: "current".into(),
        compared,
        agreed,
        mean_change,
    };
    assert_eq!(store.compared().unwrap(), [of("new", 2, 1, 0.25), of("newer", 1, 1, 0.0)]);
}

/// Answers are written in another order than they were scored.
pub fn promise_5_a_tail_yields_every_answer_since_a_timestamp_once(store: &dyn Store<Toy>) {
    let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap();
    let scored = |id: String, second| Answer { scored_at: at(second), ..answer(&id, "m1") };
    let mut answers = store.answers().unwrap();
    let drain = |tail: &mut dyn Tail<Toy>| {
        let mut ids = Vec::new();
        loop {
            let Page { rows, more } = tail.next(7).unwrap();
            assert!(rows.len() <= 7, "{} rows", rows.len());
            ids.extend(rows.into_iter().map(|row| (row.scored_at.timestamp() - 1_700_000_000, row.id)));
            if !more {
                ids.sort();
                return ids;
            }
        }
    };
    let expected = |seconds: std::ops::Range<i64>| seconds.map(|n| (n, n.to_string())).collect::<Vec<_>>();

    assert_eq!(drain(&mut *store.tail(at(0)).unwrap()), []);
    // Pairs are swapped: 1 before 0, 3 before 2.
    let rows: Vec<_> = (0..40).map(|n| scored((n ^ 1).to_string(), n ^ 1)).collect();
    answers.write(&rows).unwrap();
    let mut tail = store.tail(at(11)).unwrap();
    assert_eq!(drain(&mut *tail), expected(11..40));
    assert_eq!(drain(&mut *tail), []);

    // Again, with another model: the first answer stands and is not read again. Some were scored a little before the
    // last.
    answers.write(&rows).unwrap();
    let late: Vec<_> = (0..20).map(|n| Answer { scored_at: at(35), ..answer(&format!("late {n}"), "m2") }).collect();
    answers.write(&late).unwrap();
    answers.write(&[scored("40".to_owned(), 40)]).unwrap();
    let mut new: Vec<_> = (0..20).map(|n| (35, format!("late {n}"))).chain(expected(40..41)).collect();
    new.sort();
    assert_eq!(drain(&mut *tail), new);
    assert_eq!(drain(&mut *tail), []);

    let mut tail = store.tail(at(40)).unwrap();
    // A page may be empty while there are more.
    let Landed { id, scored_at, labels, model } = (0..100).find_map(|_| tail.next(7).unwrap().rows.pop()).unwrap();
    assert_eq!((id.as_str(), scored_at, model.as_str()), ("40", at(40), "m1"));
    assert_eq!(labels, ToyLabels { level: "2".to_owned(), colour: "red".to_owned() });
}

/// Also of ids that look like those of versions.
pub fn promise_7_versions_are_kept_apart_and_the_first_of_a_number_wins(store: &dyn Store<Toy>) {
    let (mut versions, lookup) = (store.versions().unwrap(), store.lookup().unwrap());
    assert_eq!(lookup.versions("a", 0).unwrap(), []);
    let document = |version: &Version<Toy>| to_json(&version.to_document());
    let [first, second, third] = [1, 2, 3].map(|number| version("a", number));
    assert_eq!(versions.write(&[first.clone(), version("a#1", 1), version("b", 1)]), Ok(vec![]));
    assert_eq!(versions.write(&[second.clone(), Version { told: vec![9.0], ..first.clone() }]), Ok(vec![]));
    assert_eq!(versions.write(&[Version { told: vec![9.0], ..second.clone() }, third.clone()]), Ok(vec![]));
    let all = [&first, &second, &third].map(document);
    assert_eq!(lookup.versions("a", 0).unwrap(), all);
    assert_eq!(lookup.versions("a", 2).unwrap(), all[2..]);
    assert_eq!(lookup.versions("a", 3).unwrap(), []);
    assert_eq!(lookup.versions("a#1", 0).unwrap().len(), 1);
    assert_eq!(lookup.find("a").unwrap(), None);
    let mut tail = store.tail(DateTime::from_timestamp(0, 0).unwrap()).unwrap();
    assert_eq!(tail.next(10).unwrap().rows.len(), 0);
}

const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();

fn task(id: &str, stamp: &str, size: i32) -> Task {
    let Value::Object(message) = json!({ "UUID": id, "Size": size, "Asked": stamp, "Half": 0.5, "None": null }) else {
        panic!("an object")
    };
    Task { id: id.to_owned(), stamp: stamp.to_owned(), message }
}

/// Reads the rows of a day by pages of 7.
fn pages<T>(mut read: impl FnMut(&Place) -> (Vec<T>, Place)) -> Vec<T> {
    let (mut all, mut from) = (Vec::new(), Place::default());
    loop {
        let (rows, next) = read(&from);
        let is_last = rows.len() < 7;
        all.extend(rows);
        if is_last {
            return all;
        }
        from = next;
    }
}

fn tasks_of(batches: &dyn Batches, day: NaiveDate) -> Vec<Task> {
    pages(|from| {
        let tasks = batches.tasks(day, from, 7).unwrap();
        let next = from.after(tasks.iter().map(|task| task.stamp.as_str()));
        (tasks, next)
    })
}

fn results_of(batches: &dyn Batches, day: NaiveDate) -> Vec<Map<String, Value>> {
    pages(|from| {
        let ResultPage { rows, next } = batches.results(day, from, 7).unwrap();
        (rows, next)
    })
}

/// Also of ids of any characters.
pub fn promise_8_the_first_task_and_the_first_result_of_an_id_win(store: &dyn Store<Toy>) {
    let (batches, mut results) = (store.batches().unwrap(), store.results().unwrap());
    assert_eq!(batches.counts(DAY).unwrap(), DayCounts::default());
    let [first, second] = ["T10:00:00.000001", "T10:00:00.000002"].map(|time| format!("2026-11-28{time}"));
    assert_eq!(batches.add(&[task("a", &first, 1), task("a", &first, 2)]), Ok(vec![]));
    assert_eq!(batches.add(&[task("a", &second, 3), task("'; --\0", &second, 4)]), Ok(vec![]));
    assert_eq!(tasks_of(&*batches, DAY), [task("a", &first, 1), task("'; --\0", &second, 4)]);
    let result = |model, stamp: &str| BatchAnswer { answer: answer("a", model), stamp: stamp.to_owned() };
    assert_eq!(results.write(&[result("first", &first), result("same batch", &first)]), Ok(vec![]));
    assert_eq!(results.write(&[result("second", &second)]), Ok(vec![]));
    let found = results_of(&*batches, DAY);
    assert_eq!(found, [to_json(&result("first", &first).to_document())]);
    assert_eq!(found[0]["Asked"], json!(first), "the stamp is text, as the task has it");
    assert_eq!(batches.counts(DAY).unwrap(), DayCounts { tasks: 2, results: 1 });
    assert_eq!(store.lookup().unwrap().find("a").unwrap(), None, "results are no answers of the log");
}

/// Many rows have the same stamp, and are more than a page.
pub fn promise_8_pages_of_a_day_yield_each_row_once(store: &dyn Store<Toy>) {
    let (batches, mut results) = (store.batches().unwrap(), store.results().unwrap());
    let stamp = |n: u32| match n {
        0..5 => "2026-11-28".to_owned(),
        5..30 => "2026-11-28T12:00:00".to_owned(),
        _ => format!("2026-11-28T23:59:59.{n:06}"),
    };
    let ids = 0..40;
    let tasks: Vec<_> = ids.clone().map(|n| task(&format!("{n:02}"), &stamp(n), 1)).collect();
    let others = [task("x", "2026-11-27T23:59:59.999999", 1), task("y", "2026-11-29", 1)];
    assert_eq!(batches.add(&tasks), Ok(vec![]));
    assert_eq!(batches.add(&others), Ok(vec![]));
    let rows: Vec<_> =
        tasks.iter().map(|it| BatchAnswer { answer: answer(&it.id, "m"), stamp: it.stamp.clone() }).collect();
    assert_eq!(results.write(&rows), Ok(vec![]));
    assert_eq!(tasks_of(&*batches, DAY), tasks);
    let found: Vec<_> = results_of(&*batches, DAY).iter().map(|row| row["UUID"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, ids.map(|n| format!("{n:02}")).collect::<Vec<_>>());
    assert_eq!(tasks_of(&*batches, DAY.succ_opt().unwrap()), others[1..]);
}

/// More requests than one query names.
pub fn promise_7_a_followed_request_is_recorded_until_its_last_version(store: &dyn Store<Toy>) {
    let mut versions = store.versions().unwrap();
    assert_eq!(store.followed().unwrap(), []);
    let many: Vec<_> = (0..250).map(|n| version(&n.to_string(), 1)).collect();
    assert_eq!(versions.write(&many), Ok(vec![]));
    let refused = Version { stage: Stage::Refused("too many".into()), ..version("refused", 1) };
    assert_eq!(versions.write(&[version("7", 2), refused]), Ok(vec![]));
    // A request that is read again begins nothing anew.
    assert_eq!(versions.write(&[version("7", 1), version("7", 3)]), Ok(vec![]));
    assert_eq!(versions.write(&[Version { stage: Stage::Last, ..version("8", 2) }]), Ok(vec![]));
    let expected = |id: &str, number: u32| {
        let Version { told, stage: Stage::Begins(begin), answer, .. } = version(id, 1) else { panic!("no begin") };
        let told = if number == 1 { told } else { version(id, number).told };
        Followed { begin: Begin { ..begin }, began_at: answer.scored_at.timestamp_millis(), number, told }
    };
    let mut followed = store.followed().unwrap();
    followed.sort_by_key(|it| it.begin.message.parse::<u32>().unwrap());
    let ids = (0..250).filter(|id| *id != 8);
    assert_eq!(followed, ids.map(|id| expected(&id.to_string(), if id == 7 { 3 } else { 1 })).collect::<Vec<_>>());
}
