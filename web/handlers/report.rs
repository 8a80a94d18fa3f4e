//! The report of an evaluation as one file without scripts, links or network access.

use delaycast::{airports::Airports, evaluate::Report};

use crate::{
    pages::{PAGES, PARTIALS},
    render::{BadTemplate, Renderer},
    texts::{Language, Texts},
    views::report::ReportView,
};

/// Renders the report as HTML in a language.
pub fn render_report(report: &Report, language: Language) -> Result<String, BadTemplate> {
    let renderer = Renderer::new(PAGES, PARTIALS, &Airports::default())?;
    let texts = Texts::of(language);
    Ok(renderer.render(&ReportView::new(report, texts), texts, |_| String::new()).map_err(Box::new)?)
}
