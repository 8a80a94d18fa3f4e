//! `GET /flights/delays/predict_bulk`: the form that takes a file of questions.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::bulk::BulkView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    Ok(reply::page(StatusCode::OK, state.renderer.render(&BulkView::new())))
}
