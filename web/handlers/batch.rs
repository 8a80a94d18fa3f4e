//! `GET /flights/delays/predict_batch`: the form that asks for the batch.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::batch::BatchView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    Ok(reply::page(StatusCode::OK, state.renderer.render(&BatchView::empty(&state.parts))))
}
