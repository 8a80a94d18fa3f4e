//! How a client is told that something is wrong: one shape for all, a page or JSON by what the client takes.

use std::borrow::Cow;

use delaycast::request::{Invalid, RequestId};
use serde::Serialize;
use serde_json::json;
use warp::{
    http::{HeaderValue, Response as HttpResponse, StatusCode, header},
    reject::Reject,
    reply::Response,
};

use crate::{
    accept::Accepts,
    handlers,
    hosts::WrongHost,
    models::{ErrorPage, FlightForm, PredictPage},
    site::Site,
};

/// A client whose request the log or the store did not take may try again after so many seconds.
const RETRY_AFTER_S: &str = "2";

/// What every handler returns.
pub(crate) type Handled = Result<Response, Box<Problem>>;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) field: Cow<'static, str>,
    pub(crate) reason: String,
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Fault { field: invalid.field.into(), reason: invalid.reason }
    }
}

/// Something that keeps a request from being served.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    faults: Vec<Fault>,
    /// The methods that the path takes, if that is the problem.
    allow: Option<&'static str>,
    /// The request that may still land.
    id: Option<RequestId>,
    /// The form as it was sent, to be shown again.
    form: Option<FlightForm>,
}

impl Reject for Problem {}

impl Problem {
    fn new(status: StatusCode, field: &'static str, reason: impl Into<String>) -> Self {
        let fault = Fault { field: field.into(), reason: reason.into() };
        Problem { status, faults: vec![fault], allow: None, id: None, form: None }
    }

    /// The input is wrong; `form` is what was sent, if it could be read.
    pub(crate) fn invalid(faults: Vec<Invalid>, form: Option<FlightForm>) -> Box<Self> {
        let faults = faults.into_iter().map(Fault::from).collect();
        Box::new(Problem { status: StatusCode::BAD_REQUEST, faults, allow: None, id: None, form })
    }

    /// There is no such page.
    pub(crate) fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "path", "there is nothing at this address")
    }

    /// The page takes other methods.
    pub(crate) fn not_allowed(allow: &'static str) -> Self {
        let reason = format!("this address takes {allow} only");
        Problem { allow: Some(allow), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", reason) }
    }

    /// The page is asked for under a name that it does not answer to.
    pub(crate) fn wrong_host(wrong: &WrongHost) -> Self {
        match wrong {
            WrongHost::Unclear => {
                Problem::new(StatusCode::BAD_REQUEST, "Host", "one Host is wanted, as in Host: localhost:5001")
            }
            WrongHost::Foreign(known) => {
                let reason = format!(
                    "this page answers to {known}; for another name, start delaycast with --host and that name"
                );
                Problem::new(StatusCode::MISDIRECTED_REQUEST, "Host", reason)
            }
        }
    }

    /// The log or the store (`part`) does not serve. `id` is a request that may still land.
    pub(crate) fn unavailable(part: &'static str, reason: String, id: Option<RequestId>) -> Box<Self> {
        Box::new(Problem { id, ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, part, reason) })
    }

    /// A defect of ours.
    pub(crate) fn defect() -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server", "an error on our side; it has been logged")
    }

    /// Carries the problem to where the client's wishes are known.
    pub(crate) fn into_response(self: Box<Self>) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }

    /// Says it to the client.
    pub(crate) fn tell(self, accepts: Accepts, site: &Site) -> Response {
        let status = self.status;
        let (allow, retry) = (self.allow, status == StatusCode::SERVICE_UNAVAILABLE);
        let mut response = if accepts.page { self.page(site) } else { self.json(accepts) };
        let headers = response.headers_mut();
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }

    fn json(self, accepts: Accepts) -> Response {
        let mut body = json!({ "status": "ERROR", "errors": self.faults });
        if let Some(id) = &self.id {
            body["id"] = json!(id.as_str());
        }
        handlers::json_text(self.status, &body, accepts)
    }

    fn page(self, site: &Site) -> Response {
        let html = match &self.form {
            Some(form) => site.pages.predict(&PredictPage::refused(form, &self.faults, &site.parts)),
            None => site.pages.error(&ErrorPage::new(self.status, &self.faults, self.id.as_ref())),
        };
        handlers::page(self.status, html)
    }
}

/// The last resort, when not even the error page can be rendered.
pub(crate) fn plain_error_page() -> Response {
    let mut response = HttpResponse::new(include_str!("static/error.html").into());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::accept::HTML));
    response
}
