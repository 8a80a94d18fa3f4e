//! The index while it is prepared, and once it is there.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use engine::runtime::{Mutex, Stop};

use super::{error::ExploreError, index::Index, source::Source};

/// The reason why there is no index yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It is being prepared; so many percent are done.
    #[error("the history is being prepared: {0} % are done")]
    Preparing(u8),
    /// It could not be prepared.
    #[error("the history could not be prepared: {0}")]
    Failed(String),
}

/// An index that one thread prepares and others ask for. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Preparation(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    percent: AtomicU8,
    outcome: Mutex<Option<Result<Arc<Index>, String>>>,
}

impl Preparation {
    /// Returns a preparation that has ended.
    pub fn ready(index: Index) -> Self {
        let preparation = Preparation::default();
        *preparation.0.outcome.lock() = Some(Ok(Arc::new(index)));
        preparation
    }

    /// Returns a preparation that has failed.
    pub fn failed(reason: &str) -> Self {
        let preparation = Preparation::default();
        *preparation.0.outcome.lock() = Some(Err(reason.to_owned()));
        preparation
    }

    /// Returns the index, or the reason why there is none.
    pub fn get(&self) -> Result<Arc<Index>, NotReady> {
        match &*self.0.outcome.lock() {
            Some(Ok(index)) => Ok(Arc::clone(index)),
            Some(Err(reason)) => Err(NotReady::Failed(reason.clone())),
            None => Err(NotReady::Preparing(self.0.percent.load(Ordering::Relaxed))),
        }
    }

    /// Opens the index, or builds it. Blocks for as long as a build takes. A failure is logged and kept.
    pub fn run(&self, source: &Source, file: &Path, stop: &Stop) {
        let report = |percent| self.0.percent.store(percent, Ordering::Relaxed);
        let outcome = match Index::open_or_build(source, file, stop, &report) {
            Ok(index) => Ok(Arc::new(index)),
            // The process ends.
            Err(ExploreError::Stopped) => return,
            Err(error) => {
                let reason = with_causes(&error);
                tracing::warn!("the pages of the history are not available: {reason}");
                Err(reason)
            }
        };
        *self.0.outcome.lock() = Some(outcome);
    }
}

/// Returns an error and its causes as one text.
fn with_causes(error: &ExploreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
