//! The steps of a request that are counted.
//!
//! Each prepares its input, and then does its work for as many requests as it is told. Of a step on one thread the work
//! alone is counted. Steps with threads are counted whole: they prepare the same input for any number of requests, so
//! that the difference of two counts is that of the work alone.

use std::{
    fs,
    hint::black_box,
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use delaycast::{
    classifier::Classifier,
    domain::{Answer, Flights},
    features::{FeatureSet, KnownInputs, Query},
    model::Model,
    request::{Request, decode},
};
use engine::{
    answer::ModelVersion,
    delivery::Health,
    document::to_text,
    domain::Domain,
    live::Live,
    log::{self, DeadLetter, Message, Offset, PartitionId, Payload, Position, Share, Start},
    store,
};

use rdkafka::mocking::MockCluster;

use crate::fixture::{Fixture, READ_TIMES, moment, publish};

/// Requests that are scored together, and rows of a write. It divides both numbers of requests.
const BATCH: usize = 500;
/// Messages of a poll, as many as the dataflow asks for.
const POLL_MAX: usize = 2048;
/// Time without a message after which all of them are taken to be fetched.
const QUIET: Duration = Duration::from_millis(500);
/// Timeout of a read.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// A step.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Fixture, usize) -> anyhow::Result<()>,
    /// True if the work is done by several threads.
    pub(crate) has_threads: bool,
    /// Times that the work of a request is done.
    pub(crate) times: usize,
}

impl Step {
    const fn new(name: &'static str, run: fn(&Fixture, usize) -> anyhow::Result<()>) -> Self {
        Step { name, run, has_threads: false, times: 1 }
    }

    const fn threaded(name: &'static str, times: usize, run: fn(&Fixture, usize) -> anyhow::Result<()>) -> Self {
        Step { name, run, has_threads: true, times }
    }
}

/// The function that callgrind counts in, as it names it.
pub(crate) const COUNTED: &str = "delaycast_guard::steps::counted";

/// Does the work of a step on one thread.
#[inline(never)]
fn counted(work: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    // The result is looked at, so that the call is no jump, and the work is inside of this function.
    black_box(work())
}

/// All steps, in the order of a request.
pub(crate) const ALL: &[Step] = &[
    Step::threaded("read", READ_TIMES, read),
    Step::new("read-kafka", read_kafka),
    Step::new("decode", decode_requests),
    Step::new("event", decode_events),
    Step::new("observe", observe),
    Step::new("encode", |data, count| encode(&data.model()?, &data.requests()?[..count])),
    Step::new("forest", |data, count| forest(&data.model()?, &data.requests()?[..count])),
    Step::new("score", |data, count| score(&data.model()?, &data.requests()?[..count])),
    Step::new("score-live", |data, count| score(&data.model()?, &data.observed_requests()?[..count])),
    Step::new("explain", |data, count| score(&data.explaining_model()?, &data.requests()?[..count])),
    Step::new("explain-live", |data, count| score(&data.explaining_model()?, &data.observed_requests()?[..count])),
    Step::new("render", |data, count| render(&explained(data, data.requests()?)?[..count])),
    Step::new("render-plain", |data, count| render(&plain(data, data.requests()?)?[..count])),
    Step::new("render-live", |data, count| render(&explained(data, data.observed_requests()?)?[..count])),
    Step::new("render-bson", |data, count| render_bson(&explained(data, data.requests()?)?[..count])),
    Step::threaded("land", 1, |data, count| land(data, &explained(data, data.requests()?)?[..count])),
    Step::threaded("land-plain", 1, |data, count| land(data, &plain(data, data.requests()?)?[..count])),
    Step::threaded("dead-letter", 1, dead_letters),
];

/// Returns the step of a name.
pub(crate) fn find(name: &str) -> anyhow::Result<&'static Step> {
    let names = || ALL.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    ALL.iter().find(|step| step.name == name).with_context(|| format!("no step is called {name}: {}", names()))
}

/// Reads messages from the embedded log: the thread that prefetches, and the polls.
fn read(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let path = data.new_file("read", count);
    fs::copy(data.log(count), &path)?;
    let log = log::open_existing::<Flights>(&format!("sqlite:{}", path.display()))?;
    let (wake, woken) = mpsc::channel();
    let health = Arc::new(Health::new(log.describe()));
    let mut reader = log.reader(Share::ALL, Start::Committed, Arc::new(move || _ = wake.send(())), health)?;
    let (mut messages, mut read) = (Vec::with_capacity(POLL_MAX), 0);
    while read < count * READ_TIMES {
        woken.recv_timeout(READ_TIMEOUT).context("nothing is read")?;
        while reader.poll(POLL_MAX, &mut messages) {}
        read += black_box(&messages).len();
        messages.clear();
    }
    ensure!(read == count * READ_TIMES, "{read} messages were read of {count}");
    Ok(())
}

/// Reads messages from a broker that librdkafka plays in this process. The polls alone are counted, with the copy of
/// each message; fetching is done by librdkafka's threads, at times of their own.
fn read_kafka(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let broker = MockCluster::new(1)?;
    broker.create_topic("requests", 1, 1)?;
    let log = log::open::<Flights>(&format!("kafka://{}/requests?group=guard", broker.bootstrap_servers()))?;
    publish(&*log.producer()?, data.messages()?.into_iter().take(count))?;
    let (wake, woken) = mpsc::channel();
    let health = Arc::new(Health::new(log.describe()));
    let mut reader = log.reader(Share::ALL, Start::Committed, Arc::new(move || _ = wake.send(())), health)?;
    let mut messages = Vec::with_capacity(POLL_MAX);
    while messages.len() < count {
        woken.recv_timeout(READ_TIMEOUT).context("nothing is read")?;
        // The messages come in a few polls, as on a busy system, and not one by one as they are fetched.
        while woken.recv_timeout(QUIET).is_ok() {}
        counted(&mut || {
            while reader.poll(POLL_MAX, &mut messages) {}
            Ok(())
        })?;
    }
    ensure!(messages.len() == count, "{} messages were read of {count}", messages.len());
    Ok(())
}

fn decode_requests(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let messages = data.messages()?;
    counted(&mut || {
        for message in &messages[..count] {
            let Ok(request) = decode(black_box(message)) else { bail!("a request cannot be decoded") };
            black_box(&request);
        }
        Ok(())
    })
}

fn decode_events(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let messages = data.events()?;
    counted(&mut || {
        for message in &messages[..count] {
            let Ok(event) = Flights::decode_event(black_box(message)) else { bail!("an event cannot be decoded") };
            black_box(&event);
        }
        Ok(())
    })
}

/// Gives requests what the state of events knows of them.
fn observe(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let (state, mut requests) = (data.state()?, data.live_requests()?);
    counted(&mut || {
        for request in &mut requests[..count] {
            Flights::observe(&state, request, 0);
            black_box(&request);
        }
        Ok(())
    })
}

/// Encodes requests as the rows of a forest.
fn encode(model: &Model, requests: &[Request]) -> anyhow::Result<()> {
    let (features, airports) = (model.features(), model.airports());
    let mut rows = Vec::with_capacity(BATCH * features.width());
    counted(&mut || {
        for batch in requests.chunks(BATCH) {
            rows.clear();
            for request in batch {
                black_box(features.encode(&Query::from(request), airports, &mut rows));
            }
            black_box(&rows);
        }
        Ok(())
    })
}

/// The rows of a batch that one forest answers.
struct Rows<'a> {
    classifier: &'a Classifier,
    rows: Vec<f32>,
}

/// Has the forests answer rows: each those of its batch that have its inputs.
fn forest(model: &Model, requests: &[Request]) -> anyhow::Result<()> {
    let rows: Vec<Rows<'_>> = requests.chunks(BATCH).flat_map(|batch| rows(model, batch)).collect();
    counted(&mut || {
        for rows in &rows {
            black_box(rows.classifier.predictions(black_box(&rows.rows)));
        }
        Ok(())
    })
}

fn rows<'a>(model: &'a Model, batch: &[Request]) -> Vec<Rows<'a>> {
    let (features, classifiers): (&FeatureSet, _) = (model.features(), model.classifiers());
    let of = |(given, classifier): (KnownInputs, &'a Classifier)| {
        let mut rows = Vec::new();
        for request in batch {
            let before = rows.len();
            let encoded = features.encode(&Query::from(request), model.airports(), &mut rows);
            if classifiers.best_for(encoded.inputs).0 != given {
                rows.truncate(before);
            }
        }
        Rows { classifier, rows }
    };
    classifiers.iter().map(of).collect()
}

/// Scores requests in batches, as the dataflow does: encodes them, asks the forests, makes scores.
fn score(model: &Model, requests: &[Request]) -> anyhow::Result<()> {
    let mut scores = Vec::with_capacity(BATCH);
    counted(&mut || {
        for batch in requests.chunks(BATCH) {
            model.score(black_box(batch), &mut scores);
            black_box(&scores);
            scores.clear();
        }
        Ok(())
    })
}

/// Answers requests, with explanations.
fn explained(data: &Fixture, requests: Vec<Request>) -> anyhow::Result<Vec<Answer>> {
    Ok(answers(&data.explaining_model()?, requests))
}

/// Answers requests, without explanations.
fn plain(data: &Fixture, requests: Vec<Request>) -> anyhow::Result<Vec<Answer>> {
    Ok(answers(&data.model()?, requests))
}

fn answers(model: &Model, requests: Vec<Request>) -> Vec<Answer> {
    let (version, mut scores) = (ModelVersion::new("20130614T000000000Z-00000000"), Vec::with_capacity(requests.len()));
    model.score(&requests, &mut scores);
    let answer = |(request, score)| Answer { request, score, model: version.clone(), scored_at: moment() };
    requests.into_iter().zip(scores).map(answer).collect()
}

/// Renders answers as the embedded store does.
fn render(answers: &[Answer]) -> anyhow::Result<()> {
    counted(&mut || {
        for answer in answers {
            black_box(to_text(&black_box(answer).to_document()));
        }
        Ok(())
    })
}

/// Renders answers as the store in MongoDB and its driver do.
fn render_bson(answers: &[Answer]) -> anyhow::Result<()> {
    counted(&mut || {
        for answer in answers {
            black_box(store::mongo::to_bson(&black_box(answer).to_document()));
        }
        Ok(())
    })
}

/// Writes answers into the embedded store, each batch in a transaction; the writing thread is counted, too.
fn land(data: &Fixture, answers: &[Answer]) -> anyhow::Result<()> {
    let path = data.new_file("land", answers.len());
    let mut writer = store::open::<Flights>(&format!("sqlite:{}", path.display()))?.answers()?;
    for batch in answers.chunks(BATCH) {
        let refused = writer.write(batch)?;
        ensure!(refused.is_empty(), "the store refuses answers: {refused:?}");
    }
    Ok(())
}

/// Decodes messages that are no requests, and writes them as dead letters into the embedded log.
fn dead_letters(data: &Fixture, count: usize) -> anyhow::Result<()> {
    let messages = data.broken()?;
    let path = data.new_file("dead-letters", count);
    let mut writer = log::open::<Flights>(&format!("sqlite:{}", path.display()))?.dead_letters()?;
    let mut offset = 0;
    for batch in messages[..count].chunks(BATCH) {
        let mut letters = Vec::with_capacity(BATCH);
        for message in batch {
            let Err(malformed) = Flights::decode(message) else { bail!("a broken message can be decoded") };
            let position = Position { partition: PartitionId(0), offset: Offset(offset) };
            let message = Message { position, payload: Payload::new(message.clone()), attempt: 0, topic_id: None };
            letters.push(DeadLetter::new(message, malformed.id, malformed.reason, malformed.kind.into()));
            offset += 1;
        }
        let refused = writer.write(&letters)?;
        ensure!(refused.is_empty(), "the log refuses dead letters: {refused:?}");
    }
    Ok(())
}
