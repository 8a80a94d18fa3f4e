//! Forming a generation: again and again until it stands.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::RngExt;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Door, FORMING, Generation, Link, Peers, Terms, Trust, channel::Fault, follow::follow, lead::lead,
    message::Incarnation,
};

/// Tries follow each other after a pause between this and a quarter of it.
const PAUSE: Duration = Duration::from_millis(200);

/// What a process knows of its cluster.
pub struct Site {
    /// Who and where.
    pub peers: Peers,
    /// What all must agree on; asked for again at each try, because a new model may have come meanwhile.
    pub terms: Box<dyn Fn() -> Terms + Send + Sync>,
    /// How all prove themselves.
    pub trust: Trust,
    /// The number of the last generation that this process knows of, or 0.
    pub last_generation: u64,
    /// How many partitions the log has, as far as this process knows.
    pub partitions: u32,
}

/// A generation that stands.
#[derive(Debug)]
pub struct Formed {
    /// Which.
    pub generation: Generation,
    /// What its processes agree on.
    pub terms: Terms,
    /// To each process by number; none to this one.
    pub links: Vec<Option<Link>>,
    /// The tasks that carry bytes for [`Link::Pumped`]; each ends once both ends have said that nothing follows.
    pub pumps: Vec<JoinHandle<()>>,
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("process {index} ({address}): {fault}")]
    Peer { index: usize, address: String, fault: Fault },
    #[error("process 0 has started over while this one waited for {0}")]
    StartedOver(String),
    #[error("the port was closed")]
    Closed,
    #[error("there is a new model")]
    Outdated,
}

/// What a try waits for, to be told when its time is over.
#[derive(Default)]
pub(super) struct Waiting(Mutex<String>);

impl Waiting {
    pub(super) fn for_(&self, what: impl fmt::Display) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what.to_string();
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One try.
pub(super) struct Attempt<'a> {
    pub(super) site: &'a Site,
    pub(super) terms: Terms,
    pub(super) incarnation: Incarnation,
    pub(super) waiting: Waiting,
}

impl Attempt<'_> {
    /// A fault of process 0; its end says less than what was waited for.
    pub(super) fn of_leader(&self, fault: Fault) -> Failure {
        if fault.is_end() { Failure::StartedOver(self.waiting.get()) } else { self.of(0)(fault) }
    }

    /// A fault of a process, told with its name.
    pub(super) fn of(&self, index: usize) -> impl Fn(Fault) -> Failure + use<'_> {
        let address = self.site.peers.address(index);
        move |fault| Failure::Peer { index, address: address.to_owned(), fault }
    }
}

/// Forms the next generation with the other processes, however long they take. Dropping the future gives up.
pub async fn form(site: &Site, door: &mut Door) -> Formed {
    let mut said = String::new();
    loop {
        let (terms, incarnation) = ((site.terms)(), rand::rng().random());
        let attempt = Attempt { site, terms, incarnation, waiting: Waiting::default() };
        let why = match timeout(FORMING, attempt_once(&attempt, door)).await {
            Ok(Ok(formed)) => return formed,
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => attempt.waiting.get(),
        };
        // The same thing again and again is said once.
        if why != said {
            tracing::warn!("mesh: no generation yet: {why}");
            said = why;
        }
        let pause = PAUSE.mul_f64(rand::rng().random_range(0.25..1.0));
        sleep(pause).await;
    }
}

async fn attempt_once(attempt: &Attempt<'_>, door: &mut Door) -> Result<Formed, Failure> {
    let (generation, channels) = match attempt.site.peers.index() {
        0 => lead(attempt, door).await?,
        _ => follow(attempt, door).await?,
    };
    let mut formed = Formed { generation, terms: attempt.terms.clone(), links: Vec::new(), pumps: Vec::new() };
    for (index, channel) in channels.into_iter().enumerate() {
        let Some(channel) = channel else {
            formed.links.push(None);
            continue;
        };
        let (link, pump) = Link::new(channel.into_wire()).map_err(|error| attempt.of(index)(error.into()))?;
        formed.links.push(Some(link));
        formed.pumps.extend(pump);
    }
    Ok(formed)
}
