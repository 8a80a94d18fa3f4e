//! Keeps the events of each subject, each once, until no answer depends on them (rules 2 and 4).

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use differential_dataflow::hashable::Hashable;
use engine::live::{EventTime, Live};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{StreamVec, channels::pact::Exchange, operators::Operator},
};

use super::counters::Counters;
use crate::score::Timestamp;

/// A subject and an event of it.
pub(super) type EventOf<L> = (<L as Live>::Subject, <L as Live>::Event);
/// A change of the collection of events.
pub(super) type Change<L> = (EventOf<L>, Timestamp, isize);

/// Interval in the time of events at which subjects expire together: each has an entry for it.
const EXPIRY_MS: EventTime = 3_600_000;

/// Adds each event of a stream once, and removes it when its subject is not kept any more. The events of a subject go
/// to one worker: the one that the arrangement of subjects has it on.
pub(super) fn keep<'scope, L: Live>(
    events: StreamVec<'scope, Timestamp, EventOf<L>>,
    counters: &Arc<Counters>,
) -> StreamVec<'scope, Timestamp, Change<L>> {
    let counters = Arc::clone(counters);
    let route = Exchange::new(|(subject, _): &EventOf<L>| subject.hashed());
    events.unary::<CapacityContainerBuilder<Vec<Change<L>>>, _, _, _>(route, "KeepEvents", move |_, _| {
        let mut kept = BTreeMap::<EventTime, HashSet<EventOf<L>>>::new();
        let mut latest = EventTime::MIN;
        move |input, output| {
            input.for_each_stamp(|capability, containers| {
                let Some(&now) = capability.least() else { return };
                let mut session = output.session(&capability);
                for (subject, event) in containers.flat_map(|container| container.drain(..)) {
                    latest = latest.max(L::known_at(&event));
                    let until = L::kept_until(&subject).div_euclid(EXPIRY_MS);
                    if until < latest.div_euclid(EXPIRY_MS) {
                        counters.expired.add(1);
                        continue;
                    }
                    let event = (subject, event);
                    if kept.entry(until).or_default().insert(event.clone()) {
                        counters.kept.add(1);
                        session.give((event, now, 1));
                    } else {
                        counters.repeated.add(1);
                    }
                }
                while let Some(entry) = kept.first_entry()
                    && *entry.key() < latest.div_euclid(EXPIRY_MS)
                {
                    let expired = entry.remove();
                    counters.removed.add(expired.len());
                    session.give_iterator(expired.into_iter().map(|event| (event, now, -1)));
                }
            });
        }
    })
}
