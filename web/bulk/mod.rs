//! `POST /flights/delays/predict/bulk`: answers a file of questions with a file of answers.
//!
//! Each row is asked as on the page, through the log, and its answer is written when it has landed, in the order of the
//! rows. So the response is the progress, nothing of a file is kept between its rows, and any replica can answer any
//! file.

mod output;
mod rows;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use engine::{request::RequestId, store::Outcome};
use futures_util::{StreamExt, stream};
use warp::{
    Reply,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};

use self::{
    output::RowOutcome,
    rows::{Format, Row, Rows},
};
use crate::{
    asking::{publish, to_request},
    body::{SentBody, SentFile, read_file},
    field_error::FieldError,
    problem::{HandlerResult, Problem},
    state::AppState,
    texts::message,
    waiting,
};

pub(crate) use rows::ROWS_MAX;

/// Upper bound on a file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 4 << 20;
/// Deadline of a file's arrival.
const FILE_WITHIN: Duration = Duration::from_secs(60);
/// The number of questions that are in the log ahead of the one whose answer is written.
const ASKED_AHEAD: usize = 64;
/// Deadline of the answer to a row; a row beyond it is told to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The number of rows in a row that cannot be asked, after which the others are not tried.
const FAILURES_MAX: u32 = 8;
/// The header with the number of rows, by which a client shows progress.
const ROWS: HeaderName = HeaderName::from_static("delaycast-rows");

/// Answers a file, as CSV or NDJSON, or as the field `file` of a form.
pub(crate) async fn answer_file(headers: HeaderMap, body: SentBody, state: Arc<AppState>) -> HandlerResult {
    let Some(permit) = state.bulk_permit() else {
        return Err(Problem::unavailable("file", message!("reason-files"), None));
    };
    let SentFile { content_type, text } =
        read_file(&headers, body, FILE_WITHIN, FILE_BYTES_MAX).await.map_err(Problem::invalid)?;
    let format = Format::of_content_type(&content_type).unwrap_or_else(|| Format::of_text(&text));
    let Rows { header: columns, rows } = rows::read(&text, format).map_err(Problem::invalid)?;
    drop(text);
    let (count, width) = (rows.len(), columns.len());
    let first = stream::iter(output::header(format, &columns));
    let failures = Arc::new(AtomicU32::new(0));
    let asking = Arc::clone(&state);
    let asked = stream::iter(rows).map(move |row| ask(row, Arc::clone(&failures), Arc::clone(&asking)));
    let answered = asked.buffered(ASKED_AHEAD).then(move |(row, asked)| {
        let state = Arc::clone(&state);
        async move {
            let outcome = match asked {
                Ok(id) => wait(id, &state).await,
                Err(errors) => RowOutcome::Wrong(errors),
            };
            output::line(format, width, &row, &outcome)
        }
    });
    let lines = first.chain(answered).map(move |line| {
        // Held until the last line.
        let _ = &permit;
        Ok::<_, Infallible>(Bytes::from(line))
    });
    let mut response = warp::reply::stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(ROWS, HeaderValue::from(count));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"answers.{}\"", format.extension())) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Asks nginx not to hold lines back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Asks the question of a row; returns its id, or the reasons why it was not asked.
async fn ask(row: Row, failures: Arc<AtomicU32>, state: Arc<AppState>) -> (Row, Result<RequestId, Vec<FieldError>>) {
    let form = match &row.form {
        Ok(form) => form.clone(),
        Err(error) => {
            let errors = vec![error.clone()];
            return (row, Err(errors));
        }
    };
    let given_up = if state.is_closing() {
        Some("the server is stopping")
    } else if failures.load(Ordering::Relaxed) >= FAILURES_MAX {
        Some("the request log does not answer")
    } else {
        None
    };
    if let Some(reason) = given_up {
        return (row, Err(vec![FieldError::new("log", format!("{reason}. It was not asked: send it again"))]));
    }
    let asked = async {
        let request = to_request(form, Vec::new(), &state).await?;
        publish(&request, &state).await.inspect_err(|_| _ = failures.fetch_add(1, Ordering::Relaxed))?;
        failures.store(0, Ordering::Relaxed);
        Ok::<_, Box<Problem>>(request.id)
    };
    let asked = asked.await.map_err(|problem| problem.errors);
    (row, asked)
}

/// Waits for the answer to a row. Most have landed while those before were written.
async fn wait(id: RequestId, state: &AppState) -> RowOutcome {
    let name = id.as_str().to_owned();
    let outcome = match state.find(&id).await {
        Ok(Some(outcome)) => Some(outcome),
        _ => match state.wait_permit() {
            Some(permit) => waiting::for_outcome(&id, ANSWER_WITHIN, permit, state).await.unwrap_or_default(),
            None => None,
        },
    };
    match outcome {
        Some(Outcome::Answered(document)) => RowOutcome::Answered(name, document),
        Some(Outcome::Rejected(reason)) => RowOutcome::Rejected(name, reason),
        None => RowOutcome::Waits(name),
    }
}
