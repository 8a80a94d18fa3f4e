//! Sets the state of a worker from the changes of subjects, when a timestamp is complete (rule 3).

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use engine::live::Live;
use timely::dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator};

use super::{counters::Counters, source::SharedUnapplied};
use crate::score::Timestamp;

/// A subject with all its events, added or removed at a timestamp.
type Change<L> = ((<L as Live>::Subject, Vec<<L as Live>::Event>), Timestamp, isize);

/// Applies changes to the state.
pub(super) fn set_state<L: Live>(
    changes: StreamVec<'_, Timestamp, Change<L>>,
    state: Rc<RefCell<L::State>>,
    unapplied: SharedUnapplied,
    counters: &Arc<Counters>,
) {
    let counters = Arc::clone(counters);
    // By timestamp. Bounded by the events that all workers have read and not applied.
    let mut waiting = BTreeMap::<Timestamp, BTreeMap<L::Subject, Vec<L::Event>>>::new();
    changes.sink(Pipeline, "SetState", move |(input, frontier)| {
        input.for_each_stamp(|_, containers| {
            for ((subject, events), at, change) in containers.flat_map(|container| container.drain(..)) {
                let subjects = waiting.entry(at).or_default();
                // A removal alone leaves nothing; beside an addition it is superseded.
                if change > 0 {
                    subjects.insert(subject, events);
                } else {
                    subjects.entry(subject).or_default();
                }
            }
        });
        unapplied.borrow_mut().retire(|at| !frontier.less_equal(at));
        let mut state = state.borrow_mut();
        while let Some(entry) = waiting.first_entry()
            && !frontier.less_equal(entry.key())
        {
            let subjects = entry.remove();
            counters.changed.add(subjects.len());
            subjects.into_iter().for_each(|(subject, events)| L::set(&mut state, subject, events));
        }
    });
}
