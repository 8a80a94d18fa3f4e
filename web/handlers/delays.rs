//! `GET /delays`: arrival delays of the history: all, by hour, by month, by airline.

use std::sync::Arc;

use delaycast::explore::Index;
use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::delays::DelaysView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let asked = |index: &Index| Ok((index.facts().clone(), index.hours()?, index.months()?, index.airlines()?));
    let (facts, hours, months, airlines) = state.explore(asked).await?;
    let view = DelaysView::new(&facts, &hours, &months, airlines, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
