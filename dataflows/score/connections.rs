//! The log and the store that the workers share, and their health.

use std::sync::Arc;

use engine::{
    delivery::{Health, Unavailable},
    domain::Domain,
    log::Log,
    status::{Status, Wait},
    store::Store,
};

use super::Counters;

/// The log of requests, the store of answers, and the health of both.
pub struct Connections<D: Domain> {
    pub(super) log: Arc<dyn Log>,
    pub(super) store: Arc<dyn Store<D>>,
    pub(super) health: Healths,
}

impl<D: Domain> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Connections { log: Arc::clone(&self.log), store: Arc::clone(&self.store), health: self.health.clone() }
    }
}

/// The health of each activity, as a log that can be read may refuse writes.
#[derive(Clone)]
pub(super) struct Healths {
    pub(super) reading: Arc<Health>,
    pub(super) answers: Arc<Health>,
    pub(super) rejections: Arc<Health>,
    pub(super) dead_letters: Arc<Health>,
}

impl Healths {
    /// Returns an outage, if there is one.
    pub(super) fn outage(&self) -> Option<Unavailable> {
        let all = [&self.answers, &self.dead_letters, &self.rejections, &self.reading];
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
        };
        Connections { log, store, health }
    }

    /// Returns the health of each activity, with a short name.
    pub fn healths(&self) -> [(&'static str, Arc<Health>); 4] {
        let Healths { reading, answers, rejections, dead_letters } = &self.health;
        [("log", reading), ("answers", answers), ("rejections", rejections), ("dead_letters", dead_letters)]
            .map(|(name, health)| (name, Arc::clone(health)))
    }

    /// Returns the status of the scorer that uses these connections and counters.
    pub fn status(&self, counters: &Counters) -> Status {
        let Healths { reading, answers, rejections, dead_letters } = &self.health;
        let all = [
            ("the log", reading),
            ("the store of answers", answers),
            ("the store of rejections", rejections),
            ("the log of dead letters", dead_letters),
        ];
        let waiting = all.into_iter().filter_map(|(what, health)| Some(Wait::new(what, &health.outage()?)));
        Status { in_flight: counters.in_flight(), lag: counters.lag.get(), waiting: waiting.collect() }
    }
}
