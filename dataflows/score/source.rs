//! The source: a stream of the log's messages.

use std::{cell::RefCell, rc::Rc};

use engine::{
    domain::Domain,
    log::{Message, Reader},
};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{Scope, StreamVec, operators::generic::operator::source},
};

use super::{
    clock::{TICK, Ticker, Timestamp},
    connections::DeferredActivator,
    generation::Shared,
};

/// Upper bound on the messages that are read in one activation: other operators run in between.
const MESSAGES_PER_ACTIVATION_MAX: usize = 2048;

/// A message in flight.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) message: Message,
    /// The time at which it was read, in microseconds of the [`super::ClusterClock`].
    pub(super) read_us: u64,
}

/// Reads one worker's share of the log (rules 1, 2, 3 and 7).
///
/// The stream ends when `in_flight.stopping` is set: the capability is dropped after the last batch is closed.
pub(super) fn read_log<'scope, D: Domain>(
    scope: Scope<'scope, Timestamp>,
    (reader, deferred): (Rc<RefCell<Box<dyn Reader>>>, DeferredActivator),
    shared: &Shared<D>,
) -> StreamVec<'scope, Timestamp, Record> {
    let Shared { clock, in_flight, counters, .. } = shared.clone();
    source::<_, CapacityContainerBuilder<Vec<Record>>, _, _>(scope, "ReadLog", move |capability, info| {
        deferred.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        let activator = scope.activator_for(info.address);
        activator.activate();
        let mut capability = Some(capability);
        let mut ticker = Ticker::new();
        let (mut messages, mut records) = (Vec::new(), Vec::new());
        move |output| {
            let Some(open) = capability.as_mut() else { return };
            let now = clock.now();
            let mut in_flight = in_flight.borrow_mut();
            if now >= *open.time() + TICK.as_millis() as Timestamp || in_flight.stopping {
                in_flight.close_batch(*open.time());
                open.downgrade(&now.max(*open.time() + 1));
            }
            if in_flight.stopping {
                capability = None;
                return;
            }
            let room = in_flight.room().min(MESSAGES_PER_ACTIVATION_MAX);
            if room > 0 {
                let more = reader.borrow_mut().poll(room, &mut messages);
                if !messages.is_empty() {
                    let before = in_flight.size();
                    messages.iter().for_each(|message| in_flight.read(message));
                    counters.read.add(messages.len());
                    counters.read_bytes.add(in_flight.size().bytes - before.bytes);
                    let read_us = clock.now_us();
                    records.extend(messages.drain(..).map(|message| Record { message, read_us }));
                    output.session(open).give_container(&mut records);
                    records.clear();
                }
                if more {
                    activator.activate();
                }
            }
            ticker.rearm(TICK, |delay| activator.activate_after(delay));
        }
    })
}
