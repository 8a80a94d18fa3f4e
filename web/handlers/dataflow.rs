//! `GET /ops/dataflow`: the dataflows of the scorers, drawn. The page refreshes itself.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::dataflow::DataflowView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    let view = DataflowView::new(state.parts.operations.scorers().as_ref(), engine::clock::now());
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
