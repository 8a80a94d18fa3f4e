//! Card payments on the engine: a payment comes in, its risk of fraud goes out. docs/your-own-domain.md explains it.

use std::{borrow::Cow, path::Path, sync::Arc, thread, time::Duration};

use anyhow::Context;
use chrono::Utc;
use delaycast_dataflows::{
    score::{self, Connections, Counters, Models},
    watch::{self, Key, SnapshotCell, Sources},
};
use engine::{
    document::{Document, Value},
    domain::{Answer, Collections, Dimension, Domain, Field},
    log::{self, DeadLetterKinds, LetterLog, Log},
    model::{self, DesiredModels, FileLoader, ModelDir, ModelFile, Predict, Role, Watcher},
    request::{Malformed, MalformedKind, RequestId},
    runtime::Stop,
    store,
};
use serde::{Deserialize, Serialize};

/// The domain.
#[derive(Debug, Clone, PartialEq)]
struct Payments;

/// A payment.
#[derive(Debug, Clone, PartialEq)]
struct Payment {
    id: RequestId,
    country: String,
    amount: f64,
}

/// The probability of fraud.
#[derive(Debug, Clone, PartialEq)]
struct Risk(f64);

fn verdict(risk: &Risk) -> &'static str {
    if risk.0 < 0.5 { "accept" } else { "review" }
}

impl Domain for Payments {
    type Request = Payment;
    type Score = Risk;
    /// The verdict and the country.
    type Labels = (String, String);

    const MESSAGE_BYTES_MAX: usize = 4096;
    const FIELDS: &'static [&'static str] = &["UUID", "Country", "Amount"];
    const COLLECTIONS: Collections =
        Collections::new("payments", ["payment_risk", "payment_rejection", "payment_shadow"]);
    const DIMENSIONS: &'static [Dimension] =
        &[Dimension { field: "Verdict", is_open: false }, Dimension { field: "Country", is_open: true }];

    fn decode(message: &[u8]) -> Result<Payment, Malformed> {
        let not_json = |error| Malformed::new(None, MalformedKind::NotJson, format!("{error}"));
        let message: serde_json::Value = serde_json::from_slice(message).map_err(not_json)?;
        let id = message["UUID"].as_str().and_then(|id| RequestId::new(id).ok());
        let missing = |field| Malformed::new(id.clone(), MalformedKind::Field(field), format!("{field}: is missing"));
        let country = message["Country"].as_str().filter(|name| name.len() == 2).ok_or_else(|| missing("Country"))?;
        let amount = message["Amount"].as_f64().filter(|amount| *amount > 0.0).ok_or_else(|| missing("Amount"))?;
        Ok(Payment { id: id.clone().ok_or_else(|| missing("UUID"))?, country: country.to_owned(), amount })
    }

    fn id(payment: &Payment) -> &RequestId {
        &payment.id
    }

    fn document(Answer { request, score, model, scored_at }: &Answer<Self>) -> Document<'_> {
        vec![
            ("_id", Value::text(request.id.as_str())),
            ("UUID", Value::text(request.id.as_str())),
            ("Country", Value::text(&request.country)),
            ("Amount", Value::Double(request.amount)),
            ("Risk", Value::Double(score.0)),
            ("Verdict", Value::text(verdict(score))),
            ("ModelVersion", Value::text(model.as_str())),
            ("ScoredAt", Value::Date(*scored_at)),
        ]
    }

    fn labels(fields: &[Field<'_>]) -> Option<(String, String)> {
        Some((fields.first()?.text()?.to_owned(), fields.get(1)?.text()?.to_owned()))
    }

    fn label((verdict, country): &(String, String), dimension: usize) -> Cow<'_, str> {
        Cow::Borrowed(if dimension == 0 { verdict } else { country })
    }
}

/// A linear model, kept in a small file of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LinearModel {
    bias: f64,
    per_thousand: f64,
}

impl ModelFile for LinearModel {
    type Error = serde_json::Error;

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Predict<Payments> for LinearModel {
    fn predict(&self, payments: &[Payment], risks: &mut Vec<Risk>) {
        let weigh = |payment: &Payment| self.bias + self.per_thousand * payment.amount / 1000.0;
        risks.extend(payments.iter().map(|payment| Risk(1.0 / (1.0 + (-weigh(payment)).exp()))));
    }
}

/// Runs a scorer on a log and a store in one file of `dir`, and returns the counts of its work.
fn run(dir: &Path) -> anyhow::Result<serde_json::Value> {
    let url = format!("sqlite:{}?topic=payments&partitions=4", dir.join("payments.db").display());
    let (log, store) = (log::open::<Payments>(&url)?, store::open::<Payments>(&url)?);
    let models = ModelDir::new(dir.join("models"));
    let first = models.publish(LinearModel { bias: -4.0, per_thousand: 1.0 }, Utc::now())?;
    let (stop, desired, snapshots) = (Stop::default(), DesiredModels::default(), Arc::new(SnapshotCell::default()));
    let watcher = Watcher::new(models.clone(), Role::Current, Some(first.version.clone()));
    model::watch(vec![watcher], &desired, stop.clone(), |_, _| ())?;
    let scorer = Models::new(Arc::new(first), &desired, Arc::new(FileLoader::<LinearModel>::default()));
    let (counters, connections) = (Arc::new(Counters::of::<Payments>()), Connections::new(log.clone(), store.clone()));
    let sources = Sources { store: Arc::clone(&store), log: Arc::clone(&log), events: None };
    let (scoring, counting) = (score::Config::new(4), watch::Config::default());
    thread::scope(|threads| {
        let scoring = threads.spawn(|| score::run(&scoring, &connections, &scorer, &counters, &stop));
        threads.spawn(|| watch::run(&counting, &sources, &snapshots, &stop));
        let counts = ask(&*log, &models, &counters, &snapshots);
        stop.request();
        scoring.join().ok().context("a worker panicked")??;
        counts
    })
}

/// Asks about payments, publishes another model meanwhile, and returns the counts once everything is counted.
fn ask(
    log: &dyn Log,
    models: &ModelDir<LinearModel>,
    counters: &Counters,
    snapshots: &SnapshotCell,
) -> anyhow::Result<serde_json::Value> {
    let producer = log.producer()?;
    let ask = |message: &str| producer.publish(None, message.into(), Box::new(|_| ()));
    for n in 0..1000 {
        ask(&format!(r#"{{"UUID":"{n}","Country":"{}","Amount":{}}}"#, ["DE", "FR"][n % 2], 10 * (n + 1)));
    }
    ask("no payment");
    ask(r#"{"UUID":"free","Country":"DE","Amount":0}"#);
    let second = models.publish(LinearModel { bias: -2.0, per_thousand: 1.0 }, Utc::now())?.version;
    until(|| counters.models.get(Role::Current).is_some_and(|(version, _)| version == second))?;
    ask(r#"{"UUID":"last","Country":"IT","Amount":3000}"#);
    let count = |key| snapshots.snapshot().counts.get(&key).copied();
    until(|| (count(Key::Answers), count(Key::DeadLetters(LetterLog::Requests))) == (Some(1001), Some(2)))?;
    let named = |(key, count): (&Key, &isize)| {
        let name = match key {
            Key::Label(dimension, name) => format!("{}: {name}", Payments::DIMENSIONS[usize::from(*dimension)].field),
            Key::Reason(_, kind) => format!("dead letters: {}", DeadLetterKinds::of::<Payments>().name(*kind)),
            Key::Answers => "answers".to_owned(),
            _ => return None,
        };
        Some((name, serde_json::Value::from(*count)))
    };
    Ok(snapshots.snapshot().counts.iter().filter_map(named).collect())
}

/// Waits until something holds, for a minute.
fn until(holds: impl Fn() -> bool) -> anyhow::Result<()> {
    for _ in 0..6000 {
        if holds() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("not within a minute")
}

#[allow(clippy::print_stdout)]
fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    println!("{:#}", run(dir.path())?);
    Ok(())
}

#[cfg(test)]
#[test]
#[allow(clippy::unwrap_used)]
fn payments_are_answered_counted_and_answered_by_another_model() {
    let counts = run(tempfile::tempdir().unwrap().path()).unwrap();
    let of = |name: &str| counts[name].as_i64();
    assert_eq!((of("answers"), of("Country: DE"), of("Country: IT")), (Some(1001), Some(500), Some(1)));
    assert_eq!((of("dead letters: not_json"), of("dead letters: Amount")), (Some(1), Some(1)));
    assert_eq!(of("Verdict: accept").unwrap() + of("Verdict: review").unwrap(), 1001);
}
