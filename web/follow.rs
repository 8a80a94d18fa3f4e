//! The versions of a followed answer: as JSON, and as server-sent events when they land.

use std::{convert::Infallible, sync::Arc, time::Duration};

use engine::{
    follow::{FollowState, FollowedVersion},
    request::RequestId,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use server::Accepts;
use tokio::{sync::OwnedSemaphorePermit, time::sleep};
use warp::{
    Reply,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    sse::{self, Event},
};

use crate::{
    api::read_id,
    body::urlencoded,
    field_error::FieldError,
    problem::{HandlerResult, Problem},
    reply::json_text,
    state::AppState,
};

/// Interval at which a stream looks for versions.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Time after which a stream without a version ends: nothing follows the request.
const FIRST_WITHIN: Duration = Duration::from_secs(30);
/// Interval of the comments that keep a connection open through proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The time after which a client connects again.
const RECONNECT_AFTER: Duration = Duration::from_secs(3);
/// The number of the last version that a client has seen, when it connects again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET …/response/<uuid>/versions?after=N`: the versions with numbers above N, as documents.
pub(crate) async fn versions(id: String, query: String, headers: HeaderMap, state: Arc<AppState>) -> HandlerResult {
    let id = read_id(&id).map_err(Problem::invalid)?;
    let after = after(&query).map_err(Problem::invalid)?;
    let versions = find(&state, &id, after).await?;
    let body = json!({ "status": "OK", "id": id.as_str(), "versions": versions });
    Ok(json_text(StatusCode::OK, &body, Accepts::of(&headers)))
}

/// `GET …/response/<uuid>/events`: an event `version` for each version. Its id is the number, and its data a JSON
/// object with `version` and `state`: `followed`, or `ended` or `refused`, after which the stream ends. A client that
/// connects again gets the last version that it has seen once more, so that it knows whether others come.
pub(crate) async fn events(id: String, headers: HeaderMap, state: Arc<AppState>) -> HandlerResult {
    let id = read_id(&id).map_err(Problem::invalid)?;
    stream(id, &headers, state).await
}

/// Responds with the versions as events.
pub(crate) async fn stream(id: RequestId, headers: &HeaderMap, state: Arc<AppState>) -> HandlerResult {
    let Some(permit) = state.follow_permit() else {
        let reason = "too many pages are followed. Look for versions from time to time".to_owned();
        return Err(Problem::unavailable("page", reason, None));
    };
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let after = last.unwrap_or(0).saturating_sub(1);
    // An outage shows at once, as a status.
    let first = find(&state, &id, after).await?;
    let events = Watch { id, after, state, found: first, waited: Duration::ZERO, has_ended: false, _permit: permit };
    let mut response = sse::reply(sse::keep_alive().interval(KEEP_ALIVE).stream(events.into_stream())).into_response();
    // Asks nginx not to hold events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn after(query: &str) -> Result<u32, FieldError> {
    let pairs = urlencoded(query, "query")?;
    let after = pairs.into_iter().find(|(name, _)| name == "after").map(|(_, value)| value.unwrap_or_default());
    let wrong = |_| FieldError::new("after", "must be the number of a version");
    after.map_or(Ok(0), |after| after.parse().map_err(wrong))
}

/// Looks up the versions with numbers above `after`.
pub(crate) async fn find(
    state: &AppState,
    id: &RequestId,
    after: u32,
) -> Result<Vec<Map<String, Value>>, Box<Problem>> {
    state.versions(id, after).await.map_err(|error| {
        tracing::warn!(?id, %error, "versions could not be looked up");
        Problem::unavailable("store", "the store does not answer. Ask again".to_owned(), None)
    })
}

/// The versions of an answer, as they land.
struct Watch {
    id: RequestId,
    after: u32,
    state: Arc<AppState>,
    found: Vec<Map<String, Value>>,
    /// The time for which there was no version at all.
    waited: Duration,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let batches = stream::unfold(self, |mut watch| async move {
            if watch.has_ended {
                return None;
            }
            while watch.found.is_empty() {
                if watch.state.is_closing() || watch.waited >= FIRST_WITHIN {
                    return None;
                }
                sleep(LOOK_EVERY).await;
                if watch.after == 0 {
                    watch.waited += LOOK_EVERY;
                }
                // An outage passes, or the client gives up.
                watch.found = watch.state.versions(&watch.id, watch.after).await.unwrap_or_default();
            }
            let events: Vec<_> = std::mem::take(&mut watch.found).iter().map(|found| watch.event(found)).collect();
            Some((stream::iter(events), watch))
        });
        batches.flatten()
    }

    fn event(&mut self, document: &Map<String, Value>) -> Result<Event, Infallible> {
        let FollowedVersion { number, state, .. } = FollowedVersion::of(document);
        self.after = self.after.max(number);
        self.has_ended = state != FollowState::GoesOn;
        let data = json!({ "version": number, "state": state.name() }).to_string();
        Ok(Event::default().id(number.to_string()).event("version").retry(RECONNECT_AFTER).data(data))
    }
}
