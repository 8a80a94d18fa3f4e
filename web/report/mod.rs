//! The report of an evaluation as one page, which needs nothing else: no script, no network, no file beside it.

mod axes;
mod plots;
mod view;

use delaycast::evaluate::Report;
use handlebars::Handlebars;

use crate::render::BadTemplate;
use view::ReportView;

/// The report as HTML.
pub fn render_report(report: &Report) -> Result<String, BadTemplate> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.register_template_string("report", include_str!("../templates/report.hbs")).map_err(Box::new)?;
    Ok(templates.render("report", &ReportView::new(report)).map_err(Box::new)?)
}

#[cfg(test)]
mod tests;
