//! Requests made of the bundled flights: their routes, airlines and delays.

use std::sync::{Arc, mpsc};

use anyhow::Context;
use chrono::Utc;
use delaycast::{
    history::{self, Flight},
    request::{Request, encode},
};
use engine::{log::Producer, request::RequestId};
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
    let (report, acknowledged) = mpsc::channel();
    for chunk in requests.chunks(UNACKNOWLEDGED_MAX) {
        for request in chunk {
            let report = report.clone();
            let done = Box::new(move |result| drop(report.send(result)));
            producer.publish(Some(request.id.as_str()), encode(request).into_bytes(), done);
        }
        for _ in chunk {
            acknowledged.recv().context("the producer is gone")??;
        }
    }
    Ok(())
}
