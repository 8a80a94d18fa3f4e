//! The opening of one worker's reader of events and of its writer of dead letters.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use engine::{
    delivery::{Delivery, Health},
    log::{DeadLetter, OpenLog, PartitionId, Reader, Share, Start},
    runtime::Stop,
};
use timely::scheduling::SyncActivator;

use crate::score::DeferredActivator;

/// A reader of events and a writer of dead letters, as they come from the thread that opens them.
pub(super) struct Opened {
    pub(super) reader: Box<dyn Reader>,
    /// The partitions that it owns.
    pub(super) partitions: usize,
    pub(super) dead_letters: Delivery<DeadLetter>,
}

/// The opening of one worker's reader, on another thread: it lasts as long as an outage.
pub(super) struct Opening {
    opened: mpsc::Receiver<Opened>,
    activator: DeferredActivator,
}

impl Opening {
    pub(super) fn start(share: Share, open_log: &Arc<OpenLog>, health: &Arc<Health>, stop: &Stop) -> Self {
        let (send, opened) = mpsc::sync_channel(1);
        let activator = DeferredActivator::default();
        let (open_log, health, stop, wake) =
            (Arc::clone(open_log), Arc::clone(health), stop.clone(), Arc::new(activator.callback()));
        let run = move || match open(share, &*open_log, &health, &stop, wake) {
            Ok(Some(opened)) => {
                // A worker that has left does not need it; the activator finds the worker by itself.
                let _ = send.send(opened);
            }
            Ok(None) => {}
            Err(error) => tracing::error!("cannot start a thread for events: answers are given without them: {error}"),
        };
        if let Err(error) = thread::Builder::new().name(format!("open-events-{}", share.index)).spawn(run) {
            tracing::error!("cannot start a thread for events: answers are given without them: {error}");
        }
        Opening { opened, activator }
    }

    /// Binds the operator that is activated when there is something to read.
    pub(super) fn bind(&self, activator: SyncActivator) {
        self.activator.bind(activator);
    }

    /// Returns what was opened, once.
    pub(super) fn poll(&self) -> Option<Opened> {
        self.opened.try_recv().ok()
    }
}

/// Opens the log, and one worker's reader and writer; `None` if a stop interrupts it.
fn open(
    share: Share,
    open_log: &OpenLog,
    health: &Arc<Health>,
    stop: &Stop,
    wake: Arc<impl Fn() + Send + Sync + 'static>,
) -> io::Result<Option<Opened>> {
    let Some(log) = health.retry(stop, open_log) else { return Ok(None) };
    let Some(partitions) = health.retry(stop, || log.partitions()) else { return Ok(None) };
    let partitions = (0..partitions).filter(|number| share.owns(PartitionId(*number))).count();
    let open_reader = || log.reader(share, Start::Earliest, wake.clone(), Arc::clone(health));
    let Some(reader) = health.retry(stop, open_reader) else { return Ok(None) };
    let Some(writer) = health.retry(stop, || log.dead_letters()) else { return Ok(None) };
    let (name, settled) = (format!("dead-events-{}", share.index), Arc::clone(&wake));
    let dead_letters = Delivery::start(&name, writer, move || settled(), Arc::clone(health))?;
    Ok(Some(Opened { reader, partitions, dead_letters }))
}
