//! The source: the log's messages as a stream.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use engine::{
    domain::Domain,
    log::{Message, Reader},
};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{Scope, StreamVec, operators::generic::operator::source},
};

use super::{Shared, TICK, Timestamp, wake::LateWaker};

/// At most this many messages are read before other operators get their turn.
const MESSAGES_PER_TURN_MAX: usize = 2048;

/// A message on its way.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) message: Message,
    /// When it was read, in microseconds of the [`super::ClusterClock`].
    pub(super) read_us: u64,
}

/// Reads one worker's share of the log (rules 1, 2, 3 and 7).
///
/// The stream worker_io once the in_flight is stopping: the capability is dropped after the last batch is closed.
pub(super) fn read_log<'scope, D: Domain>(
    scope: Scope<'scope, Timestamp>,
    (reader, waker): (Rc<RefCell<Box<dyn Reader>>>, LateWaker),
    shared: &Shared<D>,
) -> StreamVec<'scope, Timestamp, Record> {
    let Shared { clock, in_flight, counters, .. } = shared.clone();
    source::<_, CapacityContainerBuilder<Vec<Record>>, _, _>(scope, "ReadLog", move |capability, info| {
        waker.bind(scope.worker().sync_activator_for(info.address.to_vec()));
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
            let room = in_flight.room().min(MESSAGES_PER_TURN_MAX);
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
            ticker.turn(TICK, |delay| activator.activate_after(delay));
        }
    })
}

/// Keeps one timer armed: re-arming at every activation would breed timers.
pub(super) struct Ticker {
    due: Instant,
}

impl Ticker {
    /// Is due at once.
    pub(super) fn new() -> Self {
        Ticker { due: Instant::now() }
    }

    /// Arms the next timer, for so long, if the last one has fired.
    pub(super) fn turn(&mut self, pause: Duration, arm: impl FnOnce(Duration)) {
        let now = Instant::now();
        if now >= self.due {
            // Read before arming, so that a thread that is held up in between finds the timer due when it fires.
            // Were it the other way round, that timer would arm no other, and the frontier of all workers would stop.
            self.due = now + pause;
            arm(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_fires_always_arms_the_next() {
        let (mut ticker, mut fires) = (Ticker::new(), None);
        ticker.turn(TICK, |delay| {
            fires = Some(Instant::now() + delay);
            // The system gives the core to somebody else.
            std::thread::sleep(TICK / 2);
        });
        assert!(ticker.due <= fires.unwrap());
    }

    #[test]
    fn no_second_timer_is_armed_before_the_first_fires() {
        let mut ticker = Ticker { due: Instant::now() + Duration::from_secs(3600) };
        ticker.turn(TICK, |_| panic!("armed already"));
    }
}
