//! Changes of operators: dead letters are sent back into their topic.
//!
//! Each change is taken from a page of this site alone, and leaves an audit line in the log: who, from where, and what
//! came of it. A replay of many runs on a thread of its own, one at a time; its progress is kept for the page.

use std::{net::IpAddr, ops::ControlFlow, sync::Arc};

use chrono::{DateTime, Utc};
use engine::log::{
    DeadLetters, LatestLetters, LetterLog, Offset, PartitionId, Position, ReplayFilter, ReplaySummary, SentBack,
};
use server::PeerAddress;
use tokio::time::timeout;
use warp::http::{HeaderMap, StatusCode};

use crate::{
    access,
    body::{Pairs, SentBody, read_form},
    field_error::FieldError,
    problem::{HandlerResult, Problem},
    replays::ReplayEnd,
    reply::redirect,
    state::AppState,
    texts::message,
};

/// The path of the page.
pub(crate) const DEAD_LETTERS_PATH: &str = "/ops/dead-letters";
/// Upper bound on the letters that are shown. Each has 256 KiB at most.
pub(crate) const LETTERS_MAX: usize = 50;
/// The name of the log in problems.
const LOG: &str = "log";
/// The field of forms and of the query that chooses a log.
pub(crate) const LOG_FIELD: &str = "log";

/// Returns the name of a log in forms and addresses.
pub(crate) fn log_name(log: LetterLog) -> &'static str {
    match log {
        LetterLog::Requests => "requests",
        LetterLog::Events => "events",
    }
}

/// Returns the log of a name; that of requests without one.
pub(crate) fn named_log(name: Option<&str>) -> Result<LetterLog, Box<Problem>> {
    let found = [LetterLog::Requests, LetterLog::Events].into_iter().find(|log| name == Some(log_name(*log)));
    match (found, name) {
        (Some(log), _) => Ok(log),
        (None, None) => Ok(LetterLog::Requests),
        (None, Some(_)) => Err(Problem::malformed(vec![FieldError::new(LOG_FIELD, message!("reason-letter-field"))])),
    }
}

/// Returns the address of the page of a log.
pub(crate) fn page_of(log: LetterLog) -> String {
    match log {
        LetterLog::Requests => DEAD_LETTERS_PATH.to_owned(),
        LetterLog::Events => format!("{DEAD_LETTERS_PATH}?{LOG_FIELD}={}", log_name(log)),
    }
}

/// Returns the dead letters of a log.
fn letters_of(log: LetterLog, state: &AppState) -> Result<Arc<dyn DeadLetters>, Box<Problem>> {
    match (log, &state.parts.event_letters) {
        (LetterLog::Requests, _) => Ok(Arc::clone(&state.parts.dead_letters)),
        (LetterLog::Events, Some(letters)) => Ok(Arc::clone(letters)),
        (LetterLog::Events, None) => Err(Problem::conflict(LOG_FIELD, message!("reason-no-events"))),
    }
}

/// The sender of a change, for the audit line.
struct Author {
    user: String,
    address: String,
}

impl Author {
    /// Fails if another site sends the change.
    fn of(headers: &HeaderMap, peer: Option<PeerAddress>, state: &AppState) -> Result<Self, Box<Problem>> {
        access::check_origin(headers)?;
        let address = peer.map(|peer| state.rate.client(peer.0, headers));
        let user = access::user(headers).unwrap_or_else(|| "no login".to_owned());
        Ok(Author { user, address: address.as_ref().map_or_else(|| "no address".to_owned(), IpAddr::to_string) })
    }

    /// Writes the audit line. What was sent is quoted, so that it cannot look like another line.
    fn audit(&self, change: &str, outcome: &str) {
        let Author { user, address } = self;
        tracing::info!("audit: {user:?} from {address}: {change}: {outcome}");
    }
}

fn field<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let value = pairs.iter().rev().find(|(known, _)| known == name)?.1.as_deref().ok()?;
    (!value.trim().is_empty()).then_some(value)
}

async fn form(headers: &HeaderMap, body: SentBody, state: &AppState) -> Result<Pairs, Box<Problem>> {
    let read = read_form(headers, body, state.parts.config.connections.body_within).await;
    read.map_err(|error| Problem::malformed(vec![error]))
}

/// `POST /ops/dead-letters/send-back`: sends a single letter back.
pub(crate) async fn send_back(
    headers: HeaderMap,
    peer: Option<PeerAddress>,
    body: SentBody,
    state: Arc<AppState>,
) -> HandlerResult {
    let author = Author::of(&headers, peer, &state)?;
    let pairs = form(&headers, body, &state).await?;
    let wrong = |name: &'static str| Problem::malformed(vec![FieldError::new(name, message!("reason-letter-field"))]);
    let log = named_log(field(&pairs, LOG_FIELD))?;
    let number = |name| field(&pairs, name).and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| wrong(name));
    let partition = u32::try_from(number("partition")?).map_err(|_| wrong("partition"))?;
    let offset = number("offset")?;
    let found_at = field(&pairs, "found_at").and_then(|text| text.parse().ok()).ok_or_else(|| wrong("found_at"))?;
    let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
    let letters = letters_of(log, &state)?;
    let sent = on_thread(&state, move || letters.send_back(position, found_at)).await;
    let change = format!("send the dead letter {partition}/{offset} of {} back", log_name(log));
    author.audit(&change, &sent.as_ref().map_or_else(|error| format!("failed: {error}"), |sent| format!("{sent:?}")));
    match sent.map_err(|error| Problem::unavailable(LOG, error, None))? {
        SentBack::Sent => {
            let page = page_of(log);
            let begin = if page.contains('?') { '&' } else { '?' };
            Ok(redirect(StatusCode::SEE_OTHER, &format!("{page}{begin}sent={partition}/{offset}")))
        }
        SentBack::Unknown => Err(Problem::conflict("letter", message!("reason-letter-unknown"))),
        SentBack::Tried => Err(Problem::conflict("letter", message!("reason-letter-tried"))),
        SentBack::Cut => Err(Problem::conflict("letter", message!("reason-letter-cut"))),
    }
}

/// `POST /ops/dead-letters/replay`: sends all letters back that were not sent before, or those of a reason.
pub(crate) async fn replay(
    headers: HeaderMap,
    peer: Option<PeerAddress>,
    body: SentBody,
    state: Arc<AppState>,
) -> HandlerResult {
    let author = Author::of(&headers, peer, &state)?;
    let pairs = form(&headers, body, &state).await?;
    let (log, reason) = (named_log(field(&pairs, LOG_FIELD))?, field(&pairs, "reason").map(str::to_owned));
    let letters = letters_of(log, &state)?;
    if !state.replays.begin(log, reason.clone()) {
        return Err(Problem::conflict("replay", message!("reason-replay-runs")));
    }
    let change = reason.as_ref().map_or_else(
        || format!("send all dead letters of {} back", log_name(log)),
        |reason| format!("send the dead letters of {} with {reason:?} back", log_name(log)),
    );
    author.audit(&change, "begun");
    tokio::task::spawn_blocking(move || {
        let on_page = &mut |summary: &ReplaySummary| {
            state.replays.update(|replay| replay.summary.clone_from(summary));
            // The server waits for this thread when it closes; the next replay goes on.
            if state.is_closing() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let filter = ReplayFilter { reason: reason.as_deref(), ..ReplayFilter::default() };
        match letters.replay(filter, on_page) {
            Ok(summary) => {
                author.audit(&change, &format!("{} sent, {} kept", summary.sent, summary.kept));
                state.replays.update(|replay| (replay.summary, replay.end) = (summary, ReplayEnd::Done));
            }
            Err(error) => {
                let error = with_causes(&error);
                author.audit(&change, &format!("failed: {error}"));
                state.replays.update(|replay| replay.end = ReplayEnd::Failed(error));
            }
        }
    });
    Ok(redirect(StatusCode::SEE_OTHER, &page_of(log)))
}

/// Reads the latest letters of a log.
pub(crate) async fn latest(
    log: LetterLog,
    since: DateTime<Utc>,
    reason: String,
    state: &AppState,
) -> Result<LatestLetters, Box<Problem>> {
    let letters = letters_of(log, state)?;
    let found = on_thread(state, move || letters.latest(since, &reason, LETTERS_MAX)).await;
    found.map_err(|error| Problem::unavailable(LOG, error, None))
}

/// Asks the log on a blocking thread, one question at a time: the letters of one take some memory.
async fn on_thread<T: Send + 'static, E: std::error::Error + Send + 'static>(
    state: &AppState,
    ask: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    let turn = Arc::clone(&state.letters);
    let asked = async move {
        let permit = turn.acquire_owned().await.map_err(|error| error.to_string())?;
        let ask = move || {
            let _permit = permit;
            ask().map_err(|error| with_causes(&error))
        };
        tokio::task::spawn_blocking(ask).await.map_err(|error| error.to_string())?
    };
    let within = state.parts.config.letters_within;
    timeout(within, asked).await.unwrap_or_else(|_| Err(format!("the log does not answer within {within:?}")))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
