//! The page with the form that asks for minutes.

use serde::Serialize;

use super::predict::PredictView;
use crate::{flight_form::MINUTES_ACTION, render::View, state::Parts};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct RegressView(PredictView);

impl View for RegressView {
    const PAGE: &'static str = "regress";
}

impl RegressView {
    /// The form alone.
    pub(crate) fn empty(parts: &Parts) -> Self {
        RegressView(PredictView::empty(parts).posted_to(MINUTES_ACTION, "How many minutes late will this flight be?"))
    }
}
