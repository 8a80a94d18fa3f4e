//! What a form says and what a template shows.

mod answer;
mod flight_form;
mod operations;
mod pages;
mod result;
mod why;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub use answer::answer_in_words;
pub(crate) use flight_form::FlightForm;
pub(crate) use operations::{OperationsPage, grouped};
pub(crate) use pages::{ErrorPage, PredictPage};
pub(crate) use result::ResultView;

/// The address of the page.
pub(crate) const PREDICT_PAGE: &str = "/flights/delays/predict_kafka";

/// The address of the page with what has come of a request. An id is any text, so it is encoded.
pub(crate) fn result_url(id: &str) -> String {
    format!("{PREDICT_PAGE}?id={}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// Texts from outside are quoted in reasons up to this many characters.
const QUOTED_CHARS_MAX: usize = 40;

/// A text from outside, for a reason.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((at, _)) => format!("“{}…”", &text[..at]),
        None => format!("“{text}”"),
    }
}

/// The text as a sentence begins.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
