//! Waits for the outcome of a request that was published. Another process scores it: the store is looked at until the
//! outcome has landed, or time is up.

use std::time::Duration;

use engine::{delivery::Unavailable, request::RequestId, store::Outcome};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};

use crate::{problem::Problem, state::AppState, texts::message};

/// Pause before the first look; a scorer takes two ticks of 10 ms and the store's commit.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Upper bound on the pause, which doubles.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Returns a permit to wait; the error at the bound is a 503, and nothing has been published.
pub(crate) fn permit(state: &AppState) -> Result<OwnedSemaphorePermit, Box<Problem>> {
    state.wait_permit().ok_or_else(|| Problem::unavailable("answer", message!("reason-waiters"), None))
}

/// Looks once.
pub(crate) async fn look(id: &RequestId, state: &AppState) -> Result<Option<Outcome>, Box<Problem>> {
    state.find(id).await.map_err(|error| {
        tracing::warn!(?id, %error, "an answer could not be looked up");
        Problem::unavailable("store", message!("reason-store"), None)
    })
}

/// Waits for an outcome. `None` if it has not landed in time, or the server closes. Fails if the store did not answer
/// the last look.
pub(crate) async fn for_outcome(
    id: &RequestId,
    within: Duration,
    _permit: OwnedSemaphorePermit,
    state: &AppState,
) -> Result<Option<Outcome>, Box<Problem>> {
    let mut failed: Option<Unavailable> = None;
    let look = async {
        let mut pause = FIRST_PAUSE;
        while !state.is_closing() {
            sleep(pause).await;
            match state.find(id).await {
                Ok(Some(outcome)) => return Some(outcome),
                Ok(None) => failed = None,
                // An outage may pass while there is time.
                Err(error) => failed = Some(error),
            }
            pause = (2 * pause).min(PAUSE_MAX);
        }
        None
    };
    let found = timeout(within, look).await.unwrap_or_default();
    match (found, failed) {
        (None, Some(error)) => {
            tracing::warn!(%id, %error, "an answer could not be looked up");
            Err(Problem::unavailable("store", message!("reason-store-later"), Some(id.clone())))
        }
        (found, _) => Ok(found),
    }
}

/// Waits for the document of an answer, as long as the configuration says. A rejection is a 422, and an answer that has
/// not landed in time a 504 that tells the id and where to look later.
pub(crate) async fn for_document(
    id: &RequestId,
    permit: OwnedSemaphorePermit,
    state: &AppState,
) -> Result<serde_json::Map<String, serde_json::Value>, Box<Problem>> {
    let within = state.parts.config.answer_within;
    match for_outcome(id, within, permit, state).await? {
        Some(Outcome::Answered(document)) => Ok(document),
        Some(Outcome::Rejected(reason)) => Err(Problem::rejected(id, reason)),
        None => Err(Problem::too_late(id, within)),
    }
}
