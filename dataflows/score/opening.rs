//! Opening a worker's reader and writers.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
};

use engine::{
    answer::{Answer, Rejection},
    delivery::{Delivery, Health, Writer},
    domain::Domain,
    log::{DeadLetter, Reader, Share},
    runtime::Stop,
};

use super::{Connections, Error, WorkerIo, wake::LateWaker};

/// One worker's reader and writers, being opened on a thread of their own: that may take as long as an outage, and the
/// worker must be heard meanwhile.
pub(super) struct Opening<D: Domain>(mpsc::Receiver<Result<Option<Opened<D>>, Error>>);

impl<D: Domain> Opening<D> {
    pub(super) fn start(share: Share, connections: &Connections<D>, stop: &Stop) -> Result<Self, Error> {
        let (send, done) = mpsc::sync_channel(1);
        let (connections, stop, worker) = (connections.clone(), stop.clone(), thread::current());
        let open = move || {
            // The worker has left: then nobody wants them.
            let _ = send.send(open(share, &connections, &stop));
            worker.unpark();
        };
        thread::Builder::new().name(format!("open-{}", share.index)).spawn(open)?;
        Ok(Opening(done))
    }

    /// What came of it, once; `Some(None)` if told to stop meanwhile.
    pub(super) fn done(&self) -> Option<Result<Option<WorkerIo<D>>, Error>> {
        match self.0.try_recv() {
            Ok(opened) => Some(opened.map(|opened| opened.map(Opened::into_ends))),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Err(Error::Broken("what it opens died".into()))),
        }
    }
}

/// What [`WorkerIo`] is made of, fit to go from one thread to another.
struct Opened<D: Domain> {
    reader: (Box<dyn Reader>, LateWaker),
    answers: (Delivery<Answer<D>>, LateWaker),
    dead_letters: (Delivery<DeadLetter>, LateWaker),
    rejections: (Delivery<Rejection>, LateWaker),
}

impl<D: Domain> Opened<D> {
    fn into_ends(self) -> WorkerIo<D> {
        let Opened { reader: (reader, waker), answers, dead_letters, rejections } = self;
        WorkerIo { reader: (Rc::new(RefCell::new(reader)), waker), answers, dead_letters, rejections }
    }
}

/// Opens one worker's reader and writers. `None` if told to stop meanwhile.
fn open<D: Domain>(share: Share, connections: &Connections<D>, stop: &Stop) -> Result<Option<Opened<D>>, Error> {
    let Connections { log, store, health } = connections;
    let waker = LateWaker::default();
    let open_reader = || log.reader(share, Arc::new(waker.wake()), Arc::clone(&health.reading));
    let Some(reader) = health.reading.retry(stop, open_reader) else { return Ok(None) };
    let Some(answers) = health.answers.retry(stop, || store.answers()) else { return Ok(None) };
    let Some(rejections) = health.rejections.retry(stop, || store.rejections()) else { return Ok(None) };
    let Some(dead_letters) = health.dead_letters.retry(stop, || log.dead_letters()) else { return Ok(None) };
    Ok(Some(Opened {
        reader: (reader, waker),
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
) -> std::io::Result<(Delivery<T>, LateWaker)> {
    let waker = LateWaker::default();
    let name = format!("{name}-{}", share.index);
    Ok((Delivery::start(&name, writer, waker.wake(), Arc::clone(health))?, waker))
}
