//! The page with the form that asks for minutes.

use serde::Serialize;

use super::predict::PredictView;
use crate::{
    form_page::FormPage,
    render::View,
    texts::{Texts, say},
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct RegressView(PredictView);

impl View for RegressView {
    const PAGE: &'static str = "regress";
}

impl RegressView {
    /// The form of a view of the other page, with another heading.
    pub(crate) fn new(view: PredictView, texts: Texts) -> Self {
        RegressView(view.on(FormPage::Minutes, say!(texts, "predict-minutes-heading")))
    }
}
