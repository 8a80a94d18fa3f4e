//! `GET /ops`: the state of the system. The page refreshes itself.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::operations::OperationsView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    let operations = &state.parts.operations;
    let view = OperationsView::new(&operations.now(), &operations.samples());
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
