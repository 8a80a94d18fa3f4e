//! The API: everything below `/api/v1`, in JSON.
//!
//! * [`routes`]: the table of routes, which the OpenAPI document is held against, and its dispatcher; [`call`].
//! * [`questions`], [`versions`]: questions about flights, their answers, and the versions of these.
//! * [`idempotency`]: the ids and the memory of repeated questions.
//! * [`history`], [`places`], [`model`]: flights of the past; airports and airlines; the models that answer.
//! * [`problem_json`], [`reply`], [`query`], [`fields`]: errors, responses, query parameters and bodies.
//! * [`cors`]: the sites whose scripts may use it.
//!
//! # The rules, each with a test in `tests/v1.rs`
//!
//! 1. Every response is JSON, also those to unknown paths and other methods, whatever `Accept` says. Errors are
//!    problem details (RFC 9457).
//! 2. Nothing that is sent is ignored: unknown fields and parameters are errors.
//! 3. A question with a key is asked once: its id follows from key and body. The same key with another body is a 422.
//! 4. Waiting is bounded: what has not landed in time is a 202, and the question goes on.
//! 5. A list has an end, and a link to the next page if there is one.
//! 6. An answer can be cached, as it never changes; nothing else can.
//! 7. Without configured sites there is no header of CORS.

mod call;
mod cors;
mod fields;
mod history;
mod idempotency;
mod model;
mod places;
mod problem_json;
mod questions;
mod reply;
mod routes;
mod versions;

pub use cors::CorsOrigin;
pub(crate) use cors::allow;
pub(crate) use idempotency::KeyTable;
pub(crate) use problem_json::respond as problem;
pub(crate) use routes::{handle, is_below};
