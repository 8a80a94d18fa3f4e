//! Latency from a request to its visible answer, at a steady rate.
//!
//! Successive queries fetch the ids of all answers; an answer is visible when a query has returned it. The latency
//! includes the query. Visible answers are deleted, some at a time: FerretDB scans the collection for any query, and
//! the scan would dominate.

use std::{
    collections::HashMap,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use delaycast::{domain::Flights, request::encode};
use engine::log;
use mongodb::bson::{Document, doc};

use super::{
    Options,
    mongo::{ANSWERS, TestDatabase},
    topic::Topic,
};
use crate::{embedded::latency::Times, process::Process, requests};

/// Number of first requests that are left out: they wait for the scorer to start.
const WARM_UP: usize = 100;
/// Pause between two queries.
const PAUSE: Duration = Duration::from_micros(500);
/// Visible answers per deletion.
const SEEN_MAX: usize = 50;
/// Timeout without a new answer.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn measure(options: &Options) -> anyhow::Result<Times> {
    let (topic, database) =
        (Topic::make(&options.servers.kafka, "latency")?, TestDatabase::make(&options.servers.mongo, "latency")?);
    let (url, interval) = (topic.url("latency"), Duration::from_secs(1) / options.requests_per_s.max(1));
    let producer = log::open::<Flights>(&url)?.producer()?;
    let scorer = Process::score_between(&options.target, options.workers, &url, database.url(), &[])?;
    let count = WARM_UP + (options.latency_s * options.requests_per_s) as usize;
    let asked = requests::make(count, 2)?;
    let (report_asked, asked_at) = mpsc::channel();
    let (report_logged, logged_at) = mpsc::channel();
    let asking = thread::spawn(move || {
        let mut next = Instant::now();
        for (number, request) in asked.iter().enumerate() {
            if number == WARM_UP {
                next += Duration::from_secs(3);
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += interval;
            // The time starts when the producer gets the request: a late publisher does not add to the latency.
            let (now, report) = (Instant::now(), report_logged.clone());
            let done = Box::new(move |result: Result<_, _>| drop(report.send((number, result.map(|_| now.elapsed())))));
            let _ = report_asked.send((request.id.as_str().to_owned(), number, now));
            producer.publish(Some(request.id.as_str()), encode(request).into_bytes(), done);
        }
    });
    let visible = watch(&database, count, &asked_at)?;
    drop(asking.join());
    let mut acknowledged = Vec::new();
    while let Ok((number, time)) = logged_at.recv_timeout(DEADLINE) {
        let time = time?;
        if number >= WARM_UP {
            acknowledged.push(time);
        }
    }
    drop(scorer);
    Ok(Times { acknowledged, visible })
}

/// Returns each request's latency, without the warm-up.
fn watch(
    database: &TestDatabase,
    count: usize,
    asked_at: &mpsc::Receiver<(String, usize, Instant)>,
) -> anyhow::Result<Vec<Duration>> {
    let answers = database.handle.collection::<Document>(ANSWERS);
    let (mut open, mut seen, mut done) = (HashMap::new(), Vec::new(), 0);
    let (mut times, mut last) = (Vec::with_capacity(count), Instant::now());
    while done < count {
        let (ids, at) = database.runtime.block_on(async {
            let mut cursor = answers.find(doc! {}).projection(doc! { "_id": 1 }).await?;
            let mut ids: Vec<String> = Vec::new();
            while cursor.advance().await? {
                ids.extend(cursor.current().get_str("_id").map(str::to_owned));
            }
            mongodb::error::Result::Ok((ids, Instant::now()))
        })?;
        open.extend(asked_at.try_iter().map(|(id, number, asked)| (id, (number, asked))));
        for id in ids {
            if let Some((number, asked)) = open.remove(&id) {
                (done, last) = (done + 1, at);
                if number >= WARM_UP {
                    times.push(at.duration_since(asked));
                }
                seen.push(id);
            }
        }
        if seen.len() >= SEEN_MAX {
            let ids = std::mem::take(&mut seen);
            database.runtime.block_on(answers.delete_many(doc! { "_id": { "$in": ids } }).into_future())?;
        }
        ensure!(last.elapsed() < DEADLINE, "no answer: {done} of {count} seen");
        thread::sleep(PAUSE);
    }
    Ok(times)
}
