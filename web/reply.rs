//! Makes responses: pages, JSON text, redirects.

use handlebars::RenderError;
use serde_json::Value;
use server::{Accepts, HTML};
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::texts::Language;

/// A redirect.
pub(crate) fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    // Callers pass paths of this site and percent-encoded ids, which are visible ASCII.
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    no_store(response)
}

/// A page in a language, or the plain error page, which has all languages, if it could not be rendered.
pub(crate) fn page(status: StatusCode, language: Language, html: Result<String, RenderError>) -> Response {
    let (status, language, html) = match html {
        Ok(html) => (status, language.code(), html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "en, es", include_str!("static/error.html").to_owned())
        }
    };
    let mut response = text(status, HTML, html);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language, Cookie"));
    response
}

/// JSON text under the content type that the client can read.
///
/// The old page needs it as `text/html`, so it must hold no markup: `<`, `>` and `&` occur only within strings in
/// JSON, where an escape means the same.
pub(crate) fn json_text(status: StatusCode, body: &Value, accepts: Accepts) -> Response {
    let body = body.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text(status, accepts.json_type(), body)
}

/// JSON of an API under its content type, whatever the client accepts.
pub(crate) fn json_as(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    no_store(response)
}

/// Forbids caches to keep the response.
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
        let response = page(StatusCode::OK, Language::Spanish, Err(error));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], HTML);
        assert_eq!(response.headers()[header::CONTENT_LANGUAGE], "en, es");
    }
}
