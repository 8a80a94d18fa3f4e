//! `GET /airlines`: the airlines of the history.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::airlines::AirlinesView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    let found = state.explore(|index| Ok((index.facts().clone(), index.airlines()?))).await?;
    let view = AirlinesView::new(&found.0, &found.1, &state.parts.airports);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
