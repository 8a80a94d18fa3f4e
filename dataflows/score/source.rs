//! The source: the log's messages as a stream.

use std::{cell::RefCell, rc::Rc, time::Instant};

use delaycast::log::{Message, Reader};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{Scope, StreamVec, operators::generic::operator::source},
};

use super::{Shared, TICK, Timestamp, wake::LateWaker};

/// At most this many messages are read before other operators get their turn.
const MESSAGES_PER_TURN_MAX: usize = 2048;

/// Reads one worker's share of the log (rules 1, 2, 3 and 7).
///
/// The stream ends once the ledger is stopping: the capability is dropped after the last batch is closed.
pub(super) fn read_log<'scope>(
    scope: Scope<'scope, Timestamp>,
    (reader, waker): (Rc<RefCell<Box<dyn Reader>>>, LateWaker),
    shared: &Shared,
) -> StreamVec<'scope, Timestamp, Message> {
    let Shared { clock, ledger, counters } = shared.clone();
    source::<_, CapacityContainerBuilder<Vec<Message>>, _, _>(scope, "ReadLog", move |capability, info| {
        waker.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        let activator = scope.activator_for(info.address);
        activator.activate();
        let mut capability = Some(capability);
        let mut next_tick = Instant::now();
        let mut messages = Vec::new();
        move |output| {
            let Some(open) = capability.as_mut() else { return };
            let now = clock.now();
            let mut ledger = ledger.borrow_mut();
            if now >= *open.time() + TICK.as_millis() as Timestamp || ledger.stopping {
                ledger.close_batch(*open.time());
                open.downgrade(&now.max(*open.time() + 1));
            }
            if ledger.stopping {
                capability = None;
                return;
            }
            let room = ledger.room().min(MESSAGES_PER_TURN_MAX);
            if room > 0 {
                let more = reader.borrow_mut().poll(room, &mut messages);
                if !messages.is_empty() {
                    messages.iter().for_each(|message| ledger.read(message));
                    counters.read.add(messages.len());
                    output.session(open).give_container(&mut messages);
                    messages.clear();
                }
                if more {
                    activator.activate();
                }
            }
            // One timer at a time: re-arming at every activation would breed timers.
            if Instant::now() >= next_tick {
                activator.activate_after(TICK);
                next_tick = Instant::now() + TICK;
            }
        }
    })
}
