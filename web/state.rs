//! The state that handlers share, and the limits they keep.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use delaycast::{
    airports::Airports,
    explore::{ExploreError, Index, NotReady, Preparation},
    phrase::Names,
    request::{Request, encode},
};
use engine::{
    clock,
    delivery::Unavailable,
    log::{DeadLetters, Position, Producer, PublishError},
    request::RequestId,
    store::{Batches, Lookup, Outcome},
};
use serde_json::{Map, Value};
use server::{AllowedHosts, ConnectionConfig, Operations};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time::timeout,
};

use crate::{
    access::OperationsAccess,
    problem::Problem,
    rate::{QuestionRate, RateConfig},
    render::{BadTemplate, Page, Partial, Renderer},
    replay::Replay,
    replays::Replays,
    texts::message,
    v1::{CorsOrigin, KeyTable},
};

/// Limits of the server and its routes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Deadline of the log's acknowledgement; after it the response is 503.
    pub publish_within: Duration,
    /// Deadline of a lookup; after it the response is 503.
    pub lookup_within: Duration,
    /// Deadline of a look at the dead letters, or of sending one back; after it the response is 503.
    pub letters_within: Duration,
    /// Upper bound on concurrent lookups; each occupies a thread.
    pub lookups_max: usize,
    /// Upper bound on concurrent questions about the history; each occupies a thread.
    pub explorations_max: usize,
    /// Upper bound on the pages that are followed by events; others look for versions from time to time.
    pub followers_max: usize,
    /// Upper bound on the files of questions that are answered at once.
    pub bulks_max: usize,
    /// Deadline of an answer that a client waits for; after it the response is 504.
    pub answer_within: Duration,
    /// Upper bound on the clients that wait for answers; others get a 503.
    pub waiters_max: usize,
    /// The page stops polling after this time.
    pub give_up_after: Duration,
    /// The bounds of connections.
    pub connections: ConnectionConfig,
    /// The form asks for the weather: the model takes it.
    pub asks_weather: bool,
    /// The allowed values of `Host`.
    pub hosts: AllowedHosts,
    /// The sites whose scripts may use the API.
    pub cors: Vec<CorsOrigin>,
    /// The access to the operations.
    pub operations: OperationsAccess,
    /// The limit on the questions of each client.
    pub rate: RateConfig,
    /// The day that is replayed, if one is: flights are asked about as of its time.
    pub replay: Option<Arc<dyn Replay>>,
}

impl fmt::Debug for dyn Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replay")
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            publish_within: Duration::from_secs(5),
            lookup_within: Duration::from_secs(5),
            letters_within: Duration::from_secs(15),
            lookups_max: 32,
            explorations_max: 8,
            followers_max: 128,
            bulks_max: 4,
            answer_within: Duration::from_secs(10),
            waiters_max: 64,
            give_up_after: Duration::from_secs(30),
            connections: ConnectionConfig::default(),
            asks_weather: false,
            hosts: AllowedHosts::Any,
            cors: Vec::new(),
            operations: OperationsAccess::default(),
            rate: RateConfig::default(),
            replay: None,
        }
    }
}

/// The dependencies of the routes.
#[derive(Clone)]
pub struct Parts {
    /// The request log.
    pub requests: Arc<dyn Producer>,
    /// The prediction store.
    pub answers: Arc<dyn Lookup>,
    /// The tasks of batches in that store, and their results.
    pub batches: Arc<dyn Batches>,
    /// The source of `/ops`.
    pub operations: Arc<dyn Operations>,
    /// The dead letters of the log.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The dead letters of the log of events, if there is one.
    pub event_letters: Option<Arc<dyn DeadLetters>>,
    /// The known airports and airlines.
    pub airports: Arc<Airports>,
    /// The index over the history, which may still be prepared.
    pub history: Preparation,
    /// Limits.
    pub config: Config,
}

impl Parts {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.config.replay.as_ref().and_then(|replay| replay.now()).unwrap_or_else(clock::now)
    }
}

/// The parts and the compiled templates.
pub(crate) struct AppState {
    pub(crate) parts: Parts,
    pub(crate) renderer: Renderer,
    pub(crate) rate: QuestionRate,
    lookups: Arc<Semaphore>,
    explorations: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    bulks: Arc<Semaphore>,
    waiters: Arc<Semaphore>,
    /// One permit: a look at the dead letters takes memory.
    pub(crate) letters: Arc<Semaphore>,
    pub(crate) replays: Replays,
    closing: Closing,
    /// The keys of questions that clients repeat.
    pub(crate) asked: KeyTable,
    names_by_routes: Arc<Names>,
    names_by_flights: OnceLock<Arc<Names>>,
}

/// Becomes true when the server begins to close.
pub(crate) type Closing = watch::Receiver<bool>;

impl AppState {
    pub(crate) fn new(
        parts: Parts,
        pages: &'static [Page],
        partials: &'static [Partial],
        closing: Closing,
    ) -> Result<Self, BadTemplate> {
        let renderer = Renderer::new(pages, partials, &parts.airports)?;
        let rate = QuestionRate::new(parts.config.rate);
        let lookups = Arc::new(Semaphore::new(parts.config.lookups_max));
        let explorations = Arc::new(Semaphore::new(parts.config.explorations_max));
        let followers = Arc::new(Semaphore::new(parts.config.followers_max));
        let bulks = Arc::new(Semaphore::new(parts.config.bulks_max));
        let waiters = Arc::new(Semaphore::new(parts.config.waiters_max));
        let names_by_routes = Arc::new(Names::new(Arc::clone(&parts.airports), &BTreeMap::new()));
        let names_by_flights = OnceLock::new();
        Ok(AppState {
            parts,
            renderer,
            rate,
            lookups,
            explorations,
            followers,
            bulks,
            waiters,
            letters: Arc::new(Semaphore::new(1)),
            replays: Replays::default(),
            closing,
            asked: KeyTable::default(),
            names_by_routes,
            names_by_flights,
        })
    }

    /// The time as of which flights are asked about: that of the day that is replayed, or now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.parts.now()
    }

    /// The names of airports and airlines. Once the history is there, airports are ordered by their flights.
    pub(crate) async fn names(self: &Arc<Self>) -> Arc<Names> {
        if let Some(names) = self.names_by_flights.get() {
            return Arc::clone(names);
        }
        let airports = Arc::clone(&self.parts.airports);
        let by_flights =
            self.explore(move |index| Ok(Names::new(airports, &index.airport_flights()?.into_iter().collect())));
        match by_flights.await {
            Ok(names) => Arc::clone(self.names_by_flights.get_or_init(|| Arc::new(names))),
            Err(_) => Arc::clone(&self.names_by_routes),
        }
    }

    /// Returns whether the server closes: responses that go on must end.
    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Returns a permit for one more page that is followed; `None` at the bound.
    pub(crate) fn follow_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.followers).try_acquire_owned().ok()
    }

    /// Returns a permit to answer a file; `None` at the bound.
    pub(crate) fn bulk_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.bulks).try_acquire_owned().ok()
    }

    /// Returns a permit for one more client that waits for an answer; `None` at the bound.
    pub(crate) fn wait_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiters).try_acquire_owned().ok()
    }

    /// Appends the request to the log, keyed by its id, and waits for the acknowledgement.
    pub(crate) async fn publish(&self, request: &Request) -> Result<Position, PublishError> {
        let (done, acknowledged) = oneshot::channel();
        let report = Box::new(move |result| {
            // The receiver is gone once the deadline has passed.
            let _ = done.send(result);
        });
        self.parts.requests.publish(Some(request.id.as_str()), encode(request).into_bytes(), report);
        let within = self.parts.config.publish_within;
        match timeout(within, acknowledged).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Unavailable::transient("it gave up without saying why").into()),
            Err(_) => Err(Unavailable::transient(format!("no acknowledgement within {within:?}")).into()),
        }
    }

    /// Looks an answer up.
    pub(crate) async fn find(&self, id: &RequestId) -> Result<Option<Outcome>, Unavailable> {
        let id = id.clone();
        self.look_up(move |answers| answers.find(id.as_str())).await
    }

    /// Looks up the versions of an answer whose numbers are above `after`.
    pub(crate) async fn versions(&self, id: &RequestId, after: u32) -> Result<Vec<Map<String, Value>>, Unavailable> {
        let id = id.clone();
        self.look_up(move |answers| answers.versions(id.as_str(), after)).await
    }

    /// Asks the history something on a blocking thread; the index has a deadline of its own for each query.
    pub(crate) async fn explore<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Index) -> Result<T, ExploreError> + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        let index = self.parts.history.get().map_err(|not_ready| match not_ready {
            NotReady::Preparing(percent) => Problem::preparing(percent),
            NotReady::Failed(_) => Problem::without_history(),
        })?;
        let explorations = Arc::clone(&self.explorations);
        let asked = async move {
            let permit = explorations.acquire_owned().await.map_err(|error| error.to_string())?;
            let query = move || {
                let _permit = permit;
                ask(&index)
            };
            let answered = tokio::task::spawn_blocking(query).await.map_err(|error| error.to_string())?;
            answered.map_err(|error| error.to_string())
        };
        let within = self.parts.config.lookup_within;
        let answered = timeout(within, asked).await.unwrap_or_else(|_| Err(format!("no answer within {within:?}")));
        answered.map_err(|error| {
            tracing::warn!(%error, "a question about the history was not answered");
            Problem::unavailable("history", message!("reason-history"), None)
        })
    }

    /// Asks for tasks and results of batches, or adds some, within the bounds of look-ups.
    pub(crate) async fn batches<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Batches) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        let batches = Arc::clone(&self.parts.batches);
        self.on_thread(move || ask(&*batches)).await.map_err(|error| {
            tracing::warn!(%error, "the tasks and results of batches are not there");
            Problem::unavailable("store", message!("reason-batches"), None)
        })
    }

    /// Looks something up in the answers.
    async fn look_up<T: Send + 'static>(
        &self,
        find: impl FnOnce(&dyn Lookup) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let answers = Arc::clone(&self.parts.answers);
        self.on_thread(move || find(&*answers)).await
    }

    /// Asks the store on a blocking thread. The thread holds the permit: a call that is no longer awaited counts until
    /// it has ended.
    async fn on_thread<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let lookups = Arc::clone(&self.lookups);
        let found = async move {
            let permit = lookups.acquire_owned().await.map_err(Unavailable::transient)?;
            let lookup = move || {
                let _permit = permit;
                ask()
            };
            tokio::task::spawn_blocking(lookup).await.map_err(Unavailable::transient)?
        };
        let within = self.parts.config.lookup_within;
        let too_late = |_| Unavailable::transient(format!("no answer within {within:?}"));
        timeout(within, found).await.map_err(too_late)?
    }
}
