//! The connections of the dataflow to its log and store: those that the workers share, with their health, and the
//! reader and the writers that each worker opens.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{Arc, OnceLock, mpsc},
    thread,
};

use engine::{
    answer::Rejection,
    delivery::{Delivery, Health, Unavailable, Writer},
    domain::{Answer, Domain, Follow},
    follow::{Followed, Version},
    log::{DeadLetter, Log, Position, Reader, Share, Start},
    output::{Output, OutputRow},
    runtime::Stop,
    status::{Status, Wait},
    store::Store,
};
use timely::scheduling::SyncActivator;

use super::{
    counters::{BOUNDS_MS, Counters},
    generation::Error,
    observe::Events,
};

/// The log of requests, the store of answers, and the health of both.
pub struct Connections<D: Domain> {
    pub(super) log: Arc<dyn Log>,
    pub(super) store: Arc<dyn Store<D>>,
    pub(super) events: Option<Arc<dyn Events<D>>>,
    pub(super) output: Option<Output>,
    pub(super) health: Healths,
}

impl<D: Domain> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Connections {
            log: Arc::clone(&self.log),
            store: Arc::clone(&self.store),
            events: self.events.clone(),
            output: self.output.clone(),
            health: self.health.clone(),
        }
    }
}

/// The health of each activity, as a log that can be read may refuse writes.
#[derive(Clone)]
pub(super) struct Healths {
    pub(super) reading: Arc<Health>,
    pub(super) answers: Arc<Health>,
    pub(super) rejections: Arc<Health>,
    pub(super) dead_letters: Arc<Health>,
    pub(super) versions: Arc<Health>,
    pub(super) output: Arc<Health>,
}

impl Healths {
    /// Returns an outage, if there is one.
    pub(super) fn outage(&self) -> Option<Unavailable> {
        let all = [&self.answers, &self.output, &self.dead_letters, &self.rejections, &self.versions, &self.reading];
        all.into_iter().find_map(|health| health.outage()).map(|outage| Unavailable::transient(outage.reason))
    }
}

impl<D: Domain> Connections<D> {
    /// Connects an open log and store.
    pub fn new(log: Arc<dyn Log>, store: Arc<dyn Store<D>>) -> Self {
        let of = |what: &str, place: String| Arc::new(Health::new(format!("{what} {place}")));
        let health = Healths {
            reading: of("the log", log.describe()),
            answers: of("the store of answers", store.describe()),
            rejections: of("the store of rejections", store.describe()),
            dead_letters: of("the log of dead letters", log.describe()),
            versions: of("the store of versions", store.describe()),
            output: Arc::new(Health::new("the output topic")),
        };
        Connections { log, store, events: None, output: None, health }
    }

    /// Writes answers and rejections to a topic, too: beside the store, or instead of a store that keeps none.
    pub fn with_output(mut self, output: Output) -> Self {
        self.health.output = Arc::new(Health::new(format!("the output {}", output.describe())));
        Connections { output: Some(output), ..self }
    }

    /// Scores requests with the state that these events make.
    pub fn with_events(self, events: Arc<dyn Events<D>>) -> Self {
        Connections { events: Some(events), ..self }
    }

    /// Returns the health of each activity that answers need, with a short name.
    pub fn healths(&self) -> Vec<(&'static str, Arc<Health>)> {
        let Healths { reading, answers, rejections, dead_letters, versions, output } = &self.health;
        let mut all = vec![
            ("log", reading),
            ("answers", answers),
            ("rejections", rejections),
            ("dead_letters", dead_letters),
            ("versions", versions),
        ];
        all.extend(self.output.is_some().then_some(("output", output)));
        all.into_iter().map(|(name, health)| (name, Arc::clone(health))).collect()
    }

    /// Returns the source of the status of the scorer that uses these connections and counters. It does not hold the
    /// log or the store open.
    pub fn status_source(&self, counters: &Arc<Counters>) -> StatusSource {
        let Healths { reading, answers, rejections, dead_letters, versions, output } = self.health.clone();
        let mut all = vec![
            ("the log", reading),
            ("the store of answers", answers),
            ("the store of rejections", rejections),
            ("the log of dead letters", dead_letters),
            ("the store of versions", versions),
            ("the output topic", output),
        ];
        all.extend(self.events.as_ref().map(|events| ("the log of events", Arc::clone(events.health()))));
        let counters = Arc::clone(counters);
        Arc::new(move || Status {
            in_flight: counters.in_flight(),
            lag: counters.lag.get(),
            waiting: all.iter().filter_map(|(what, health)| Some(Wait::new(what, &health.outage()?))).collect(),
            latencies: counters.latency.get().buckets.into_iter().map(|(_, count)| count).collect(),
            latency_bounds_ms: BOUNDS_MS.to_vec(),
            workers: counters.workers.status(),
            dataflows: counters.graphs.get(),
        })
    }
}

/// Returns the present status of the scorers of a process, or of a cluster.
pub type StatusSource = Arc<dyn Fn() -> Status + Send + Sync>;

/// An activator that is bound after its operator is built. Readers and writers are opened before, with its callback.
/// Until it is bound, the callback does nothing: an operator polls its source when it is first scheduled.
#[derive(Clone, Default)]
pub(crate) struct DeferredActivator(Arc<OnceLock<SyncActivator>>);

impl DeferredActivator {
    /// Returns the callback that activates the operator.
    pub(crate) fn callback(&self) -> impl Fn() + Send + Sync + 'static {
        let target = Arc::clone(&self.0);
        move || {
            if let Some(activator) = target.get() {
                // It fails when the worker has left.
                let _ = activator.activate();
            }
        }
    }

    /// Binds the operator's activator; a second binding has no effect.
    pub(crate) fn bind(&self, activator: SyncActivator) {
        let _ = self.0.set(activator);
    }
}

/// The reader and writers of one worker, each with the activator that its wake callback uses.
pub(super) struct WorkerIo<D: Domain> {
    pub(super) reader: (Rc<RefCell<Box<dyn Reader>>>, DeferredActivator),
    pub(super) answers: AnswerIo<D>,
    pub(super) dead_letters: (Delivery<DeadLetter>, DeferredActivator),
    pub(super) rejections: (Delivery<Rejection>, DeferredActivator),
    /// Of a domain whose answers can be followed.
    pub(super) follow: Option<FollowIo<D>>,
}

/// A writer of answers to a store.
type StoreIo<D> = (Delivery<Answer<D>>, DeferredActivator);
/// A writer of messages to the output topic.
pub(super) type OutputIo<D> = (Delivery<OutputRow<D>>, DeferredActivator);

/// The writers of answers.
pub(super) enum AnswerIo<D: Domain> {
    /// The store alone.
    Store(StoreIo<D>),
    /// The store and the output topic.
    Both(StoreIo<D>, OutputIo<D>),
    /// The output topic alone: the store keeps no answers.
    Output(OutputIo<D>),
}

/// A worker's part of following: the writer of versions, and the requests that were followed before.
pub(super) struct FollowIo<D: Domain> {
    pub(super) follow: &'static dyn Follow<D>,
    pub(super) versions: (Delivery<Version<D>>, DeferredActivator),
    pub(super) resumed: Vec<Followed>,
}

/// The opening of one worker's reader and writers, on another thread: it lasts as long as an outage, and the worker
/// must go on sending heartbeats.
pub(super) struct Opening<D: Domain>(mpsc::Receiver<Result<Option<Opened<D>>, Error>>);

impl<D: Domain> Opening<D> {
    /// `owns` tells whether the worker answers the request at a position.
    pub(super) fn start(
        share: Share,
        owns: impl Fn(Position) -> bool + Send + 'static,
        connections: &Connections<D>,
        stop: &Stop,
    ) -> Result<Self, Error> {
        let (send, result) = mpsc::sync_channel(1);
        let (connections, stop, worker) = (connections.clone(), stop.clone(), thread::current());
        let open = move || {
            // A worker that has left does not need the result.
            let _ = send.send(open(share, owns, &connections, &stop));
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
    answers: AnswerIo<D>,
    dead_letters: (Delivery<DeadLetter>, DeferredActivator),
    rejections: (Delivery<Rejection>, DeferredActivator),
    follow: Option<FollowIo<D>>,
}

impl<D: Domain> Opened<D> {
    fn into_worker_io(self) -> WorkerIo<D> {
        let Opened { reader: (reader, activator), answers, dead_letters, rejections, follow } = self;
        WorkerIo { reader: (Rc::new(RefCell::new(reader)), activator), answers, dead_letters, rejections, follow }
    }
}

/// Opens one worker's reader and writers; `None` if a stop interrupts an outage. Without an outage it finishes also
/// after a stop: a worker that leaves without its part holds the frontier of the others, and they would take its
/// process for a failed one.
fn open<D: Domain>(
    share: Share,
    owns: impl Fn(Position) -> bool,
    connections: &Connections<D>,
    stop: &Stop,
) -> Result<Option<Opened<D>>, Error> {
    let Connections { log, store, health, .. } = connections;
    let activator = DeferredActivator::default();
    let open_reader =
        || log.reader(share, Start::Committed, Arc::new(activator.callback()), Arc::clone(&health.reading));
    let Some(reader) = health.reading.retry_at_least_once(stop, open_reader) else { return Ok(None) };
    let Some(answers) = open_answers(share, connections, stop)? else { return Ok(None) };
    let Some(rejections) = health.rejections.retry_at_least_once(stop, || store.rejections()) else { return Ok(None) };
    let Some(dead_letters) = health.dead_letters.retry_at_least_once(stop, || log.dead_letters()) else {
        return Ok(None);
    };
    let follow = match D::FOLLOW.filter(|_| store.keeps_answers()) {
        None => None,
        Some(follow) => {
            let Some(versions) = health.versions.retry_at_least_once(stop, || store.versions()) else {
                return Ok(None);
            };
            let Some(mut resumed) = health.versions.retry_at_least_once(stop, || store.followed()) else {
                return Ok(None);
            };
            resumed.retain(|followed| owns(followed.begin.position));
            let versions = deliver("versions", share, versions, &health.versions)?;
            Some(FollowIo { follow, versions, resumed })
        }
    };
    Ok(Some(Opened {
        reader: (reader, activator),
        answers,
        rejections: deliver("rejections", share, rejections, &health.rejections)?,
        dead_letters: deliver("dead-letters", share, dead_letters, &health.dead_letters)?,
        follow,
    }))
}

/// Opens the writers of answers; `None` if a stop interrupts it.
fn open_answers<D: Domain>(
    share: Share,
    Connections { store, output, health, .. }: &Connections<D>,
    stop: &Stop,
) -> Result<Option<AnswerIo<D>>, Error> {
    let output = match output {
        None => None,
        Some(output) => {
            let Some(writer) = health.output.retry_at_least_once(stop, || output.writer()) else { return Ok(None) };
            Some(deliver("messages", share, writer, &health.output)?)
        }
    };
    if !store.keeps_answers()
        && let Some(output) = output
    {
        return Ok(Some(AnswerIo::Output(output)));
    }
    let Some(answers) = health.answers.retry_at_least_once(stop, || store.answers()) else { return Ok(None) };
    let answers = deliver("answers", share, answers, &health.answers)?;
    Ok(Some(match output {
        None => AnswerIo::Store(answers),
        Some(output) => AnswerIo::Both(answers, output),
    }))
}

fn deliver<T: Send + 'static>(
    name: &str,
    share: Share,
    writer: Box<dyn Writer<T>>,
    health: &Arc<Health>,
) -> io::Result<(Delivery<T>, DeferredActivator)> {
    let activator = DeferredActivator::default();
    let name = format!("{name}-{}", share.index);
    Ok((Delivery::start(&name, writer, activator.callback(), Arc::clone(health))?, activator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Readings;

    fn opened_after_a_stop(url: &str, before: impl FnOnce()) -> bool {
        let (log, store) = (engine::log::open::<Readings>(url).unwrap(), engine::store::open::<Readings>(url).unwrap());
        let (connections, stop) = (Connections::new(log, store), Stop::default());
        before();
        stop.request();
        open(Share { index: 0, peers: 1 }, |_| true, &connections, &stop).unwrap().is_some()
    }

    #[test]
    fn a_stop_interrupts_the_opening_only_in_an_outage() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}?topic=readings&partitions=1", dir.path().join("readings.db").display());
        assert!(opened_after_a_stop(&url, || ()));
        assert!(!opened_after_a_stop(&url, || dir.close().unwrap()));
    }
}
