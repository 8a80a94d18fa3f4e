//! A model file goes from worker 0 to every process, in chunks.

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

/// A chunk, and the worker that it is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AddressedChunk {
    to: usize,
    pub(super) chunk: Chunk,
}

/// Takes up desired and sends what they desired_model for, at worker 0; yields what has come, at the first worker of each process.
pub(super) fn send_model<'scope>(
    scope: Scope<'scope, Timestamp>,
    position: WorkerPosition,
    desired: &DesiredModels,
    proposer: &Rc<RefCell<Proposer>>,
    stop: &Stop,
) -> StreamVec<'scope, Timestamp, AddressedChunk> {
    let arrived = ProbeHandle::new();
    let (desired, proposer, stop, passed) = (desired.clone(), Rc::clone(proposer), stop.clone(), arrived.clone());
    let addressed_chunks =
        source::<_, CapacityContainerBuilder<Vec<AddressedChunk>>, _, _>(scope, "SendModel", |capability, info| {
            let activator = scope.activator_for(info.address);
            activator.activate();
            let mut capability = position.leads().then_some(capability);
            let mut ticker = Ticker::new();
            let mut on_their_way = VecDeque::new();
            move |output| {
                capability.take_if(|_| stop.asked());
                let Some(open) = capability.as_mut() else { return };
                let mut proposer = proposer.borrow_mut();
                proposer.take_up(&desired);
                while on_their_way.front().is_some_and(|at| !passed.less_equal(at)) {
                    on_their_way.pop_front();
                }
                while on_their_way.len() < WINDOW
                    && let Some(chunk) = proposer.next_piece()
                {
                    let firsts = (0..position.processes()).map(|process| process * position.workers);
                    output.session(open).give_iterator(firsts.map(|to| AddressedChunk { to, chunk: chunk.clone() }));
                    on_their_way.push_back(*open.time());
                    let next = open.time() + 1;
                    open.downgrade(&next);
                }
                let pause = if proposer.is_sending() { TICK } else { ANNOUNCE_INTERVAL };
                ticker.turn(pause, |delay| activator.activate_after(delay));
            }
        });
    addressed_chunks.exchange(|addressed| addressed.to as u64).probe_with(&arrived)
}
