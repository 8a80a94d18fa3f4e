//! The templates of `templates/`, compiled in and parsed once.

use delaycast::{atlas::Atlas, code::Code};
use handlebars::Handlebars;
use serde::Serialize;

use crate::{
    assets::{Links, links},
    models::{ErrorPage, OperationsPage, PredictPage},
};

pub(crate) use handlebars::RenderError;

const TEMPLATES: [(&str, &str); 11] = [
    ("layout", include_str!("templates/layout.hbs")),
    ("predict", include_str!("templates/predict.hbs")),
    ("error", include_str!("templates/error.hbs")),
    ("operations", include_str!("templates/operations.hbs")),
    ("options", include_str!("templates/options.hbs")),
    ("state/none", include_str!("templates/state/none.hbs")),
    ("state/waiting", include_str!("templates/state/waiting.hbs")),
    ("state/answered", include_str!("templates/state/answered.hbs")),
    ("state/rejected", include_str!("templates/state/rejected.hbs")),
    ("state/timed_out", include_str!("templates/state/timed_out.hbs")),
    ("state/unreachable", include_str!("templates/state/unreachable.hbs")),
];

/// A template that cannot be used: a defect of this program, which its tests exclude.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// It does not parse.
    #[error("a template does not parse; this build is broken, use another")]
    Parse(#[from] Box<handlebars::TemplateError>),
    /// It does not fit what it shows.
    #[error("a template does not fit its data; this build is broken, use another")]
    Render(#[from] Box<RenderError>),
}

/// Renders pages.
pub(crate) struct Pages {
    templates: Handlebars<'static>,
    links: Links,
    /// The lists to choose from as HTML, the same on every page: some 1,500 airports are not worth rendering each time.
    airlines: String,
    airports: String,
}

/// A page and what every page needs.
#[derive(Serialize)]
struct Framed<'a, T> {
    links: &'a Links,
    airlines: &'a str,
    airports: &'a str,
    #[serde(flatten)]
    page: &'a T,
}

fn options<'a>(
    templates: &Handlebars<'_>,
    list: impl Iterator<Item = (Code, &'a str)>,
) -> Result<String, Box<RenderError>> {
    let entries: Vec<(Code, &str)> = list.collect();
    Ok(templates.render("options", &entries)?)
}

impl Pages {
    pub(crate) fn new(atlas: &Atlas) -> Result<Self, BadTemplate> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        for (name, source) in TEMPLATES {
            templates.register_template_string(name, source).map_err(Box::new)?;
        }
        let airlines = options(&templates, atlas.airlines())?;
        let airports = options(&templates, atlas.airports().map(|(code, name)| (code, name.unwrap_or_default())))?;
        Ok(Pages { links: links(), airlines, airports, templates })
    }

    pub(crate) fn predict(&self, page: &PredictPage) -> Result<String, RenderError> {
        self.render("predict", page)
    }

    pub(crate) fn error(&self, page: &ErrorPage) -> Result<String, RenderError> {
        self.render("error", page)
    }

    pub(crate) fn operations(&self, page: &OperationsPage) -> Result<String, RenderError> {
        self.render("operations", page)
    }

    fn render(&self, template: &str, page: &impl Serialize) -> Result<String, RenderError> {
        let framed = Framed { links: &self.links, airlines: &self.airlines, airports: &self.airports, page };
        self.templates.render(template, &framed)
    }
}
