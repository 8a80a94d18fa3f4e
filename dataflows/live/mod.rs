//! The live dataflow: the state that events make, kept by each worker, for the requests that it scores.
//!
//! ```text
//!  ReadEvents ──▶ KeepEvents ──▶ Reduce ──▶ Broadcast ──▶ SetState
//!  log to events   each once,     all events               every worker
//!                  for a time     of a subject             has all of it
//! ```
//!
//! `Exhausted` tells the last operator when all workers have read the log to its end.
//!
//! # Rules
//!
//! 1. Each worker reads its share of the log of events, from the earliest message at every start: the log holds the
//!    state, and no other copy of it needs recovery.
//! 2. The events of a subject are a set. One that is repeated changes nothing; one that is late changes what was known
//!    from its time on.
//! 3. When an event changes a subject, the former set is retracted and the new one added, both at one timestamp. A
//!    worker's state changes when the timestamp is complete: no request sees half of a change.
//! 4. A subject is retracted when the latest event is behind the time until which it is kept: the state is bounded by
//!    that time and by the rate of events, however fast they are replayed.
//! 5. A request takes the state as it is: it never waits for an event, and an outage of the log of events stops no
//!    answer.
//! 6. A message that is no event becomes a dead letter of the log of events, and changes nothing. An offset is
//!    committed when the dead letters before it are durable: a later start reads the message again, and writes no other
//!    letter.
//! 7. A worker that has read a thousand events waits until they are in its state: the steps of a rebuild are small, and
//!    requests are scored in between.
//! 8. A state is rebuilt when it has all events that the log had when the workers opened it. Until then it may lack any
//!    of them.

mod counters;
mod exhausted;
mod intake;
mod keep;
mod open;
mod source;
mod state;
mod worker_state;

use std::{marker::PhantomData, rc::Rc, sync::Arc};

use differential_dataflow::AsCollection;
use engine::{
    delivery::Health,
    live::Live,
    log::{Log, OpenLog, Share},
    runtime::Stop,
};
use timely::{dataflow::operators::vec::Broadcast, worker::Worker};

pub use counters::Counters;

use open::Opening;
use worker_state::WorkerState;

use crate::score::{ClusterClock, Events, Observer};

/// The events of a domain, in a log.
pub struct EventLog<L: Live> {
    place: String,
    open: Arc<OpenLog>,
    health: Arc<Health>,
    counters: Arc<Counters>,
    domain: PhantomData<fn() -> L>,
}

impl<L: Live> EventLog<L> {
    /// Takes the events of a log.
    pub fn new(log: Arc<dyn Log>) -> Self {
        let place = log.describe();
        Self::opened_later(place, Arc::new(move || Ok(Arc::clone(&log))))
    }

    /// Takes the events of a log at `place` that may not be open yet. Each worker calls `open` until it succeeds, on a
    /// thread of its own: a log that cannot be opened is an outage like any other (rule 5).
    pub fn opened_later(place: String, open: Arc<OpenLog>) -> Self {
        let health = Arc::new(Health::new(format!("the log of events {place}")));
        EventLog { place, open, health, counters: Arc::default(), domain: PhantomData }
    }

    /// Returns the place of the log, in words.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the function that opens the log.
    pub fn opener(&self) -> &Arc<OpenLog> {
        &self.open
    }

    /// Returns the counters of all workers of this process.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

impl<L: Live> Events<L> for EventLog<L> {
    fn build(&self, worker: &mut Worker, clock: ClusterClock, stop: &Stop) -> Rc<dyn Observer<L>> {
        let share = Share { index: worker.index(), peers: worker.peers() };
        let opening = Opening::start(share, &self.open, &self.health, stop);
        let state = Rc::new(WorkerState::<L>::default());
        let (unapplied, exhausted) = (source::SharedUnapplied::default(), exhausted::SharedExhausted::default());
        worker.dataflow_named("Live", |scope| {
            let events = source::read_events::<L>(scope, opening, clock, (&unapplied, &exhausted), &self.counters);
            let kept = keep::keep::<L>(events, &self.counters);
            let subjects = kept.as_collection().reduce_named("Subjects", |_, events, subjects| {
                let events: Vec<L::Event> = events.iter().map(|(event, _)| (*event).clone()).collect();
                subjects.push((events, 1));
            });
            let exhausted = exhausted::exhausted(scope, &exhausted).broadcast();
            let unapplied = Rc::clone(&unapplied);
            state::set_state::<L>(subjects.inner.broadcast(), exhausted, Rc::clone(&state), unapplied, &self.counters);
        });
        state
    }

    fn health(&self) -> &Arc<Health> {
        &self.health
    }
}
