//! `GET /ops/dataflow`: the dataflows of the scorers, drawn. The page refreshes itself.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::dataflow::DataflowView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let view = DataflowView::new(state.parts.operations.scorers().as_ref(), engine::clock::now(), visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
