//! The routes in process, with helpers for requests and responses.

use bytes::Bytes;
use delaycast_web::{Config, Parts, routes};
use serde_json::Value;
use warp::{
    filters::BoxedFilter,
    http::Response,
    reply,
    test::{RequestBuilder, request},
};

use super::{TestDoubles, doubles};

pub(crate) const PAGE: &str = "/flights/delays/predict_kafka";
pub(crate) const CLASSIFY: &str = "/flights/delays/predict/classify_realtime";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
/// Chromium's `Accept` for a link or a form.
pub(crate) const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
/// The form of the old page, with its defaults, as jQuery serializes it.
pub(crate) const OLD_FORM: &str = "DepDelay=5&Carrier=AA&FlightDate=2016-12-25&Origin=ATL&Dest=SFO";

pub(crate) struct TestSite {
    pub(crate) doubles: TestDoubles,
    pub(crate) routes: BoxedFilter<(reply::Response,)>,
}

pub(crate) fn site() -> TestSite {
    site_with(Config::default())
}

pub(crate) fn site_with(config: Config) -> TestSite {
    site_with_parts(config, |_| {})
}

/// A site whose parts are changed before it starts.
pub(crate) fn site_with_parts(config: Config, change: impl FnOnce(&mut Parts)) -> TestSite {
    let mut doubles = doubles(config);
    change(&mut doubles.parts);
    let routes = routes(doubles.parts.clone()).unwrap();
    TestSite { doubles, routes }
}

impl TestSite {
    pub(crate) async fn send(&self, request: RequestBuilder) -> Response<Bytes> {
        let response = request.reply(&self.routes).await;
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options"] {
            assert!(response.headers().contains_key(name), "{name} on every response");
        }
        response
    }

    pub(crate) async fn get(&self, path: &str, accept: &str) -> Response<Bytes> {
        self.send(request().path(path).header("accept", accept)).await
    }

    pub(crate) async fn post(&self, content_type: &str, accept: &str, body: impl AsRef<[u8]>) -> Response<Bytes> {
        let post = request().method("POST").path(CLASSIFY).header("accept", accept);
        self.send(post.header("content-type", content_type).body(body)).await
    }

    /// Posts a wrong form and returns its errors: pairs of field and reason.
    pub(crate) async fn errors(&self, content_type: &str, body: impl AsRef<[u8]>) -> Vec<(String, String)> {
        let response = self.post(content_type, "application/json", body).await;
        assert_eq!(response.status(), 400, "{response:?}");
        assert_eq!(header(&response, "content-type"), "application/json");
        let body = json_of(&response);
        assert_eq!(body["status"], "ERROR");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| (text(&error["field"]), text(&error["reason"]))).collect()
    }
}

pub(crate) fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

pub(crate) fn text_of(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

pub(crate) fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// Returns the old form with another value of one field.
pub(crate) fn form_with(field: &str, value: &str) -> String {
    let others = OLD_FORM.split('&').filter(|pair| !pair.starts_with(&format!("{field}=")));
    others.map(str::to_owned).chain([format!("{field}={value}")]).collect::<Vec<_>>().join("&")
}
