//! The report of an evaluation as one file without scripts, links or network access.

use delaycast::{airports::Airports, evaluate::Report};

use crate::{
    pages::{PAGES, PARTIALS},
    render::{BadTemplate, Renderer},
    texts::{Language, Texts},
    views::report::ReportView,
};

/// Renders the report as HTML.
pub fn render_report(report: &Report) -> Result<String, BadTemplate> {
    let renderer = Renderer::new(PAGES, PARTIALS, &Airports::default())?;
    let view = ReportView::new(report);
    Ok(renderer.render(&view, Texts::of(Language::English), |_| String::new()).map_err(Box::new)?)
}
