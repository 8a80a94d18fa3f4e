//! The source: a stream of the events of a log (rules 1, 5, 7 and 8).

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc};

use engine::live::Live;
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{Scope, StreamVec, operators::generic::operator::source},
};

use super::{counters::Counters, exhausted::SharedExhausted, intake::Intake, keep::EventOf, open::Opening};
use crate::score::{ClusterClock, TICK, Ticker, Timestamp};

/// Upper bound on the events that a worker has read and the state does not have yet. Requests are scored between two
/// steps of the dataflow, so that a rebuild of the state must go in small ones.
const UNAPPLIED_MAX: usize = 1024;

/// The events of one worker from the moment they are read until its state is complete up to their timestamps.
#[derive(Default)]
pub(super) struct Unapplied(VecDeque<(Timestamp, usize)>);

/// Shared by the first and the last operator of a worker.
pub(super) type SharedUnapplied = Rc<RefCell<Unapplied>>;

impl Unapplied {
    fn room(&self) -> usize {
        UNAPPLIED_MAX.saturating_sub(self.0.iter().map(|(_, events)| events).sum())
    }

    fn add(&mut self, at: Timestamp, events: usize) {
        match self.0.back_mut() {
            Some((last, count)) if *last == at => *count += events,
            _ if events > 0 => self.0.push_back((at, events)),
            _ => {}
        }
    }

    /// Removes the events of complete timestamps.
    pub(super) fn retire(&mut self, is_complete: impl Fn(&Timestamp) -> bool) {
        while self.0.front().is_some_and(|(at, _)| is_complete(at)) {
            self.0.pop_front();
        }
    }
}

/// Reads one worker's share of the log of events.
pub(super) fn read_events<'scope, L: Live>(
    scope: Scope<'scope, Timestamp>,
    opening: Opening,
    clock: ClusterClock,
    (unapplied, exhausted): (&SharedUnapplied, &SharedExhausted),
    counters: &Arc<Counters>,
) -> StreamVec<'scope, Timestamp, EventOf<L>> {
    let (counters, unapplied, exhausted) = (Arc::clone(counters), Rc::clone(unapplied), Rc::clone(exhausted));
    source::<_, CapacityContainerBuilder<Vec<EventOf<L>>>, _, _>(scope, "ReadEvents", move |mut open, info| {
        opening.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        let activator = scope.activator_for(info.address);
        activator.activate();
        let (mut ticker, mut events) = (Ticker::new(), Vec::new());
        let mut intake = None::<Intake<L>>;
        move |output| {
            let now = clock.now();
            if now >= *open.time() + TICK.as_millis() as Timestamp {
                open.downgrade(&now);
            }
            if intake.is_none() {
                intake = opening.poll().map(Intake::new);
            }
            if let Some(intake) = &mut intake {
                let mut unapplied = unapplied.borrow_mut();
                let room = unapplied.room();
                let more = intake.poll(room, &mut events, &counters);
                unapplied.add(*open.time(), events.len());
                output.session(&open).give_iterator(events.drain(..));
                if exhausted.get().is_none() && intake.is_exhausted() {
                    exhausted.set(Some(*open.time()));
                }
                // Without room, the next timestamp is the occasion.
                if more && unapplied.room() > 0 {
                    activator.activate();
                }
            }
            ticker.rearm(TICK, |delay| activator.activate_after(delay));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_7_a_worker_reads_as_much_as_its_state_has_taken_over() {
        let mut unapplied = Unapplied::default();
        assert_eq!(unapplied.room(), UNAPPLIED_MAX);
        // Two polls under one timestamp, and one without events under the next.
        unapplied.add(10, 1000);
        unapplied.add(10, 20);
        unapplied.add(20, 0);
        unapplied.add(30, 4);
        assert_eq!(unapplied.room(), 0);
        unapplied.retire(|at| *at < 10);
        assert_eq!(unapplied.room(), 0);
        unapplied.retire(|at| *at < 30);
        assert_eq!(unapplied.room(), UNAPPLIED_MAX - 4);
        unapplied.retire(|_| true);
        assert_eq!(unapplied.room(), UNAPPLIED_MAX);
    }
}
