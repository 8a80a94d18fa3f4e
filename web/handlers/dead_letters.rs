//! `GET /ops/dead-letters`: the latest dead letters, `?since=` and `?reason=`, and the progress of a replay.

use std::sync::Arc;

use engine::clock;
use warp::http::StatusCode;

use crate::{
    dead_letters,
    history_query::HistoryQuery,
    problem::{HandlerResult, Problem},
    replays::ReplayEnd,
    state::AppState,
    views::dead_letters::{DeadLettersView, Since},
    visit::Visit,
};

/// Renders the page. While a replay runs it has the progress alone.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let mut query = HistoryQuery::read(&visit.query).map_err(of_operations)?;
    let since = Since::of(query.sent("since").unwrap_or_default());
    let reason = query.text("reason").unwrap_or_default();
    let sent = query.sent("sent").map(str::to_owned);
    query.check().map_err(of_operations)?;
    let replay = state.replays.get();
    let view = if replay.as_ref().is_some_and(|replay| replay.end == ReplayEnd::Running) {
        DeadLettersView::running(since, reason, replay, visit.texts)
    } else {
        let found = dead_letters::latest(since.before(clock::now()), reason.clone(), &state).await?;
        DeadLettersView::new(since, reason, sent, &found, replay, visit.texts)
    };
    Ok(visit.page(StatusCode::OK, &view, &state))
}

fn of_operations(problem: Box<Problem>) -> Box<Problem> {
    Box::new(Problem { is_of_history: false, ..*problem })
}
