//! `GET /flights/delays/predict`: the form that asks for minutes. The result has the page of all results.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    problem::HandlerResult,
    state::AppState,
    views::{predict::PredictView, regress::RegressView},
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let view = RegressView::new(PredictView::empty(&state.parts, visit.texts), visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
