//! The dataflow by which worker 0 announces models ahead of the clock, and every worker adds them to its schedule.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc, time::Duration};

use engine::{answer::ModelVersion, domain::Domain, model::Role, runtime::Stop};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        ProbeHandle, Scope,
        channels::pact::Exchange,
        operators::{
            Probe,
            generic::operator::{Operator, source},
        },
    },
};

use super::{
    ANNOUNCE_INTERVAL, LEAD, WorkerPosition,
    proposer::{Announcement, Proposer},
    schedule::SharedSchedule,
};
use crate::score::{
    clock::{ClusterClock, Ticker, Timestamp},
    counters::Counters,
    generation::{Generation, Shared},
};

/// An announcement, and the number of its receiver.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AddressedAnnouncement {
    to: usize,
    announcement: Announcement,
}

/// Announces, at worker 0, the model that all processes have loaded, and adds it to each worker's schedule (rules 1, 3
/// and 7).
pub(super) fn announce<D: Domain>(
    scope: Scope<'_, Timestamp>,
    position: WorkerPosition,
    proposer: &Rc<RefCell<Proposer>>,
    schedule: &SharedSchedule<D>,
    generation: &Generation<D>,
    shared: &Shared<D>,
    stop: &Stop,
) {
    let applied_probe = ProbeHandle::new();
    let (proposer, stop, clock, probe) = (Rc::clone(proposer), stop.clone(), shared.clock, applied_probe.clone());
    let detector = generation.detector.clone();
    let announcements = source::<_, CapacityContainerBuilder<Vec<AddressedAnnouncement>>, _, _>(
        scope,
        "Announce",
        |capability, info| {
            let activator = scope.activator_for(info.address);
            activator.activate();
            let mut capability = position.is_worker_0().then_some(capability);
            let mut ticker = Ticker::new();
            move |output| {
                capability.take_if(|_| stop.is_requested());
                let Some(open) = capability.as_mut() else { return };
                let mut proposer = proposer.borrow_mut();
                let skew = detector.as_ref().map_or(Duration::ZERO, |detector| detector.clock_lead());
                let ahead = clock.now() + (skew + LEAD).as_millis() as Timestamp;
                open.downgrade(&ahead.max(*open.time()));
                proposer.finish_announced(|at| !probe.less_equal(&at));
                if let Some(announcement) = proposer.announce(*open.time()) {
                    let addressed = |to| AddressedAnnouncement { to, announcement: announcement.clone() };
                    output.session(open).give_iterator((0..position.peers).map(addressed));
                    let next = open.time() + 1;
                    open.downgrade(&next);
                }
                ticker.rearm(ANNOUNCE_INTERVAL, |delay| activator.activate_after(delay));
            }
        },
    );

    let (schedule, loaded_models, shared) = (Rc::clone(schedule), generation.loaded_models.clone(), shared.clone());
    let mut pending = PendingChanges { clock, counters: Arc::clone(&shared.counters), changes: VecDeque::new() };
    let to = Exchange::new(|addressed: &AddressedAnnouncement| addressed.to as u64);
    let applied = announcements.unary_frontier::<CapacityContainerBuilder<Vec<()>>, _, _, _>(to, "Apply", |_, _| {
        move |(input, frontier), _| {
            let mut schedule = schedule.borrow_mut();
            input.for_each_stamp(|capability, containers| {
                let Some(&from) = capability.least() else { return };
                for AddressedAnnouncement { announcement: Announcement { role, proposal }, .. } in
                    containers.flat_map(|container| container.drain(..))
                {
                    let model = proposal.and_then(|proposal| loaded_models.get(proposal));
                    if proposal.is_some() && model.is_none() {
                        let broken = "a model was announced that this process was not asked for".to_owned();
                        shared.in_flight.borrow_mut().broken = Some(broken);
                    }
                    if position.is_first_of_process() {
                        pending.changes.push_back((from, role, model.as_ref().map(|model| model.version().clone())));
                    }
                    schedule.add_change(from, role, model);
                }
            });
            schedule.set_known_until(frontier.frontier().first().copied().unwrap_or(Timestamp::MAX));
            pending.report_due();
        }
    });
    applied.probe_with(&applied_probe);
}

/// The changes that are announced and not yet active, in one worker of each process.
struct PendingChanges {
    clock: ClusterClock,
    counters: Arc<Counters>,
    changes: VecDeque<(Timestamp, Role, Option<ModelVersion>)>,
}

impl PendingChanges {
    /// Logs and counts the changes that have become active.
    fn report_due(&mut self) {
        let now = self.clock.now();
        while self.changes.front().is_some_and(|(from, ..)| *from <= now)
            && let Some((from, role, version)) = self.changes.pop_front()
        {
            match (role, &version) {
                (Role::Current, Some(version)) => {
                    tracing::info!("model {version} answers from timestamp {from} on");
                    self.counters.models_swapped.add(1);
                }
                (Role::Shadow, Some(version)) => {
                    tracing::info!("model {version} is the shadow from timestamp {from} on")
                }
                (_, None) => tracing::info!("no model is the shadow from timestamp {from} on"),
            }
            self.counters.models.set(role, version, from);
        }
    }
}
