//! The dataflow that sends a model file: worker 0 sends it in chunks to every process, which assembles it, has a thread
//! check it, and votes on it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use engine::{
    answer::ModelVersion,
    domain::Domain,
    model::{DesiredModels, Latest, Loader, MODEL_BYTES_MAX},
    runtime::{Stop, Thread},
};
use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        ProbeHandle, Scope, StreamVec,
        channels::pact::Pipeline,
        operators::{
            Capability, Exchange, Probe,
            generic::operator::{Operator, source},
        },
    },
};

use super::{
    ANNOUNCE_INTERVAL, WINDOW, WorkerPosition,
    proposer::{Chunk, Proposer, Vote},
};
use crate::score::{
    clock::{TICK, Ticker, Timestamp},
    connections::DeferredActivator,
    generation::{LoadedModels, ProposalNumber},
};

/// Timeout of the join: a check in progress uses the store, which must be closed in order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

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

/// A complete model file.
struct ModelFile {
    proposal: ProposalNumber,
    version: ModelVersion,
    bytes: Vec<u8>,
}

/// The thread that checks and loads model files.
pub(super) struct LoaderThread {
    files: Latest<ModelFile>,
    results: Receiver<(ProposalNumber, Result<(), String>)>,
    activator: DeferredActivator,
    thread: Thread,
}

impl LoaderThread {
    /// Starts the thread. It ends when this is dropped.
    pub(super) fn start<D: Domain>(loader: &Arc<dyn Loader<D>>, loaded_models: &LoadedModels<D>) -> io::Result<Self> {
        let (files, activator) = (Latest::default(), DeferredActivator::default());
        // Bounded by the number of files.
        let (send, results) = channel();
        let (inbox, wake, loader, loaded_models) =
            (Latest::clone(&files), activator.callback(), Arc::clone(loader), loaded_models.clone());
        let thread = Thread::spawn("model-check", move || load_all(&inbox, &*loader, &loaded_models, &send, wake))?;
        Ok(LoaderThread { files, results, activator, thread })
    }
}

impl Drop for LoaderThread {
    fn drop(&mut self) {
        self.files.close();
        self.thread.join(JOIN_TIMEOUT);
    }
}

fn load_all<D: Domain>(
    files: &Latest<ModelFile>,
    loader: &dyn Loader<D>,
    loaded_models: &LoadedModels<D>,
    results: &Sender<(ProposalNumber, Result<(), String>)>,
    wake: impl Fn(),
) {
    while let Some(ModelFile { proposal, version, bytes }) = files.wait() {
        let loaded = loader.load(&version, &bytes);
        let result = loaded.and_then(|scorer| match scorer.version() == &version {
            true => {
                loaded_models.put(proposal, scorer);
                Ok(())
            }
            false => Err(format!("it says that it is model {}", scorer.version())),
        });
        // It fails when the worker has left.
        let _ = results.send((proposal, result));
        wake();
    }
}

/// The chunks of a file that have arrived.
#[derive(Default)]
struct FileAssembly {
    proposal: ProposalNumber,
    bytes: Vec<u8>,
}

impl FileAssembly {
    /// Adds a chunk; returns the file when it is complete. The first chunk of a new proposal discards the chunks
    /// before.
    fn add(&mut self, chunk: Chunk) -> Result<Option<ModelFile>, String> {
        let Chunk { proposal, version, length, at, bytes } = chunk;
        if proposal != self.proposal {
            *self = FileAssembly { proposal, bytes: Vec::new() };
        }
        if length as u64 > MODEL_BYTES_MAX || at != self.bytes.len() || at + bytes.len() > length {
            return Err(format!("it did not come whole: bytes from {at} on, after {} of {length}", self.bytes.len()));
        }
        self.bytes.extend(bytes);
        let is_complete = self.bytes.len() == length;
        let file = |bytes| ModelFile { proposal, version: ModelVersion::new(&version), bytes };
        Ok(is_complete.then(|| file(std::mem::take(&mut self.bytes))))
    }
}

/// Assembles files, has them checked, and returns a vote on each file that is complete or out of order.
pub(super) fn check_model<'scope>(
    addressed_chunks: StreamVec<'scope, Timestamp, AddressedChunk>,
    position: WorkerPosition,
    loader_thread: Option<LoaderThread>,
) -> StreamVec<'scope, Timestamp, Vote> {
    let scope = addressed_chunks.scope();
    addressed_chunks.unary::<CapacityContainerBuilder<Vec<Vote>>, _, _, _>(Pipeline, "CheckModel", |_, info| {
        if let Some(loader_thread) = &loader_thread {
            loader_thread.activator.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        }
        let mut assembly = FileAssembly::default();
        // Votes are sent on the latest proposal only.
        let mut latest: Option<(ProposalNumber, Capability<Timestamp>)> = None;
        move |input, output| {
            let Some(loader_thread) = &loader_thread else { return };
            let mut votes: Vec<(ProposalNumber, Result<(), String>)> = Vec::new();
            input.for_each_stamp(|capability, containers| {
                for AddressedChunk { chunk, .. } in containers.flat_map(|container| container.drain(..)) {
                    let proposal = chunk.proposal;
                    match assembly.add(chunk) {
                        Ok(None) => continue,
                        Ok(Some(file)) => loader_thread.files.put(file),
                        Err(reason) => votes.push((proposal, Err(reason))),
                    }
                    latest = capability.retain_least(0).map(|capability| (proposal, capability));
                }
            });
            votes.extend(loader_thread.results.try_iter());
            for (proposal, result) in votes {
                if let Some((_, capability)) = latest.take_if(|(number, _)| *number == proposal) {
                    let vote = Vote { proposal, process: position.process(), refused: result.err() };
                    output.session(&capability).give(vote);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(proposal: ProposalNumber, at: usize, bytes: &[u8]) -> Chunk {
        Chunk { proposal, version: "v".into(), length: 6, at, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_file_is_complete_when_all_its_chunks_have_arrived_in_order() {
        let mut assembly = FileAssembly::default();
        assert!(assembly.add(chunk(1, 0, b"abcd")).unwrap().is_none());
        assert_eq!(assembly.add(chunk(1, 4, b"ef")).unwrap().unwrap().bytes, b"abcdef");
        // A new proposal replaces an incomplete file.
        assert!(assembly.add(chunk(2, 0, b"gh")).unwrap().is_none());
        assert!(assembly.add(chunk(3, 0, b"ijk")).unwrap().is_none());
        assert_eq!(assembly.add(chunk(3, 3, b"lmn")).unwrap().unwrap().bytes, b"ijklmn");
        for (at, bytes) in [(1, "late"), (0, "too long")] {
            assert!(assembly.add(chunk(4 + at as u64, at, bytes.as_bytes())).is_err());
        }
        let too_long = Chunk { length: usize::MAX, ..chunk(9, 0, b"a") };
        assert!(assembly.add(too_long).is_err());
    }
}
