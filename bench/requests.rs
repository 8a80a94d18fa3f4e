//! Requests made of the bundled flights: their routes, airlines and delays.

use std::sync::{Arc, mpsc};

use anyhow::Context;
use chrono::Utc;
use delaycast::{
    history::{self, Flight},
    request::{Request, encode},
};
use engine::{
    log::{Position, Producer, PublishError},
    request::RequestId,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Upper bound on the unacknowledged messages.
const UNACKNOWLEDGED_MAX: usize = 2048;

/// Makes requests about random flights, the same for a seed.
pub(crate) fn make(count: usize, seed: u64) -> anyhow::Result<Vec<Request>> {
    let flights = history::bundled()?.flights;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Ok((0..count).map(|_| about(&flights[random.random_range(0..flights.len())])).collect())
}

/// A request about a flight as the page makes it: without the flight number.
pub(crate) fn about(flight: &Flight) -> Request {
    Request {
        dep_delay: flight.dep_delay.map(f64::from),
        distance: flight.distance.map(f64::from),
        asked_at: Some(Utc::now().naive_utc()),
        ..Request::new(RequestId::random(), flight.carrier, flight.origin, flight.dest, flight.date)
    }
}

/// Publishes requests; returns once all are acknowledged.
pub(crate) fn publish(producer: &Arc<dyn Producer>, requests: &[Request]) -> anyhow::Result<()> {
    publish_all(producer, requests.iter().map(|request| (Some(request.id.as_str()), encode(request).into_bytes())))
}

/// Publishes messages, each with its key; returns once all are acknowledged.
pub(crate) fn publish_all<'a>(
    producer: &Arc<dyn Producer>,
    messages: impl Iterator<Item = (Option<&'a str>, Vec<u8>)>,
) -> anyhow::Result<()> {
    let (report, acknowledged) = mpsc::channel();
    let mut waiting = 0;
    for (key, payload) in messages {
        let report = report.clone();
        producer.publish(key, payload, Box::new(move |result| drop(report.send(result))));
        waiting += 1;
        if waiting == UNACKNOWLEDGED_MAX {
            wait_for(&acknowledged, std::mem::take(&mut waiting))?;
        }
    }
    wait_for(&acknowledged, waiting)
}

fn wait_for(acknowledged: &mpsc::Receiver<Result<Position, PublishError>>, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        acknowledged.recv().context("the producer is gone")??;
    }
    Ok(())
}
