//! The pages with the form of a flight, and their addresses.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The address of the page with the form.
pub(crate) const FORM_PATH: &str = "/flights/delays/predict_kafka";

/// The address that the form of that page is posted to.
pub(crate) const FORM_ACTION: &str = "/flights/delays/predict/classify_realtime";
/// The address of the page whose form asks for minutes, and the address that it is posted to.
pub(crate) const MINUTES_PATH: &str = "/flights/delays/predict";
pub(crate) const MINUTES_ACTION: &str = "/flights/delays/predict/regress";
/// The address of the page that asks for the batch, and the address that its form is posted to.
pub(crate) const BATCH_PATH: &str = "/flights/delays/predict_batch";
pub(crate) const BATCH_ACTION: &str = "/flights/delays/predict/classify";

/// The pages with the form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FormPage {
    /// That which asks, and shows the result.
    #[default]
    Answer,
    /// That which asks for minutes.
    Minutes,
    /// That which asks for the batch.
    Batch,
}

impl FormPage {
    /// The address of the page.
    pub(crate) fn path(self) -> &'static str {
        match self {
            FormPage::Answer => FORM_PATH,
            FormPage::Minutes => MINUTES_PATH,
            FormPage::Batch => BATCH_PATH,
        }
    }

    /// The address that its form is posted to.
    pub(crate) fn action(self) -> &'static str {
        match self {
            FormPage::Answer => FORM_ACTION,
            FormPage::Minutes => MINUTES_ACTION,
            FormPage::Batch => BATCH_ACTION,
        }
    }
}

/// Returns the address of that page with the result of a request. An id is any text, so it is encoded.
pub(crate) fn result_url(id: &str) -> String {
    format!("{FORM_PATH}?id={}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}
