//! `GET /flights/delays/predict_bulk`: the form that takes a file of questions.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::bulk::BulkView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    Ok(visit.page(StatusCode::OK, &BulkView::new(), &state))
}
