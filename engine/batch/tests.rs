//! Tests of the rules in [`super`], with payments.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::*;
use crate::{
    answer::{ModelVersion, Rejection},
    delivery::{Unavailable, Writer},
    domain::Answer,
    finding::Finding,
    model::Scorer,
    store::{self, Batches, DayCounts, Lookup, Outcome, Store, Tail},
};

#[expect(unreachable_pub, reason = "it is the example in the documentation, too")]
mod payments {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/payments.rs"));
}
use payments::{Payment, Payments, Risk};

struct Halves(ModelVersion);

impl Scorer<Payments> for Halves {
    fn version(&self) -> &ModelVersion {
        &self.0
    }

    fn score(&self, payments: &[Payment], risks: &mut Vec<Risk>) {
        risks.extend(payments.iter().map(|payment| Risk(payment.amount / 2.0)));
    }
}

const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();

fn task(id: &str, stamp: &str, amount: serde_json::Value) -> Task {
    let serde_json::Value::Object(message) = json!({ "UUID": id, "Amount": amount, "At": stamp }) else { panic!() };
    Task { id: id.to_owned(), stamp: stamp.to_owned(), message }
}

fn temporary() -> (tempfile::TempDir, Arc<dyn Store<Payments>>) {
    let dir = tempfile::tempdir().unwrap();
    let store = store::open::<Payments>(&format!("sqlite:{}/test.db", dir.path().display())).unwrap();
    (dir, store)
}

fn answer_all(store: &dyn Store<Payments>, model: &str) -> Counts {
    run(store, &Halves(ModelVersion::new(model)), DAY, |_| {}).unwrap()
}

fn results(store: &dyn Store<Payments>) -> Vec<(String, f64, String)> {
    let page = store.batches().unwrap().results(DAY, &Place::default(), 10_000).unwrap();
    let of = |row: &serde_json::Map<String, serde_json::Value>| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("UUID"), row["Risk"].as_f64().unwrap(), text("ModelVersion"))
    };
    page.rows.iter().map(of).collect()
}

/// More tasks than a page, of which many have one stamp.
#[test]
fn rule_1_a_task_is_answered_once_and_the_first_result_stands() {
    let (_dir, store) = temporary();
    let batches = store.batches().unwrap();
    let stamp = |n: u32| format!("2026-11-28T10:00:0{}", n / 900);
    let mut tasks: Vec<_> = (0..2300).map(|n| task(&n.to_string(), &stamp(n), n.into())).collect();
    tasks.push(task("before", "2026-11-27T23:59:59", 1.into()));
    tasks.push(task("after", "2026-11-29T00:00:00", 1.into()));
    assert_eq!(batches.add(&tasks), Ok(vec![]));
    let answered = Counts { answered: 2300, rejected: 0 };
    let mut told = Vec::new();
    let counts = run(&*store, &Halves(ModelVersion::new("first")), DAY, |counts| told.push(counts.answered)).unwrap();
    assert_eq!((counts, told), (answered, vec![1000, 2000, 2300]));
    batches.add(&[task("late", "2026-11-28T23:00:00", 8.into())]).unwrap();
    assert_eq!(answer_all(&*store, "second"), Counts { answered: 2301, ..answered });
    let first = (0..2300).map(|n| (n.to_string(), f64::from(n) / 2.0, "first".to_owned()));
    let expected: Vec<_> = first.chain([("late".to_owned(), 4.0, "second".to_owned())]).collect();
    assert_eq!(results(&*store), expected);
    assert_eq!(batches.counts(DAY).unwrap(), DayCounts { tasks: 2301, results: 2301 });
}

#[test]
fn rule_2_a_task_that_is_no_request_is_rejected_and_delays_no_other() {
    let (_dir, store) = temporary();
    let batches = store.batches().unwrap();
    let tasks = [("good", "10", 1.into()), ("bad", "11", "much".into()), ("also good", "12", 3.into())];
    let tasks = tasks.map(|(id, hour, amount)| task(id, &format!("2026-11-28T{hour}"), amount));
    batches.add(&tasks).unwrap();
    assert_eq!(answer_all(&*store, "m"), Counts { answered: 2, rejected: 1 });
    assert_eq!(results(&*store).iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), ["good", "also good"]);
    let outcome = store.lookup().unwrap().find("bad").unwrap();
    assert_eq!(outcome, Some(Outcome::Rejected("Amount: is missing".to_owned())));
    assert_eq!(store.lookup().unwrap().find("good").unwrap(), None, "results are kept apart from answers");
}

/// A store whose calls fail some times first.
struct Flaky {
    inner: Arc<dyn Store<Payments>>,
    failures: AtomicU32,
    needs_operator: bool,
}

impl Flaky {
    fn fail(&self) -> Result<(), Unavailable> {
        let left = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let error = Unavailable { reason: "down".to_owned(), needs_operator: self.needs_operator };
        if left.is_ok() { Err(error) } else { Ok(()) }
    }
}

impl Store<Payments> for Flaky {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer<Payments>>>, Unavailable> {
        self.inner.answers()
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        self.inner.rejections()
    }

    fn batches(&self) -> Result<Box<dyn Batches>, Unavailable> {
        self.fail()?;
        self.inner.batches()
    }

    fn results(&self) -> Result<Box<dyn Writer<BatchAnswer<Payments>>>, Unavailable> {
        self.fail()?;
        self.inner.results()
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        self.inner.lookup()
    }

    fn inspect(&self) -> Vec<Finding> {
        self.inner.inspect()
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<Payments>>, Unavailable> {
        self.inner.tail(since)
    }
}

#[test]
fn rule_3_a_store_that_is_down_is_retried_unless_only_an_operator_can_help() {
    let (_dir, inner) = temporary();
    inner.batches().unwrap().add(&[task("a", "2026-11-28T10", 1.into())]).unwrap();
    let flaky = |needs_operator| Flaky { inner: Arc::clone(&inner), failures: AtomicU32::new(3), needs_operator };
    let error = run(&flaky(true), &Halves(ModelVersion::new("m")), DAY, |_| {}).unwrap_err();
    assert_eq!(error.reason, "down");
    assert_eq!(answer_all(&flaky(false), "m"), Counts { answered: 1, rejected: 0 });
}
