//! Sets the state of a worker from the changes of subjects, when a timestamp is complete (rule 3).

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use engine::live::Live;
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
};

use super::{counters::Counters, source::SharedUnapplied, worker_state::WorkerState};
use crate::score::{Observer, Timestamp};

/// A subject with all its events, added or removed at a timestamp.
type Change<L> = ((<L as Live>::Subject, Vec<<L as Live>::Event>), Timestamp, isize);

/// Applies changes to the state. `exhausted` has the timestamps after which workers have sent all earlier events.
pub(super) fn set_state<'scope, L: Live>(
    changes: StreamVec<'scope, Timestamp, Change<L>>,
    exhausted: StreamVec<'scope, Timestamp, Timestamp>,
    state: Rc<WorkerState<L>>,
    unapplied: SharedUnapplied,
    counters: &Arc<Counters>,
) {
    let counters = Arc::clone(counters);
    // By timestamp. Bounded by the events that all workers have read and not applied.
    let mut waiting = BTreeMap::<Timestamp, BTreeMap<L::Subject, Vec<L::Event>>>::new();
    let mut exhausted_at = 0;
    changes.binary_frontier::<_, CapacityContainerBuilder<Vec<()>>, _, _, _, _>(
        exhausted,
        Pipeline,
        Pipeline,
        "SetState",
        |_, _| {
            move |(input, frontier), (exhausted, exhausted_frontier), _| {
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
                exhausted.for_each_stamp(|_, containers| {
                    exhausted_at =
                        containers.flat_map(|container| container.drain(..)).fold(exhausted_at, Timestamp::max);
                });
                unapplied.borrow_mut().retire(|at| !frontier.less_equal(at));
                let mut has_changed = false;
                while let Some(entry) = waiting.first_entry()
                    && !frontier.less_equal(entry.key())
                {
                    let subjects = entry.remove();
                    counters.changed.add(subjects.len());
                    subjects.into_iter().for_each(|(subject, events)| state.set(subject, events));
                    has_changed = true;
                }
                if !state.progress().is_rebuilt && exhausted_frontier.is_empty() && !frontier.less_equal(&exhausted_at)
                {
                    state.set_rebuilt();
                    has_changed = true;
                }
                if has_changed {
                    state.activate_readers();
                }
            }
        },
    );
}
