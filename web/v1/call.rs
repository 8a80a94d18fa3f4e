//! A request that a route handles.

use std::sync::Arc;

use warp::http::HeaderMap;

use crate::{body::SentBody, state::AppState};

/// A request for a route.
pub(super) struct Call {
    /// The segments in the places of `{…}`, still percent-encoded.
    pub(super) parameters: Vec<String>,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: SentBody,
    pub(super) state: Arc<AppState>,
}

impl Call {
    /// The first segment in the place of a `{…}`.
    pub(super) fn parameter(&self) -> &str {
        self.parameters.first().map_or("", String::as_str)
    }
}
