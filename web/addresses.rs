//! Addresses that several pages link to.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The page with the form.
pub(crate) const PREDICT: &str = "/flights/delays/predict_kafka";

/// Returns the address of the page with the result of a request. An id is any text, so it is encoded.
pub(crate) fn of_result(id: &str) -> String {
    format!("{PREDICT}?id={}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}
