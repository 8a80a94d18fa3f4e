//! The page that asks for the batch.

use serde::Serialize;

use super::form::FormView;
use crate::{
    batch::results_url, field_error::FieldError, flight_form::FlightForm, form_page::FormPage, render::View,
    state::Parts, texts::Texts,
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct BatchView {
    form: FormView,
    /// The questions of today, and their answers.
    today_url: String,
}

impl View for BatchView {
    const PAGE: &'static str = "batch";
}

impl BatchView {
    /// The form for a flight tomorrow.
    pub(crate) fn empty(parts: &Parts, texts: Texts) -> Self {
        Self::refused(&FlightForm::initial(parts.now().date_naive()), &[], parts, texts)
    }

    /// The form as it was sent, each wrong field with its reason.
    pub(crate) fn refused(form: &FlightForm, errors: &[FieldError], parts: &Parts, texts: Texts) -> Self {
        let form = FormView::new(form, errors, true, parts, texts).on(FormPage::Batch);
        BatchView { form, today_url: results_url(engine::clock::now().date_naive()) }
    }
}
