//! Facts to keys that enter a window and leave it again.

use std::time::Duration;

use differential_dataflow::{AsCollection, VecCollection, consolidation::consolidate_updates};
use timely::dataflow::{channels::pact::Pipeline, operators::Operator};

use super::{Event, EventKind, Key, Timestamp};

/// The window moves on by so much at once.
pub const STEP: Duration = Duration::from_secs(10);

/// Rates are counted over the last so many full seconds.
pub const RATES_S: [u64; 2] = [10, 60];
/// A second is full after this many more: an answer lands, and is then found by who follows.
const SETTLES_S: u64 = 2;

/// When a event leaves the window: with all others of its step.
pub(super) fn leaves(at_s: u64, window: Duration) -> Timestamp {
    let step_s = STEP.as_secs();
    (at_s / step_s + 1).saturating_mul(step_s).saturating_mul(1000).saturating_add(window.as_millis() as u64)
}

/// What events count for, from when to when. The second half of each is stamped for the future: it waits where the
/// counts are arranged, consolidated with all that leaves then, until time has come there.
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
                        stay(key, now, leaves(event.at_s, window));
                    }
                    if let EventKind::Answer { .. } = event.kind {
                        for rate_s in RATES_S {
                            let full = event.at_s + 1 + SETTLES_S;
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
