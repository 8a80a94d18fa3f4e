//! A reason why a request is not served. `handlers/error.rs` makes it a response.

use std::time::Duration;

use engine::request::RequestId;
use server::HostError;
use warp::{http::StatusCode, reject::Reject, reply::Response};

use crate::{
    field_error::FieldError,
    flight_form::FlightForm,
    form_page::FormPage,
    texts::{Message, message},
};

/// The outcome of a handler.
pub(crate) type HandlerResult = Result<Response, Box<Problem>>;

/// The reason why a request is not served.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) errors: Vec<FieldError>,
    /// The methods that the path takes, if that is the problem.
    pub(crate) allow: Option<&'static str>,
    /// The id of the request that may still land.
    pub(crate) id: Option<RequestId>,
    /// The form as it was sent, to be shown again.
    pub(crate) form: Option<FlightForm>,
    /// The title of its page, if it is not that of the status.
    pub(crate) title: Option<Message>,
    /// The time after which a browser asks again, if that may help.
    pub(crate) refresh_s: Option<u32>,
    /// The time after which the client may ask again, if it must wait.
    pub(crate) retry_after_s: Option<u64>,
    /// A login is wanted.
    pub(crate) needs_login: bool,
    /// It is about the history: its page links to that.
    pub(crate) is_of_history: bool,
    /// The page whose form was sent; it is shown again.
    pub(crate) page: FormPage,
}

impl Reject for Problem {}

impl Problem {
    fn new(status: StatusCode, field: &'static str, reason: impl Into<Message>) -> Self {
        let error = FieldError::new(field, reason);
        Problem::with_errors(status, vec![error])
    }

    fn with_errors(status: StatusCode, errors: Vec<FieldError>) -> Self {
        Problem {
            status,
            errors,
            allow: None,
            id: None,
            form: None,
            title: None,
            refresh_s: None,
            retry_after_s: None,
            needs_login: false,
            is_of_history: false,
            page: FormPage::default(),
        }
    }

    /// The input is wrong.
    pub(crate) fn invalid<E: Into<FieldError>>(error: E) -> Box<Self> {
        Box::new(Problem::with_errors(StatusCode::BAD_REQUEST, vec![error.into()]))
    }

    /// The form is wrong.
    pub(crate) fn refused(errors: Vec<FieldError>, form: FlightForm) -> Box<Self> {
        Box::new(Problem { form: Some(form), ..Problem::with_errors(StatusCode::BAD_REQUEST, errors) })
    }

    /// There is no such page.
    pub(crate) fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "path", message!("reason-not-found"))
    }

    /// The path takes other methods.
    pub(crate) fn not_allowed(allow: &'static str) -> Self {
        let reason = message!("reason-method", methods = allow);
        Problem { allow: Some(allow), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", reason) }
    }

    /// The request's host is not allowed.
    pub(crate) fn wrong_host(error: &HostError) -> Self {
        match error {
            HostError::Malformed => Problem::new(StatusCode::BAD_REQUEST, "Host", message!("reason-host")),
            HostError::NotAllowed(known) => {
                let reason = message!("reason-host-known", known = known.to_string());
                Problem::new(StatusCode::MISDIRECTED_REQUEST, "Host", reason)
            }
        }
    }

    /// The log or the store (`part`) is unavailable. `id` is a request that may still land.
    pub(crate) fn unavailable(part: &'static str, reason: impl Into<Message>, id: Option<RequestId>) -> Box<Self> {
        Box::new(Problem { id, ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, part, reason) })
    }

    /// A query, a header or a body cannot be read.
    pub(crate) fn malformed(errors: Vec<FieldError>) -> Box<Self> {
        Box::new(Problem::with_errors(StatusCode::BAD_REQUEST, errors))
    }

    /// A question's fields can be read, and name no flight that can be answered.
    pub(crate) fn unprocessable(errors: Vec<FieldError>) -> Box<Self> {
        Box::new(Problem::with_errors(StatusCode::UNPROCESSABLE_ENTITY, errors))
    }

    /// The body has another content type than those that the path takes.
    pub(crate) fn wrong_content_type(reason: &'static str) -> Box<Self> {
        Box::new(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type", reason))
    }

    /// The scorer rejected the request.
    pub(crate) fn rejected(id: &RequestId, reason: String) -> Box<Self> {
        let rejected = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request", reason);
        Box::new(Problem { id: Some(id.clone()), ..rejected })
    }

    /// The request is in the log, and its answer has not landed within this time.
    pub(crate) fn too_late(id: &RequestId, within: Duration) -> Box<Self> {
        let reason = message!("reason-too-late", seconds = within.as_secs());
        Box::new(Problem { id: Some(id.clone()), ..Problem::new(StatusCode::GATEWAY_TIMEOUT, "answer", reason) })
    }

    /// The model that answered tells no minutes.
    pub(crate) fn without_minutes(id: &RequestId) -> Box<Self> {
        let reason = message!("reason-no-minutes");
        Box::new(Problem { id: Some(id.clone()), ..Problem::new(StatusCode::NOT_IMPLEMENTED, "answer", reason) })
    }

    /// The operations are shown to nobody here.
    pub(crate) fn closed() -> Box<Self> {
        let reason = message!("reason-closed");
        Box::new(Problem::new(StatusCode::FORBIDDEN, "path", reason))
    }

    /// The operations are shown to who has the login.
    pub(crate) fn needs_login() -> Box<Self> {
        let reason = message!("reason-login");
        Box::new(Problem { needs_login: true, ..Problem::new(StatusCode::UNAUTHORIZED, "Authorization", reason) })
    }

    /// The page of another site sends a change.
    pub(crate) fn other_site() -> Box<Self> {
        Box::new(Problem::new(StatusCode::FORBIDDEN, "Origin", message!("reason-other-site")))
    }

    /// The change does not fit the present state.
    pub(crate) fn conflict(part: &'static str, reason: Message) -> Box<Self> {
        Box::new(Problem::new(StatusCode::CONFLICT, part, reason))
    }

    /// The client asks more than it may.
    pub(crate) fn too_many(wait_s: u64) -> Box<Self> {
        let reason = message!("reason-too-many", seconds = wait_s);
        let refused = Problem::new(StatusCode::TOO_MANY_REQUESTS, "client", reason);
        Box::new(Problem { retry_after_s: Some(wait_s), ..refused })
    }

    /// A question about the history cannot be understood.
    pub(crate) fn invalid_exploration(errors: Vec<FieldError>) -> Box<Self> {
        Box::new(Problem { is_of_history: true, ..*Problem::malformed(errors) })
    }

    /// The same about the form of a page.
    pub(crate) fn of_page(self: Box<Self>, page: FormPage) -> Box<Self> {
        Box::new(Problem { page, ..*self })
    }

    /// The history has nothing of the kind.
    pub(crate) fn not_in_history(title: Message, reason: Message) -> Box<Self> {
        let missing = Problem::new(StatusCode::NOT_FOUND, "path", reason);
        Box::new(Problem { title: Some(title), is_of_history: true, ..missing })
    }

    /// The history is being prepared; so many percent are done.
    pub(crate) fn preparing(percent: u8) -> Box<Self> {
        let reason = message!("reason-preparing", percent = u32::from(percent));
        let preparing = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "history", reason);
        Box::new(Problem { title: Some(message!("problem-preparing")), refresh_s: Some(2), ..preparing })
    }

    /// There is no history. The reason is in the log: it may name files.
    pub(crate) fn without_history() -> Box<Self> {
        let reason = message!("reason-no-history");
        let failed = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "history", reason);
        Box::new(Problem { title: Some(message!("problem-no-history")), ..failed })
    }

    /// A defect of this program.
    pub(crate) fn defect() -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server", message!("reason-defect"))
    }

    /// Attaches the problem to a response, for the outermost filter, which knows the client's `Accept`.
    pub(crate) fn into_response(self: Box<Self>) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
