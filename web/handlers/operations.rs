//! `GET /ops` and `GET /ops.json`: what the system does now.

use std::sync::Arc;

use serde_json::json;
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{no_store, page};
use crate::{models::OperationsPage, site::Site};

/// The page; it refreshes itself.
pub(crate) fn operations(site: Arc<Site>) -> Response {
    let now = site.parts.operations.now();
    page(StatusCode::OK, site.pages.operations(&OperationsPage::new(&now)))
}

/// The same as JSON, for whoever watches by program: the fields of [`crate::Now`].
pub(crate) fn operations_json(site: Arc<Site>) -> Response {
    let mut response = Response::new(json!(site.parts.operations.now()).to_string().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(response)
}
