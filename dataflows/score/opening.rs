//! Opening a worker's reader and writers.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
};

use engine::{
    answer::Rejection,
    delivery::{Delivery, Health, Writer},
    domain::{Answer, Domain},
    log::{DeadLetter, Reader, Share},
    runtime::Stop,
};

use super::{Connections, Error, WorkerIo, wake::DeferredActivator};

/// The opening of one worker's reader and writers, on another thread: it lasts as long as an outage, and the worker
/// must go on sending heartbeats.
pub(super) struct Opening<D: Domain>(mpsc::Receiver<Result<Option<Opened<D>>, Error>>);

impl<D: Domain> Opening<D> {
    pub(super) fn start(share: Share, connections: &Connections<D>, stop: &Stop) -> Result<Self, Error> {
        let (send, result) = mpsc::sync_channel(1);
        let (connections, stop, worker) = (connections.clone(), stop.clone(), thread::current());
        let open = move || {
            // A worker that has left does not need the result.
            let _ = send.send(open(share, &connections, &stop));
            worker.unpark();
        };
        thread::Builder::new().name(format!("open-{}", share.index)).spawn(open)?;
        Ok(Opening(result))
    }

    /// Returns the result once, when there is one; `Some(None)` if a stop has interrupted the opening.
    pub(super) fn poll(&self) -> Option<Result<Option<WorkerIo<D>>, Error>> {
        match self.0.try_recv() {
            Ok(opened) => Some(opened.map(|opened| opened.map(Opened::into_worker_io))),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Err(Error::Broken("what it opens died".into()))),
        }
    }
}

/// The parts of [`WorkerIo`] in a form that can be sent to another thread.
struct Opened<D: Domain> {
    reader: (Box<dyn Reader>, DeferredActivator),
    answers: (Delivery<Answer<D>>, DeferredActivator),
    dead_letters: (Delivery<DeadLetter>, DeferredActivator),
    rejections: (Delivery<Rejection>, DeferredActivator),
}

impl<D: Domain> Opened<D> {
    fn into_worker_io(self) -> WorkerIo<D> {
        let Opened { reader: (reader, activator), answers, dead_letters, rejections } = self;
        WorkerIo { reader: (Rc::new(RefCell::new(reader)), activator), answers, dead_letters, rejections }
    }
}

/// Opens one worker's reader and writers; `None` if a stop interrupts it.
fn open<D: Domain>(share: Share, connections: &Connections<D>, stop: &Stop) -> Result<Option<Opened<D>>, Error> {
    let Connections { log, store, health } = connections;
    let activator = DeferredActivator::default();
    let open_reader = || log.reader(share, Arc::new(activator.callback()), Arc::clone(&health.reading));
    let Some(reader) = health.reading.retry(stop, open_reader) else { return Ok(None) };
    let Some(answers) = health.answers.retry(stop, || store.answers()) else { return Ok(None) };
    let Some(rejections) = health.rejections.retry(stop, || store.rejections()) else { return Ok(None) };
    let Some(dead_letters) = health.dead_letters.retry(stop, || log.dead_letters()) else { return Ok(None) };
    Ok(Some(Opened {
        reader: (reader, activator),
        answers: deliver("answers", share, answers, &health.answers)?,
        rejections: deliver("rejections", share, rejections, &health.rejections)?,
        dead_letters: deliver("dead-letters", share, dead_letters, &health.dead_letters)?,
    }))
}

fn deliver<T: Send + 'static>(
    name: &str,
    share: Share,
    writer: Box<dyn Writer<T>>,
    health: &Arc<Health>,
) -> std::io::Result<(Delivery<T>, DeferredActivator)> {
    let activator = DeferredActivator::default();
    let name = format!("{name}-{}", share.index);
    Ok((Delivery::start(&name, writer, activator.callback(), Arc::clone(health))?, activator))
}
