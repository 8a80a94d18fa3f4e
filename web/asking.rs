//! Makes a request of a form, completes it by the history, and publishes it: the same for all routes that ask.

use std::sync::Arc;

use delaycast::request::{Field, Request};
use engine::clock;
use warp::http::HeaderMap;

use crate::{
    body::{SentBody, read_form},
    completion::{Completed, complete},
    field_error::{ErrorKind, FieldError},
    flight_form::FlightForm,
    problem::Problem,
    state::AppState,
    texts::message,
};

/// Reads the form in a body, and makes the request of it.
pub(crate) async fn read_request(
    headers: &HeaderMap,
    body: SentBody,
    state: &Arc<AppState>,
) -> Result<Request, Box<Problem>> {
    let pairs = read_form(headers, body, state.parts.config.connections.body_within).await;
    let pairs = pairs.map_err(Problem::invalid)?;
    let (form, malformed) = FlightForm::from_pairs(pairs);
    to_request(form, malformed, state).await
}

/// Makes the request of a form under a new random id. All wrong fields are named at once: `malformed` and others.
pub(crate) async fn to_request(
    form: FlightForm,
    malformed: Vec<FieldError>,
    state: &Arc<AppState>,
) -> Result<Request, Box<Problem>> {
    let now = state.now();
    let Completed { form, schedule, errors } = complete(form, state, now).await;
    let request = form.to_request(malformed, &state.parts.airports, clock::now().naive_utc());
    let mut request = match request {
        Ok(request) if errors.is_empty() => request,
        others => return Err(Problem::refused(first_of_each_field(errors, others.err()), form)),
    };
    request.schedule = schedule;
    request.as_of = state.parts.config.replay.is_some().then_some(now);
    Ok(request)
}

/// Publishes a request to the log, and waits for the acknowledgement.
pub(crate) async fn publish(request: &Request, state: &AppState) -> Result<(), Box<Problem>> {
    let id = &request.id;
    state.publish(request).await.map(drop).map_err(|error| {
        tracing::warn!(%id, %error, "a request was not acknowledged");
        // The log's own error is for its operator: it may name hosts and files.
        Problem::unavailable("log", message!("reason-log"), Some(id.clone()))
    })
}

/// The errors of the completion, then those of the fields that it does not speak of.
fn first_of_each_field(mut errors: Vec<FieldError>, others: Option<Vec<FieldError>>) -> Vec<FieldError> {
    // A phrase or a flight number that is not understood is the reason why the fields are empty that follow from it.
    let explains = errors.iter().any(|error| error.field != Field::CrsDepTime.name());
    for other in others.into_iter().flatten() {
        let follows = explains && other.kind == ErrorKind::Missing;
        if !follows && !errors.iter().any(|error| error.field == other.field) {
            errors.push(other);
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_empty_because_of_another_error_is_not_named() {
        let missing = || Some(vec![FieldError::missing("Origin"), FieldError::new("DepDelay", "is missing")]);
        let fields = |errors: Vec<FieldError>| -> Vec<String> {
            first_of_each_field(errors, missing()).into_iter().map(|error| error.field.into_owned()).collect()
        };
        assert_eq!(fields(vec![]), ["Origin", "DepDelay"]);
        assert_eq!(fields(vec![FieldError::new("CRSDepTime", "x")]), ["CRSDepTime", "Origin", "DepDelay"]);
        assert_eq!(fields(vec![FieldError::new("Flight", "x")]), ["Flight", "DepDelay"], "the kind counts, no text");
        assert_eq!(fields(vec![FieldError::new("DepDelay", "x")]), ["DepDelay"]);
    }
}
