//! `GET /flights/delays/predict_batch`: the form that asks for the batch.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, state::AppState, views::batch::BatchView, visit::Visit};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    Ok(visit.page(StatusCode::OK, &BatchView::empty(&state.parts, visit.texts), &state))
}
