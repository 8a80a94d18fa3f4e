//! The page that asks for the batch.

use serde::Serialize;

use super::form::FormView;
use crate::{batch::results_url, flight_form::FlightForm, problem::FieldError, render::View, state::Parts};

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
    pub(crate) fn empty(parts: &Parts) -> Self {
        Self::refused(&FlightForm::initial(parts.now().date_naive()), &[], parts)
    }

    /// The form as it was sent, each wrong field with its reason.
    pub(crate) fn refused(form: &FlightForm, errors: &[FieldError], parts: &Parts) -> Self {
        let form = FormView::new(form, errors, true, &parts.airports).for_batch();
        BatchView { form, today_url: results_url(engine::clock::now().date_naive()) }
    }
}
