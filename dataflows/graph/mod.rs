//! The dataflow graph of the workers of a process: operators, channels and frontiers, from timely's own log.
//!
//! ```text
//!  timely ─── "timely" ───────────────▶ Recorder ── once a second ──▶ Graphs ──▶ status of the process ──▶ /ops
//!         ─── "timely/reachability" ──▶    │
//!         ─── "timely/progress" ──────▶    │
//!                                     one for each worker
//! ```
//!
//! # The rules
//!
//! Each has a test of its number in `tests.rs`.
//!
//! 1. A dataflow's operators and channels are those that timely logs, without those of nested scopes; the records of a
//!    channel are those that all workers have sent.
//! 2. A frontier is the least timestamp of the capabilities and messages of all workers, as this worker knows them. An
//!    operator that has such a capability or message holds the frontier.
//! 3. A worker that ends takes its part out of the graph.
//! 4. Messages about progress are counted: those that a worker has broadcast, and those that it has received.
//!
//! The log's events are counted in memory of the worker alone: no lock, no I/O. The tables have a row for each operator
//! and channel, which are built once.

mod pointstamps;
mod recorder;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    runtime::Mutex,
    status::{DataflowStatus, merge},
};
use timely::{container::CapacityContainerBuilder, logging_core::Registry, worker::Worker};

pub(crate) use recorder::Progress;
use recorder::Recorder;

/// The timestamps of all dataflows here, by the name under which timely logs their progress.
type Timestamp = u64;

/// The dataflows of the workers of a process; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Graphs(Arc<Mutex<BTreeMap<usize, Vec<DataflowStatus>>>>);

impl Graphs {
    /// Returns each dataflow once, with the sums of all workers of this process.
    pub fn get(&self) -> Vec<DataflowStatus> {
        let mut all = Vec::new();
        self.0.lock().values().for_each(|of_worker| merge(&mut all, of_worker));
        all
    }
}

/// The graph of one worker, from [`GraphLog::install`] until it is dropped.
pub(crate) struct GraphLog {
    recorder: Rc<RefCell<Recorder>>,
    graphs: Graphs,
    worker: usize,
    /// The last frontier of each dataflow, and the time since which it stands.
    frontiers: BTreeMap<String, (Option<Timestamp>, Instant)>,
}

impl GraphLog {
    /// Records what timely logs of the dataflows that this worker builds from now on.
    pub(crate) fn install(worker: &mut Worker, graphs: &Graphs) -> Self {
        let recorder = Rc::new(RefCell::new(Recorder::default()));
        // A worker without a registry of logs, which the configuration would have to ask for, has an empty graph.
        if let Some(mut register) = worker.log_register() {
            let of_timestamp = |stream: &str| format!("timely/{stream}/{}", std::any::type_name::<Timestamp>());
            record(&mut register, "timely", &recorder, Recorder::event);
            record(&mut register, &of_timestamp("progress"), &recorder, |recorder, _, event| {
                recorder.progress_event(&event);
            });
            record(&mut register, &of_timestamp("reachability"), &recorder, |recorder, _, event| {
                recorder.pointstamps(event);
            });
        }
        GraphLog { recorder, graphs: graphs.clone(), worker: worker.index(), frontiers: BTreeMap::new() }
    }

    /// Shows the present graph.
    pub(crate) fn publish(&mut self) {
        let mut dataflows = self.recorder.borrow().dataflows();
        let now = Instant::now();
        for dataflow in &mut dataflows {
            let (known, since) =
                self.frontiers.entry(dataflow.name.clone()).or_insert_with(|| (dataflow.frontier, now));
            if *known != dataflow.frontier {
                (*known, *since) = (dataflow.frontier, now);
            }
            dataflow.frontier_for_ms = now.duration_since(*since).as_millis() as u64;
        }
        self.graphs.0.lock().insert(self.worker, dataflows);
    }

    /// Returns the messages about progress since the last call.
    pub(crate) fn take_progress(&self) -> Progress {
        self.recorder.borrow_mut().take_progress()
    }

    /// Returns the time that the worker was parked.
    pub(crate) fn parked(&self) -> Duration {
        self.recorder.borrow().parked()
    }
}

/// Has the recorder take the events that timely logs under a name, each with its time.
fn record<E: Clone + 'static>(
    register: &mut Registry,
    name: &str,
    recorder: &Rc<RefCell<Recorder>>,
    take: impl Fn(&mut Recorder, Duration, E) + 'static,
) {
    let recorder = Rc::clone(recorder);
    register.insert::<CapacityContainerBuilder<Vec<(Duration, E)>>, _>(name, move |_, batch| {
        if let Some(batch) = batch {
            let mut recorder = recorder.borrow_mut();
            batch.drain(..).for_each(|(at, event)| take(&mut recorder, at, event));
        }
    });
}

impl Drop for GraphLog {
    fn drop(&mut self) {
        self.graphs.0.lock().remove(&self.worker);
    }
}

#[cfg(test)]
mod tests;
