//! The score dataflow: reads requests from a log, scores them, and writes the answers to a store.
//!
//! ```text
//!             ┌──────────────────────────────── offset commit ◀───────────────────────────────┐
//!             ▼                                     ▼ which model (Schedule, see `swap`)       │
//!  log ──▶ ReadLog ──▶ [Exchange] ──▶ Decode ──▶ Score ──▶ LandAnswers ───────────────────────┤ durable
//!                                       │                       │ refused permanently         │ frontier
//!                                       └─ malformed ───────────┴─▶ LandDeadLetters ──────────┤ (probe)
//!                                                               └─▶ LandRejections ───────────┘
//! ```
//!
//! Answers and rejections can also become messages of an output topic (`messages`), beside the store or instead of it.
//! The requests of a domain whose answers can be followed go on from `Score` to `follow`, too, which has the rules.
//!
//! # The rules
//!
//! Each has a test of its number in `tests/score_rules.rs`.
//!
//! 1. Worker w of n reads the partitions p with p mod n = w. Every record that a reader returns is processed.
//! 2. A timestamp is milliseconds of the [`ClusterClock`]. A source holds one capability and downgrades it every
//!    [`TICK`], with or without traffic. Records are sent at once, under the open batch's timestamp: data never waits
//!    for a tick.
//! 3. A source remembers (timestamp, next offset per partition) for each batch. A sink holds a batch's capability until
//!    its store has acknowledged the batch. One probe follows all three sinks.
//! 4. When the probe has passed a timestamp, its offsets are committed, and nothing else commits offsets. So the
//!    records below a committed offset are always durable.
//! 5. The first answer wins: writing an answer again changes nothing. Delivery is at least once, and effectively once.
//! 6. A record that cannot be decoded, or that the store refuses permanently, becomes a dead letter, which is durable
//!    before its offset is committed. If its UUID is known, a rejection is stored under it. It never stops a worker.
//! 7. Records in flight are bounded in number and bytes; at the bound a source stops reading. Workers wait while the
//!    log or the store is unavailable.
//! 8. A record is scored by the worker that read it, unless there are fewer partitions than workers.
//! 9. On stop a source reads no more, and the workers leave together when all records that they have read are durable
//!    and committed. After [`Config::drain`] each leaves alone; it does not commit records that are not durable.
//!
//! A model is replaced without a pause, at one timestamp on all workers: `swap` has the rules.

mod clock;
mod commit;
mod connections;
mod counters;
mod follow;
mod generation;
mod infer;
mod land;
mod liveness;
mod messages;
mod named;
mod observe;
mod run;
mod shadow;
mod source;
mod swap;

use std::rc::Rc;

use engine::{domain::Domain, log::Position};
use timely::dataflow::{
    ProbeHandle, Scope,
    operators::{Concat, Exchange, Probe},
};

pub(crate) use clock::Ticker;
pub use clock::{ClusterClock, TICK, Timestamp};
pub use commit::InFlightSize;
pub(crate) use connections::DeferredActivator;
pub use connections::{Connections, StatusSource};
pub use counters::{
    Counter, Counters, DeadLetterCounter, Gauge, Lag, Latency, LatencyHistogram, Level, ModelsInUse, ShadowCounters,
};
pub use follow::{FOLLOWED_MAX, IDLE_EVERY, TURN};
pub use generation::{Config, Error};
pub use liveness::Workers;
pub use observe::{Events, Observer, StateProgress};
pub use run::{partitions, run, run_in_cluster};
pub use shadow::WAITING_MAX as SHADOW_WAITING_MAX;
pub use swap::{LEAD, Models};

use connections::{AnswerIo, WorkerIo};
use generation::Shared;
use infer::DeadRecord;
use land::{Landed, land, log_lost};
use named::flat_map;
use source::Record;
use swap::SharedSchedule;

/// Builds one worker's part. The probe passes a timestamp when all records read under it are durable.
fn build<D: Domain>(
    scope: Scope<'_, Timestamp>,
    worker_io: WorkerIo<D>,
    schedule: SharedSchedule<D>,
    rebalance: bool,
    shared: &Shared<D>,
) -> ProbeHandle<Timestamp> {
    let mut messages = source::read_log(scope, worker_io.reader, shared);
    if rebalance {
        messages = messages.exchange(|record: &Record| position_hash(record.message.position));
    }
    let (requests, unreadable) = infer::decode::<D>(messages);
    let answers = infer::score(requests, Rc::clone(&schedule), shared);
    let (answers, versions_landed) = match worker_io.follow {
        None => (answers, None),
        Some(follow_io) => {
            let [all, followed] = follow::take_followed(answers, follow_io.follow);
            (all, Some(follow::follow(followed, follow_io, schedule, shared)))
        }
    };
    let (refused, messages) = match worker_io.answers {
        AnswerIo::Store(store) => (Some(land(answers, "LandAnswers", store, shared, count_answers)), None),
        AnswerIo::Both(store, output) => {
            let (answers, messages) = messages::beside(answers);
            (Some(land(answers, "LandAnswers", store, shared, count_answers)), Some((messages, output, false)))
        }
        AnswerIo::Output(output) => (None, Some((messages::instead(answers), output, true))),
    };

    let dead = match refused {
        Some(refused) => unreadable.concat(flat_map(refused, "Refused", |row| [DeadRecord::refused(row)])),
        None => unreadable,
    };
    let messages_landed = messages.map(|(messages, output, counts_answers)| {
        messages::land_messages(messages, dead.clone(), output, shared, counts_answers)
    });
    let rejections = flat_map(dead.clone(), "Rejections", DeadRecord::rejection);
    let dead_letters = flat_map(dead, "DeadLetters", |dead| [dead.into_dead_letter()]);
    let lost_letters = land(dead_letters, "LandDeadLetters", worker_io.dead_letters, shared, |shared, letters| {
        letters.for_each(|kind| shared.counters.dead_letters.add(kind));
    });
    let lost_rejections = land(rejections, "LandRejections", worker_io.rejections, shared, |shared, rejections| {
        shared.counters.rejections.add(rejections.count());
    });

    let lost = log_lost(lost_letters).concat(log_lost(lost_rejections));
    let others = messages_landed.into_iter().chain(versions_landed);
    let settled = others.fold(lost, |settled, other| settled.concat(other));
    let (probe, _) = settled.probe();
    probe
}

/// Returns the number that determines the worker of a record that is exchanged.
fn position_hash(position: Position) -> u64 {
    u64::from(position.partition.0) ^ position.offset.0
}

/// Returns whether a worker answers the requests at a position: the one that reads it, unless it is exchanged (rule 8).
fn owns(worker: usize, peers: usize, rebalance: bool, position: Position) -> bool {
    let number = if rebalance { position_hash(position) } else { u64::from(position.partition.0) };
    number % peers as u64 == worker as u64
}

/// Counts the answers that have landed, and their latencies.
fn count_answers<D: Domain>(shared: &Shared<D>, records: Landed<'_, Record>) {
    let landed = count_latency(shared, records.map(|record| record.read_us));
    shared.counters.answers.add(landed);
}

/// Counts the latencies of records that were read at these times, and returns their number. Records that were read
/// together share one update.
fn count_latency<D: Domain>(shared: &Shared<D>, read_us: impl Iterator<Item = u64>) -> usize {
    let (now, mut landed) = (shared.clock.now_us(), 0);
    let (mut group_read_us, mut group_size) = (0, 0);
    for read_us in read_us {
        if read_us != group_read_us {
            shared.counters.latency.add(now.saturating_sub(group_read_us), group_size);
            (group_read_us, group_size) = (read_us, 0);
        }
        group_size += 1;
        landed += 1;
    }
    shared.counters.latency.add(now.saturating_sub(group_read_us), group_size);
    landed
}
