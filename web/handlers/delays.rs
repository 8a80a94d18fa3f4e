//! `GET /delays`: arrival delays of the history: all, by hour, by month, by airline.

use std::sync::Arc;

use delaycast::explore::Index;
use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::delays::DelaysView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    let asked = |index: &Index| Ok((index.facts().clone(), index.hours()?, index.months()?, index.airlines()?));
    let (facts, hours, months, airlines) = state.explore(asked).await?;
    let view = DelaysView::new(&facts, &hours, &months, airlines, &state.parts.airports);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
