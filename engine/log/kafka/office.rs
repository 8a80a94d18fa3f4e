//! A client for questions and commits, apart from the one that reads, and replaced when a call fails.
//!
//! librdkafka reaches a group's coordinator through a connection of its own kind, which at times is not made again after
//! a broker was away: calls then wait in its queue until they time out, for ever (seen with librdkafka 2.12 and a broker
//! that was stopped and started). A new client makes a new connection; the one that reads goes on undisturbed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use super::{context::Quiet, fault::unavailable};
use crate::{delivery::Unavailable, runtime::Mutex};

/// After a failure this many events are served before it is reported: they say why.
pub(super) const EVENTS_MAX: usize = 32;
/// Closing a client may take a while. So many may be at it; while there are more, the one at hand is used on.
const CLOSING_MAX: usize = 4;

pub(super) struct Office {
    config: ClientConfig,
    client: Mutex<Option<Arc<BaseConsumer<Quiet>>>>,
    closing: Arc<AtomicUsize>,
}

impl Office {
    pub(super) fn new(config: ClientConfig) -> Self {
        Office { config, client: Mutex::new(None), closing: Arc::default() }
    }

    /// Makes a call. It may block, and must have a timeout of its own.
    pub(super) fn call<T>(
        &self,
        call: impl FnOnce(&BaseConsumer<Quiet>) -> Result<T, Unavailable>,
    ) -> Result<T, Unavailable> {
        let client = self.client()?;
        call(&client).map_err(|error| {
            if error.needs_operator {
                return error;
            }
            (0..EVENTS_MAX).for_each(|_| drop(client.poll(Duration::ZERO)));
            let complaint = client.context().complaint();
            self.replace(client);
            complaint.unwrap_or(error)
        })
    }

    fn client(&self) -> Result<Arc<BaseConsumer<Quiet>>, Unavailable> {
        let mut client = self.client.lock();
        if let Some(client) = &*client {
            return Ok(Arc::clone(client));
        }
        let new = self.config.create_with_context(Quiet::default());
        let new = Arc::new(new.map_err(|error| unavailable("cannot start a client", &error))?);
        *client = Some(Arc::clone(&new));
        Ok(new)
    }

    /// The next call gets a new client. The old one is closed on a thread of its own.
    fn replace(&self, old: Arc<BaseConsumer<Quiet>>) {
        let mut current = self.client.lock();
        let is_current = current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &old));
        if !is_current || self.closing.load(Ordering::Acquire) >= CLOSING_MAX {
            return;
        }
        self.closing.fetch_add(1, Ordering::AcqRel);
        let (retired, closing) = (current.take(), Arc::clone(&self.closing));
        drop(current);
        let close = move || {
            drop((retired, old));
            closing.fetch_sub(1, Ordering::AcqRel);
        };
        // Without a thread it is dropped here.
        let _ = thread::Builder::new().name("kafka-close".into()).spawn(close);
    }
}
