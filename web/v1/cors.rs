//! Cross-origin requests (CORS): the sites whose scripts may use the API. Without any there is no header of it.

use std::str::FromStr;

use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    reply::Response,
};

/// The request headers that scripts may set.
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer");
/// The response headers that scripts may read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("ETag, Link, Location, Preference-Applied, Retry-After");
/// Seconds for which a browser remembers a preflight.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// An origin as browsers send it: `https://page.example`, with a port unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(HeaderValue);

impl FromStr for CorsOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "an origin is wanted as a browser sends it, as in https://page.example:8443".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        // Browsers send it in this form, and it is compared as text.
        let plain = format!("{}://{}", uri.scheme_str().unwrap_or_default(), authority.as_str().to_ascii_lowercase());
        if text != plain || authority.as_str().contains('@') {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map(CorsOrigin).map_err(|_| wrong())
    }
}

fn origin<'a>(headers: &'a HeaderMap, allowed: &[CorsOrigin]) -> Option<&'a HeaderValue> {
    headers.get(header::ORIGIN).filter(|origin| allowed.iter().any(|known| known.0 == *origin))
}

/// Returns the response to a preflight of an allowed site; `None` if it is none, or of another site.
pub(crate) fn preflight(headers: &HeaderMap, methods: &'static str, allowed: &[CorsOrigin]) -> Option<Response> {
    origin(headers, allowed)?;
    headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let of_response = response.headers_mut();
    of_response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    of_response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    of_response.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    Some(response)
}

/// Lets an allowed site read a response. Caches keep one for each origin.
pub(crate) fn allow(headers: &HeaderMap, response: &mut Response, allowed: &[CorsOrigin]) {
    if allowed.is_empty() {
        return;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin(headers, allowed) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_an_authority_as_browsers_write_them() {
        for good in ["https://page.example", "http://localhost:3000", "http://[::1]:8080"] {
            assert!(good.parse::<CorsOrigin>().is_ok(), "{good}");
        }
        for bad in ["*", "null", "", "page.example", "https://page.example/", "https://Page.example", "ftp://a"] {
            assert!(bad.parse::<CorsOrigin>().is_err(), "{bad}");
        }
        assert!("https://a@page.example".parse::<CorsOrigin>().is_err());
    }
}
