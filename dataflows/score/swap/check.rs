//! Each process puts a model together from its pieces, checks it on a thread of its own, and says whether it is ready.

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
    model::{Latest, Loader, MODEL_BYTES_MAX, Scorer},
    runtime::{Mutex, Thread},
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
    Place,
    proposer::{Number, Piece, Vote},
    send::Parcel,
};
use crate::score::{Timestamp, wake::LateWaker};

/// The model that a process is ready to use, or has begun to; its workers share it. One place is enough, as the next
/// proposal is not sent before all workers have taken the one that was announced.
pub(in crate::score) struct Shelf<D: Domain>(Arc<Mutex<Option<Checked<D>>>>);

/// The model of a proposal.
type Checked<D> = (Number, Arc<dyn Scorer<D>>);

impl<D: Domain> Default for Shelf<D> {
    fn default() -> Self {
        Shelf(Arc::default())
    }
}

impl<D: Domain> Clone for Shelf<D> {
    fn clone(&self) -> Self {
        Shelf(Arc::clone(&self.0))
    }
}

impl<D: Domain> Shelf<D> {
    fn put(&self, proposal: Number, scorer: Arc<dyn Scorer<D>>) {
        *self.0.lock() = Some((proposal, scorer));
    }

    /// The model of a proposal that was announced.
    pub(super) fn get(&self, proposal: Number) -> Option<Arc<dyn Scorer<D>>> {
        let shelf = self.0.lock();
        shelf.as_ref().filter(|(number, _)| *number == proposal).map(|(_, scorer)| Arc::clone(scorer))
    }
}

/// A whole model file.
struct ModelFile {
    proposal: Number,
    version: ModelVersion,
    bytes: Vec<u8>,
}

/// Where whole files are handed in, and what came of them is told.
pub(super) struct Desk {
    files: Latest<ModelFile>,
    checked: Receiver<(Number, Result<(), String>)>,
    waker: LateWaker,
    thread: Thread,
}

/// Timeout of the join: a check under way holds on to the store, which is to be closed in good order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

impl Desk {
    /// Starts the thread that checks. It ends with the desk.
    pub(super) fn open<D: Domain>(loader: &Arc<dyn Loader<D>>, shelf: &Shelf<D>) -> io::Result<Self> {
        let (files, waker) = (Latest::default(), LateWaker::default());
        // Bounded by the files handed in.
        let (report, checked) = channel();
        let (inbox, wake, loader, shelf) = (Latest::clone(&files), waker.wake(), Arc::clone(loader), shelf.clone());
        let thread = Thread::spawn("model-check", move || check_all(&inbox, &*loader, &shelf, &report, wake))?;
        Ok(Desk { files, checked, waker, thread })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.files.close();
        self.thread.join(JOIN_TIMEOUT);
    }
}

fn check_all<D: Domain>(
    files: &Latest<ModelFile>,
    loader: &dyn Loader<D>,
    shelf: &Shelf<D>,
    report: &Sender<(Number, Result<(), String>)>,
    wake: impl Fn(),
) {
    while let Some(ModelFile { proposal, version, bytes }) = files.wait() {
        let loaded = loader.load(&version, &bytes);
        let checked = loaded.and_then(|scorer| match scorer.version() == &version {
            true => {
                shelf.put(proposal, scorer);
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
    proposal: Number,
    bytes: Vec<u8>,
}

impl Arriving {
    /// Adds a piece; returns the file once it is whole. A new proposal takes the place of one that is not.
    fn add(&mut self, piece: Piece) -> Result<Option<ModelFile>, String> {
        let Piece { proposal, version, length, at, bytes } = piece;
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
    parcels: StreamVec<'scope, Timestamp, Parcel>,
    place: Place,
    desk: Option<Desk>,
) -> StreamVec<'scope, Timestamp, Vote> {
    let scope = parcels.scope();
    parcels.unary::<CapacityContainerBuilder<Vec<Vote>>, _, _, _>(Pipeline, "CheckModel", |_, info| {
        if let Some(desk) = &desk {
            desk.waker.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        }
        let mut arriving = Arriving::default();
        // The latest proposal alone has a right to be voted on.
        let mut obligation: Option<(Number, Capability<Timestamp>)> = None;
        move |input, output| {
            let Some(desk) = &desk else { return };
            let mut votes: Vec<(Number, Result<(), String>)> = Vec::new();
            input.for_each_stamp(|capability, containers| {
                for Parcel { piece, .. } in containers.flat_map(|container| container.drain(..)) {
                    let proposal = piece.proposal;
                    match arriving.add(piece) {
                        Ok(None) => continue,
                        Ok(Some(file)) => desk.files.put(file),
                        Err(reason) => votes.push((proposal, Err(reason))),
                    }
                    obligation = capability.retain_least(0).map(|capability| (proposal, capability));
                }
            });
            votes.extend(desk.checked.try_iter());
            for (proposal, checked) in votes {
                if let Some((_, capability)) = obligation.take_if(|(number, _)| *number == proposal) {
                    let vote = Vote { proposal, process: place.process(), refused: checked.err() };
                    output.session(&capability).give(vote);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(proposal: Number, at: usize, bytes: &[u8]) -> Piece {
        Piece { proposal, version: "v".into(), length: 6, at, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_file_is_whole_once_all_its_pieces_have_come_in_order() {
        let mut arriving = Arriving::default();
        assert!(arriving.add(piece(1, 0, b"abcd")).unwrap().is_none());
        assert_eq!(arriving.add(piece(1, 4, b"ef")).unwrap().unwrap().bytes, b"abcdef");
        // A newer one takes the place of one that is not whole.
        assert!(arriving.add(piece(2, 0, b"gh")).unwrap().is_none());
        assert!(arriving.add(piece(3, 0, b"ijk")).unwrap().is_none());
        assert_eq!(arriving.add(piece(3, 3, b"lmn")).unwrap().unwrap().bytes, b"ijklmn");
        for (at, bytes) in [(1, "late"), (0, "too long")] {
            assert!(arriving.add(piece(4 + at as u64, at, bytes.as_bytes())).is_err());
        }
        let endless = Piece { length: usize::MAX, ..piece(9, 0, b"a") };
        assert!(arriving.add(endless).is_err());
    }
}
