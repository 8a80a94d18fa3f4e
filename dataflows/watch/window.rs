//! The operator that turns events into keys that enter a window and leave it.

use std::time::Duration;

use differential_dataflow::{AsCollection, VecCollection, consolidation::consolidate_updates};
use timely::dataflow::{channels::pact::Pipeline, operators::Operator};

use super::{Event, EventKind, Key, Timestamp, time::leaves_at};

/// The lengths of the rates' windows, in full seconds.
pub const RATES_S: [u64; 2] = [10, 60];
/// Delay after which a second counts as full: answers land, and the follower reads them.
const SETTLING_S: u64 = 2;

/// Returns the keys of events, each added when it enters the window and removed when it leaves it. The removal has a
/// timestamp in the future: the arrangement of the counts holds it, consolidated with the others of its timestamp.
pub(super) fn window<'scope>(
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
