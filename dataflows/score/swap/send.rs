//! A model file goes from worker 0 to every process, in pieces.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use engine::{model::Wishes, runtime::Stop};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        ProbeHandle, Scope, StreamVec,
        operators::{Exchange, Probe, generic::operator::source},
    },
};

use super::{
    BEAT, Place, WINDOW,
    proposer::{Piece, Proposer},
};
use crate::score::{TICK, Timestamp, source::Ticker};

/// A piece, and the worker that it is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parcel {
    to: usize,
    pub(super) piece: Piece,
}

/// Takes up wishes and sends what they wish for, at worker 0; yields what has come, at the first worker of each process.
pub(super) fn send_model<'scope>(
    scope: Scope<'scope, Timestamp>,
    place: Place,
    wishes: &Wishes,
    proposer: &Rc<RefCell<Proposer>>,
    stop: &Stop,
) -> StreamVec<'scope, Timestamp, Parcel> {
    let arrived = ProbeHandle::new();
    let (wishes, proposer, stop, passed) = (wishes.clone(), Rc::clone(proposer), stop.clone(), arrived.clone());
    let parcels = source::<_, CapacityContainerBuilder<Vec<Parcel>>, _, _>(scope, "SendModel", |capability, info| {
        let activator = scope.activator_for(info.address);
        activator.activate();
        let mut capability = place.leads().then_some(capability);
        let mut ticker = Ticker::new();
        let mut on_their_way = VecDeque::new();
        move |output| {
            capability.take_if(|_| stop.asked());
            let Some(open) = capability.as_mut() else { return };
            let mut proposer = proposer.borrow_mut();
            proposer.take_up(&wishes);
            while on_their_way.front().is_some_and(|at| !passed.less_equal(at)) {
                on_their_way.pop_front();
            }
            while on_their_way.len() < WINDOW
                && let Some(piece) = proposer.next_piece()
            {
                let firsts = (0..place.processes()).map(|process| process * place.workers);
                output.session(open).give_iterator(firsts.map(|to| Parcel { to, piece: piece.clone() }));
                on_their_way.push_back(*open.time());
                let next = open.time() + 1;
                open.downgrade(&next);
            }
            let pause = if proposer.is_sending() { TICK } else { BEAT };
            ticker.turn(pause, |delay| activator.activate_after(delay));
        }
    });
    parcels.exchange(|parcel| parcel.to as u64).probe_with(&arrived)
}
