//! `GET /flights/delays/predict`: the form that asks for minutes. The result has the page of all results.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{problem::HandlerResult, reply, state::AppState, views::regress::RegressView};

/// Renders the page.
pub(crate) async fn handle(_query: String, state: Arc<AppState>) -> HandlerResult {
    let view = RegressView::empty(&state.parts);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
