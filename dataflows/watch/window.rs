//! The operators of the watch: events become keys that enter a window and leave it, and the keys are counted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use differential_dataflow::{
    AsCollection, VecCollection, consolidation::consolidate_updates, input::InputSession, operators::CountTotal,
};
use engine::runtime::Mutex;
use timely::{
    dataflow::{
        ProbeHandle,
        channels::pact::Pipeline,
        operators::{Operator, Probe},
    },
    worker::Worker,
};

use super::{
    event::{Event, EventKind, Key},
    time::{Timestamp, leaves_at},
};

/// The lengths of the rates' windows, in full seconds.
pub const RATES_S: [u64; 2] = [10, 60];
/// Delay after which a second counts as full: answers land, and the follower reads them.
const SETTLING_S: u64 = 2;

/// One worker's input and probe of the dataflow.
pub struct Watch {
    /// The input of events, each at the timestamp at which it was read.
    pub events: InputSession<Timestamp, Event, isize>,
    /// The probe that follows the counts.
    pub probe: ProbeHandle<Timestamp>,
}

impl Watch {
    /// Builds one worker's part, which updates the counts of its keys in `counts`.
    pub fn build(worker: &mut Worker, window: Duration, counts: &Counts) -> Self {
        let mut events = InputSession::new();
        let counts = counts.clone();
        let probe = worker.dataflow_named("Watch", |scope| {
            let keys = enter_and_leave(events.to_collection(scope), window);
            let totals: VecCollection<'_, Timestamp, (Key, isize), isize> = keys.count_total();
            let shown = totals.inspect(move |((key, count), _, diff)| counts.add(key, count * diff));
            let (probe, _) = shown.inner.probe();
            probe
        });
        Watch { events, probe }
    }

    /// Advances this worker's input; earlier events are counted when the inputs of all workers have advanced.
    pub fn advance_to(&mut self, now: Timestamp) {
        self.events.advance_to(now);
        self.events.flush();
    }

    /// Returns true if all events before the input's time are counted.
    pub fn is_up_to_date(&self) -> bool {
        !self.probe.less_than(self.events.time())
    }
}

/// Returns the keys of events, each added when it enters the window and removed when it leaves it. The removal has a
/// timestamp in the future: the arrangement of the counts holds it, consolidated with the others of its timestamp.
fn enter_and_leave<'scope>(
    events: VecCollection<'scope, Timestamp, Event, isize>,
    window: Duration,
) -> VecCollection<'scope, Timestamp, Key, isize> {
    let keys = events.inner.unary(Pipeline, "Window", move |_, _| {
        let mut updates = Vec::new();
        move |input, output| {
            input.for_each(|capability, events| {
                for (event, now, count) in events.drain(..) {
                    let mut stay = |key: Key, from: Timestamp, to: Timestamp| {
                        let from = from.max(now);
                        if from < to {
                            updates.push((key.clone(), from, count));
                            updates.push((key, to, -count));
                        }
                    };
                    for key in event.keys() {
                        stay(key, now, leaves_at(event.at_s, window));
                    }
                    if let EventKind::Answer { .. } = event.kind {
                        for rate_s in RATES_S {
                            let full = event.at_s + 1 + SETTLING_S;
                            stay(Key::Rate(rate_s), full * 1000, (full + rate_s) * 1000);
                        }
                    }
                }
                consolidate_updates(&mut updates);
                output.session(&capability).give_iterator(updates.drain(..));
            });
        }
    });
    keys.as_collection()
}

/// The current counts; between two snapshots they are inconsistent. Workers share them, and each key has one worker.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<Key, isize>>>);

impl Counts {
    /// Adds a change to a count. A new count arrives as two changes, minus the old one and plus the new, in any order.
    pub(super) fn add(&self, key: &Key, change: isize) {
        let mut counts = self.0.lock();
        match counts.get_mut(key) {
            Some(count) => *count += change,
            None => drop(counts.insert(key.clone(), change)),
        }
        if counts.get(key) == Some(&0) {
            counts.remove(key);
        }
    }

    /// Returns all counts that are not 0.
    pub fn get(&self) -> BTreeMap<Key, isize> {
        self.0.lock().clone()
    }
}
