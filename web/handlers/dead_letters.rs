//! `GET /ops/dead-letters`: the latest dead letters of a log, `?log=`, `?since=` and `?reason=`, and the progress of a
//! replay.

use std::sync::Arc;

use engine::clock;
use warp::http::StatusCode;

use crate::{
    dead_letters,
    problem::{HandlerResult, Problem},
    query::Query,
    replays::ReplayEnd,
    state::AppState,
    views::dead_letters::{Choice, DeadLettersView, Since},
    visit::Visit,
};

/// Renders the page. While a replay runs it has the progress alone.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let mut query = Query::of_page(&visit.query).map_err(of_operations)?;
    let since = Since::of(query.sent("since").unwrap_or_default());
    let reason = query.text("reason").unwrap_or_default();
    let sent = query.sent("sent").map(str::to_owned);
    let log = query.sent(dead_letters::LOG_FIELD).map(str::to_owned);
    query.check().map_err(of_operations)?;
    let log = dead_letters::named_log(log.as_deref())?;
    let choice = Choice { log, has_events: state.parts.event_letters.is_some(), since, reason };
    let replay = state.replays.get();
    let view = if replay.as_ref().is_some_and(|replay| replay.end == ReplayEnd::Running) {
        DeadLettersView::running(choice, replay, visit.texts)
    } else {
        let found = dead_letters::latest(log, since.before(clock::now()), choice.reason.clone(), &state).await?;
        DeadLettersView::new(choice, sent, &found, replay, visit.texts)
    };
    Ok(visit.page(StatusCode::OK, &view, &state))
}

fn of_operations(problem: Box<Problem>) -> Box<Problem> {
    Box::new(Problem { is_of_history: false, ..*problem })
}
