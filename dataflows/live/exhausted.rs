//! A stream that tells when all workers have read the log to its end: it has a timestamp of each, and then it is over.

use std::{cell::Cell, rc::Rc};

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{Scope, StreamVec, operators::generic::operator::source},
};

use crate::score::{TICK, Ticker, Timestamp};

/// The timestamp after which a worker has sent all events that the log had when it was opened.
pub(super) type SharedExhausted = Rc<Cell<Option<Timestamp>>>;

/// Sends the timestamp once it is set, and ends. Until then the stream's frontier is at the first timestamp.
pub(super) fn exhausted<'scope>(
    scope: Scope<'scope, Timestamp>,
    exhausted: &SharedExhausted,
) -> StreamVec<'scope, Timestamp, Timestamp> {
    let exhausted = Rc::clone(exhausted);
    source::<_, CapacityContainerBuilder<Vec<Timestamp>>, _, _>(scope, "Exhausted", move |capability, info| {
        let activator = scope.activator_for(info.address);
        activator.activate();
        let (mut capability, mut ticker) = (Some(capability), Ticker::new());
        move |output| match (exhausted.get(), capability.take()) {
            (Some(at), Some(last)) => output.session(&last).give(at),
            (None, Some(held)) => {
                capability = Some(held);
                ticker.rearm(TICK, |delay| activator.activate_after(delay));
            }
            (_, None) => {}
        }
    })
}
