//! `GET /ops`: the state of the system. The page refreshes itself.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::operations::OperationsView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let operations = &state.parts.operations;
    let view = OperationsView::new(&operations.now(), &operations.samples(), visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
