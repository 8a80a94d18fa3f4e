//! The operator that sends a model file from worker 0 to every process, in chunks.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use engine::{model::DesiredModels, runtime::Stop};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        ProbeHandle, Scope, StreamVec,
        operators::{Exchange, Probe, generic::operator::source},
    },
};

use super::{
    ANNOUNCE_INTERVAL, WINDOW, WorkerPosition,
    proposer::{Chunk, Proposer},
};
use crate::score::{TICK, Timestamp, source::Ticker};

/// A chunk, and the number of its receiver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AddressedChunk {
    to: usize,
    pub(super) chunk: Chunk,
}

/// Proposes desired models and sends their files, at worker 0; returns the chunks that arrive at the first worker of
/// each process.
pub(super) fn send_model<'scope>(
    scope: Scope<'scope, Timestamp>,
    position: WorkerPosition,
    desired: &DesiredModels,
    proposer: &Rc<RefCell<Proposer>>,
    stop: &Stop,
) -> StreamVec<'scope, Timestamp, AddressedChunk> {
    let arrived = ProbeHandle::new();
    let (desired, proposer, stop, probe) = (desired.clone(), Rc::clone(proposer), stop.clone(), arrived.clone());
    let addressed_chunks =
        source::<_, CapacityContainerBuilder<Vec<AddressedChunk>>, _, _>(scope, "SendModel", |capability, info| {
            let activator = scope.activator_for(info.address);
            activator.activate();
            let mut capability = position.is_worker_0().then_some(capability);
            let mut ticker = Ticker::new();
            let mut in_flight = VecDeque::new();
            move |output| {
                capability.take_if(|_| stop.is_requested());
                let Some(open) = capability.as_mut() else { return };
                let mut proposer = proposer.borrow_mut();
                proposer.propose(&desired);
                while in_flight.front().is_some_and(|at| !probe.less_equal(at)) {
                    in_flight.pop_front();
                }
                while in_flight.len() < WINDOW
                    && let Some(chunk) = proposer.next_chunk()
                {
                    let firsts = (0..position.processes()).map(|process| process * position.workers);
                    output.session(open).give_iterator(firsts.map(|to| AddressedChunk { to, chunk: chunk.clone() }));
                    in_flight.push_back(*open.time());
                    let next = open.time() + 1;
                    open.downgrade(&next);
                }
                let pause = if proposer.is_sending() { TICK } else { ANNOUNCE_INTERVAL };
                ticker.rearm(pause, |delay| activator.activate_after(delay));
            }
        });
    addressed_chunks.exchange(|addressed| addressed.to as u64).probe_with(&arrived)
}
