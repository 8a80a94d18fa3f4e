//! What the handlers share.

use std::{sync::Arc, time::Duration};

use delaycast::{
    atlas::Atlas,
    delivery::Unavailable,
    log::{Position, Producer, PublishError},
    request::{Request, RequestId, encode},
    store::{Lookup, Outcome},
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use crate::{
    connections::Dropped,
    hosts::Hosts,
    operations::Operations,
    render::{BadTemplate, Pages},
};

/// How long the routes wait, and how much they do at a time.
#[derive(Debug, Clone)]
pub struct Config {
    /// A request that the log has not acknowledged by then is answered with 503.
    pub publish_within: Duration,
    /// A lookup that has not come back by then is answered with 503.
    pub lookup_within: Duration,
    /// So many lookups run at a time; each occupies a thread.
    pub lookups_max: usize,
    /// The page stops asking by itself after this long.
    pub give_up_after: Duration,
    /// Upper bound on open connections. At the bound the one whose client has been waited for longest is dropped for
    /// a new one.
    pub connections_max: usize,
    /// At that bound an address that has this many of them, or more, loses its own first.
    pub address_share: usize,
    /// A connection that has not sent the head of a request by then is closed, also between two requests.
    pub head_within: Duration,
    /// A body that has not arrived in full by then is refused.
    pub body_within: Duration,
    /// A connection that has not taken what was written to it by then is dropped.
    pub write_within: Duration,
    /// A connection that is older is closed after its next response.
    pub life_max: Duration,
    /// A connection is closed after the response to this many requests.
    pub requests_max: u64,
    /// The kernel's buffers of a connection, in each direction; the kernel takes this twice, for its bookkeeping.
    pub kernel_buffer_bytes: usize,
    /// After the word to stop, requests under way have this long to finish.
    pub drain_within: Duration,
    /// The names under which the page may be asked for.
    pub hosts: Hosts,
    /// Counts the connections that are dropped.
    pub dropped: Arc<Dropped>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            publish_within: Duration::from_secs(5),
            lookup_within: Duration::from_secs(5),
            lookups_max: 32,
            give_up_after: Duration::from_secs(30),
            connections_max: 512,
            address_share: 128,
            head_within: Duration::from_secs(15),
            body_within: Duration::from_secs(10),
            write_within: Duration::from_secs(30),
            life_max: Duration::from_secs(600),
            requests_max: 1000,
            kernel_buffer_bytes: 128 << 10,
            drain_within: Duration::from_secs(5),
            hosts: Hosts::Any,
            dropped: Arc::default(),
        }
    }
}

/// What the web is put together from.
#[derive(Clone)]
pub struct Parts {
    /// Where requests go.
    pub requests: Arc<dyn Producer>,
    /// Where answers are found.
    pub answers: Arc<dyn Lookup>,
    /// What the system does.
    pub operations: Arc<dyn Operations>,
    /// The airports and airlines that may be asked about.
    pub atlas: Arc<Atlas>,
    /// Limits.
    pub config: Config,
}

/// The parts, ready for handlers.
pub(crate) struct Site {
    pub(crate) parts: Parts,
    pub(crate) pages: Pages,
    lookups: Arc<Semaphore>,
}

impl Site {
    pub(crate) fn new(parts: Parts) -> Result<Self, BadTemplate> {
        let pages = Pages::new(&parts.atlas)?;
        let lookups = Arc::new(Semaphore::new(parts.config.lookups_max));
        Ok(Site { parts, pages, lookups })
    }

    /// Appends the request to the log, keyed by its id, and waits for the acknowledgement.
    pub(crate) async fn publish(&self, request: &Request) -> Result<Position, PublishError> {
        let (done, acknowledged) = oneshot::channel();
        let report = Box::new(move |result| {
            // Nobody listens any more when the wait is over.
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

    /// Looks a request up on a thread that may block. The permit goes with the thread, not with whoever waits for it:
    /// a lookup that nobody awaits any more still counts until it has ended.
    pub(crate) async fn find(&self, id: &RequestId) -> Result<Option<Outcome>, Unavailable> {
        let (answers, id, lookups) = (Arc::clone(&self.parts.answers), id.clone(), Arc::clone(&self.lookups));
        let found = async move {
            let permit = lookups.acquire_owned().await.map_err(Unavailable::transient)?;
            let lookup = move || {
                let _permit = permit;
                answers.find(id.as_str())
            };
            tokio::task::spawn_blocking(lookup).await.map_err(Unavailable::transient)?
        };
        let within = self.parts.config.lookup_within;
        let too_late = |_| Unavailable::transient(format!("no answer within {within:?}"));
        timeout(within, found).await.map_err(too_late)?
    }
}
