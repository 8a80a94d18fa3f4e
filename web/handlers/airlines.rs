//! `GET /airlines`: the airlines of the history.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::airlines::AirlinesView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let found = state.explore(|index| Ok((index.facts().clone(), index.airlines()?))).await?;
    let view = AirlinesView::new(&found.0, &found.1, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
