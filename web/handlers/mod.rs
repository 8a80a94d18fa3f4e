//! One file a page or route, and the few ways to reply.

mod classify;
mod operations;
mod predict;
mod response;

use serde_json::Value;
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

pub(crate) use classify::classify;
pub(crate) use operations::{operations, operations_json};
pub(crate) use predict::predict;
pub(crate) use response::response;

use crate::{
    accept::{Accepts, HTML},
    models::PREDICT_PAGE,
    problem::plain_error_page,
    render::RenderError,
};

/// `GET /`: until there is more to choose from, the page.
pub(crate) fn index() -> Response {
    redirect(StatusCode::TEMPORARY_REDIRECT, PREDICT_PAGE)
}

/// Sends the client elsewhere.
fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    // Only our own paths and percent-encoded ids get here, all of them visible ASCII.
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    no_store(response)
}

/// A page, or the plain error page if it could not be rendered.
pub(crate) fn page(status: StatusCode, html: Result<String, RenderError>) -> Response {
    let html = match html {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return no_store(plain_error_page());
        }
    };
    let mut response = Response::new(html.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    no_store(response)
}

/// JSON text under the content type that the client can read.
///
/// The old page needs it as `text/html`, so nothing in it may read as markup: `<`, `>` and `&` stand only within
/// strings in JSON, where an escape means the same.
pub(crate) fn json_text(status: StatusCode, body: &Value, accepts: Accepts) -> Response {
    let text = body.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(accepts.json_type()));
    no_store(response)
}

/// What is true now is not to be kept.
fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_cannot_be_rendered_is_a_500_and_no_normal_page() {
        let mut templates = handlebars::Handlebars::new();
        templates.set_strict_mode(true);
        let error = templates.render_template("{{missing}}", &()).map(drop).unwrap_err();
        let response = page(StatusCode::OK, Err(error));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], HTML);
    }
}
