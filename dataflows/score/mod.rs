//! Requests in, answers out.
//!
//! ```text
//!             ┌──────────────────────────────── offset commit ◀───────────────────────────────┐
//!             ▼                                     ▼ which model (Schedule, see `swap`)       │
//!  log ──▶ ReadLog ──▶ [Exchange] ──▶ Decode ──▶ Score ──▶ LandAnswers ───────────────────────┤ durable
//!                                       │                       │ refused for good            │ frontier
//!                                       └─ cannot be read ──────┴─▶ LandDeadLetters ──────────┤ (probe)
//!                                                               └─▶ LandRejections ───────────┘
//! ```
//!
//! # The rules
//!
//! Each has a test of its number in `tests/score_rules.rs`.
//!
//! 1. Worker w of n reads the partitions p with p mod n = w. What a reader yields is processed, whatever else happens.
//! 2. A timestamp is milliseconds of the [`ClusterClock`]. A source holds one capability and downgrades it every
//!    [`TICK`], traffic or not. Records leave at once, under the open batch's timestamp: data never waits for a tick.
//! 3. A source remembers (timestamp, next offset per partition) for each batch. A sink holds a batch's capability until
//!    its store has acknowledged: the capability is the outstanding obligation. One probe stands behind all three sinks.
//! 4. When the probe has passed a timestamp, its offsets are committed, and nothing else commits offsets. So a
//!    committed offset is always durable.
//! 5. The first answer wins: writing an answer again changes nothing. At-least-once delivery, effectively once.
//! 6. A record that cannot be read, or that the store refuses for good, becomes a dead letter, durable before its offset
//!    is committed; if its UUID is known, a rejection is stored under it. It never stops a worker.
//! 7. Records in flight are bounded in number and bytes; at the bound a source stops reading. An outage of the log or
//!    the store is waited out.
//! 8. Scoring is local to the worker that read the record, unless there are fewer partitions than workers.
//! 9. On stop a source reads no more, and the workers leave together once all that they have read is durable and
//!    committed; after [`Config::drain`] each leaves by itself, without having committed what is not durable.
//!
//! Another model takes effect without a pause, at one timestamp on all workers: `swap` has the rules of that.

mod clock;
mod commit;
mod connections;
mod counters;
mod decode;
mod generation;
mod in_flight;
mod infer;
mod land;
mod latency;
mod liveness;
mod opening;
mod run;
mod shadow;
mod source;
mod swap;
mod wake;
mod work;

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use engine::{
    answer::{Answer, Rejection},
    delivery::Delivery,
    domain::Domain,
    log::{DeadLetter, Message, Reader},
};
use timely::dataflow::{
    ProbeHandle, Scope,
    operators::{Concat, Exchange, Probe, vec::Map},
};

pub use clock::ClusterClock;
pub use connections::Connections;
pub use counters::{Counter, Counters, DeadLetterCounter, Gauge, Lag};
pub use in_flight::InFlightSize;
pub use latency::{Latency, Times};
pub use liveness::Workers;
pub use run::{Config, Error, partitions, run, run_in_cluster};
pub use shadow::{Compared, WAITING_MAX as SHADOW_WAITING_MAX};
pub use swap::{LEAD, Models, ModelsInUse};

use decode::DeadRecord;
use in_flight::SharedInFlight;
use land::{Landed, land, lose};
use shadow::ShadowQueue;
use source::Record;
use swap::SharedSchedule;
use wake::LateWaker;

/// How often a source closes its batch and downgrades its capability.
pub const TICK: Duration = Duration::from_millis(10);

/// The timestamps of the score dataflow: milliseconds of the [`ClusterClock`].
pub type Timestamp = u64;

/// What one worker's part of the dataflow reads from and writes to, each with the waker that it was opened with.
struct WorkerIo<D: Domain> {
    reader: (Rc<RefCell<Box<dyn Reader>>>, LateWaker),
    answers: (Delivery<Answer<D>>, LateWaker),
    dead_letters: (Delivery<DeadLetter>, LateWaker),
    rejections: (Delivery<Rejection>, LateWaker),
}

/// What the operators of one worker share.
struct Shared<D: Domain> {
    clock: ClusterClock,
    in_flight: SharedInFlight,
    counters: Arc<Counters>,
    shadow_queue: Option<ShadowQueue<D>>,
}

impl<D: Domain> Clone for Shared<D> {
    fn clone(&self) -> Self {
        let Shared { clock, in_flight, counters, shadow_queue } = self;
        let (in_flight, counters) = (Rc::clone(in_flight), Arc::clone(counters));
        Shared { clock: *clock, in_flight, counters, shadow_queue: shadow_queue.clone() }
    }
}

/// Builds one worker's part. The probe passes a timestamp once everything read under it is durable.
fn build<D: Domain>(
    scope: Scope<'_, Timestamp>,
    worker_io: WorkerIo<D>,
    schedule: SharedSchedule<D>,
    rebalance: bool,
    shared: &Shared<D>,
) -> ProbeHandle<Timestamp> {
    let mut messages = source::read_log(scope, worker_io.reader, shared);
    if rebalance {
        messages = messages.exchange(|Record { message: Message { position, .. }, .. }| {
            u64::from(position.partition.0) ^ position.offset.0
        });
    }
    let (requests, unreadable) = decode::decode::<D>(messages);
    let answers = infer::score(requests, schedule, shared);
    let refused = land(answers, "LandAnswers", worker_io.answers, shared, answered);

    let dead = unreadable.concat(refused.map(DeadRecord::refused));
    let rejections = dead.clone().flat_map(DeadRecord::rejection);
    let dead_letters = dead.map(DeadRecord::into_dead_letter);
    let lost = land(dead_letters, "LandDeadLetters", worker_io.dead_letters, shared, |shared, letters| {
        letters.for_each(|kind| shared.counters.dead_letters.add(kind));
    });
    let untold = land(rejections, "LandRejections", worker_io.rejections, shared, |shared, rejections| {
        shared.counters.rejections.add(rejections.count());
    });

    let (probe, _) = lose(lost).concat(lose(untold)).probe();
    probe
}

/// Counts answers that have landed, and how long their records took. What was read together is looked up together.
fn answered<D: Domain>(shared: &Shared<D>, records: Landed<'_, Record>) {
    let (now, mut landed) = (shared.clock.now_us(), 0);
    let mut together = (0, 0);
    for Record { read_us, .. } in records {
        if *read_us != together.0 {
            shared.counters.latency.add(now.saturating_sub(together.0), together.1);
            together = (*read_us, 0);
        }
        together.1 += 1;
        landed += 1;
    }
    shared.counters.latency.add(now.saturating_sub(together.0), together.1);
    shared.counters.answers.add(landed);
}
