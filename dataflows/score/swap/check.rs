//! Each process puts a model together from its chunks, checks it on a thread of its own, and says whether it is ready.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use engine::{
    answer::ModelVersion,
    domain::Domain,
    model::{Latest, Loader, MODEL_BYTES_MAX},
    runtime::Thread,
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{Capability, Operator},
    },
};

use super::{
    WorkerPosition,
    proposer::{Chunk, Vote},
    send::AddressedChunk,
};
use crate::score::{
    Timestamp,
    generation::{LoadedModels, ProposalNumber},
    wake::LateWaker,
};

/// A whole model file.
struct ModelFile {
    proposal: ProposalNumber,
    version: ModelVersion,
    bytes: Vec<u8>,
}

/// Where whole files are handed in, and what came of them is told.
pub(super) struct LoaderThread {
    files: Latest<ModelFile>,
    checked: Receiver<(ProposalNumber, Result<(), String>)>,
    waker: LateWaker,
    thread: Thread,
}

/// Timeout of the join: a check under way holds on to the store, which is to be closed in good order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

impl LoaderThread {
    /// Starts the thread that checks. It worker_io with the loader_thread.
    pub(super) fn open<D: Domain>(loader: &Arc<dyn Loader<D>>, loaded_models: &LoadedModels<D>) -> io::Result<Self> {
        let (files, waker) = (Latest::default(), LateWaker::default());
        // Bounded by the files handed in.
        let (report, checked) = channel();
        let (inbox, wake, loader, loaded_models) =
            (Latest::clone(&files), waker.wake(), Arc::clone(loader), loaded_models.clone());
        let thread = Thread::spawn("model-check", move || check_all(&inbox, &*loader, &loaded_models, &report, wake))?;
        Ok(LoaderThread { files, checked, waker, thread })
    }
}

impl Drop for LoaderThread {
    fn drop(&mut self) {
        self.files.close();
        self.thread.join(JOIN_TIMEOUT);
    }
}

fn check_all<D: Domain>(
    files: &Latest<ModelFile>,
    loader: &dyn Loader<D>,
    loaded_models: &LoadedModels<D>,
    report: &Sender<(ProposalNumber, Result<(), String>)>,
    wake: impl Fn(),
) {
    while let Some(ModelFile { proposal, version, bytes }) = files.wait() {
        let loaded = loader.load(&version, &bytes);
        let checked = loaded.and_then(|scorer| match scorer.version() == &version {
            true => {
                loaded_models.put(proposal, scorer);
                Ok(())
            }
            false => Err(format!("it says that it is model {}", scorer.version())),
        });
        // The worker has left: then nobody asks.
        let _ = report.send((proposal, checked));
        wake();
    }
}

/// A file of which not all has come yet.
#[derive(Default)]
struct Arriving {
    proposal: ProposalNumber,
    bytes: Vec<u8>,
}

impl Arriving {
    /// Adds a chunk; returns the file once it is whole. A new proposal takes the position of one that is not.
    fn add(&mut self, chunk: Chunk) -> Result<Option<ModelFile>, String> {
        let Chunk { proposal, version, length, at, bytes } = chunk;
        if proposal != self.proposal {
            *self = Arriving { proposal, bytes: Vec::new() };
        }
        if length as u64 > MODEL_BYTES_MAX || at != self.bytes.len() || at + bytes.len() > length {
            return Err(format!("it did not come whole: bytes from {at} on, after {} of {length}", self.bytes.len()));
        }
        self.bytes.extend(bytes);
        let whole = self.bytes.len() == length;
        let file = |bytes| ModelFile { proposal, version: ModelVersion::new(&version), bytes };
        Ok(whole.then(|| file(std::mem::take(&mut self.bytes))))
    }
}

/// Puts files together, has them checked, and yields a vote on each that came whole or in disorder.
pub(super) fn check_model<'scope>(
    addressed_chunks: StreamVec<'scope, Timestamp, AddressedChunk>,
    position: WorkerPosition,
    loader_thread: Option<LoaderThread>,
) -> StreamVec<'scope, Timestamp, Vote> {
    let scope = addressed_chunks.scope();
    addressed_chunks.unary::<CapacityContainerBuilder<Vec<Vote>>, _, _, _>(Pipeline, "CheckModel", |_, info| {
        if let Some(loader_thread) = &loader_thread {
            loader_thread.waker.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        }
        let mut arriving = Arriving::default();
        // The latest proposal alone has a right to be voted on.
        let mut obligation: Option<(ProposalNumber, Capability<Timestamp>)> = None;
        move |input, output| {
            let Some(loader_thread) = &loader_thread else { return };
            let mut votes: Vec<(ProposalNumber, Result<(), String>)> = Vec::new();
            input.for_each_stamp(|capability, containers| {
                for AddressedChunk { chunk, .. } in containers.flat_map(|container| container.drain(..)) {
                    let proposal = chunk.proposal;
                    match arriving.add(chunk) {
                        Ok(None) => continue,
                        Ok(Some(file)) => loader_thread.files.put(file),
                        Err(reason) => votes.push((proposal, Err(reason))),
                    }
                    obligation = capability.retain_least(0).map(|capability| (proposal, capability));
                }
            });
            votes.extend(loader_thread.checked.try_iter());
            for (proposal, checked) in votes {
                if let Some((_, capability)) = obligation.take_if(|(number, _)| *number == proposal) {
                    let vote = Vote { proposal, process: position.process(), refused: checked.err() };
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
    fn a_file_is_whole_once_all_its_pieces_have_come_in_order() {
        let mut arriving = Arriving::default();
        assert!(arriving.add(chunk(1, 0, b"abcd")).unwrap().is_none());
        assert_eq!(arriving.add(chunk(1, 4, b"ef")).unwrap().unwrap().bytes, b"abcdef");
        // A newer one takes the position of one that is not whole.
        assert!(arriving.add(chunk(2, 0, b"gh")).unwrap().is_none());
        assert!(arriving.add(chunk(3, 0, b"ijk")).unwrap().is_none());
        assert_eq!(arriving.add(chunk(3, 3, b"lmn")).unwrap().unwrap().bytes, b"ijklmn");
        for (at, bytes) in [(1, "late"), (0, "too long")] {
            assert!(arriving.add(chunk(4 + at as u64, at, bytes.as_bytes())).is_err());
        }
        let endless = Chunk { length: usize::MAX, ..chunk(9, 0, b"a") };
        assert!(arriving.add(endless).is_err());
    }
}
