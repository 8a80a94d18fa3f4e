//! Renders pages: Handlebars templates, compiled in and parsed once.

use std::collections::BTreeMap;

use delaycast::{airports::Airports, flight::Code, history::city};
use handlebars::Handlebars;
use serde::Serialize;

use crate::assets::links;

pub(crate) use handlebars::RenderError;

/// A page, as the registry has it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: &'static str,
    pub(crate) template: &'static str,
    /// The path that it is served at; `None` if it has parameters in it, or is rendered by other code.
    pub(crate) path: Option<&'static str>,
    /// The text of its link in the navigation, if it has one.
    pub(crate) label: Option<&'static str>,
    /// The title, unless the view has another.
    pub(crate) title: &'static str,
}

/// A template that others include.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) name: &'static str,
    pub(crate) template: &'static str,
}

/// The data that a page's template shows.
pub(crate) trait View: Serialize {
    /// The page's name in the registry.
    const PAGE: &'static str;

    /// The title, where it differs from the registry's.
    fn title(&self) -> Option<&str> {
        None
    }
}

/// A template that cannot be used: a defect of this program, which its tests exclude.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// It does not parse.
    #[error("a template does not parse; this build is broken, use another")]
    Parse(#[from] Box<handlebars::TemplateError>),
    /// The template does not match its view.
    #[error("a template does not fit its data; this build is broken, use another")]
    Render(#[from] Box<RenderError>),
}

/// The parsed templates, and the data that all of them share.
pub(crate) struct Renderer {
    templates: Handlebars<'static>,
    pages: &'static [Page],
    navigation: Vec<NavigationLink>,
    /// The address of each file in `static/`, by its name.
    links: BTreeMap<&'static str, String>,
    /// Options of the form as HTML, the same on every page: hundreds of airports are rendered once.
    airlines: String,
    airports: String,
}

#[derive(Serialize)]
struct NavigationLink {
    path: &'static str,
    label: &'static str,
}

/// A view, and the data that all templates share.
#[derive(Serialize)]
struct Context<'a, V> {
    title: &'a str,
    navigation: &'a [NavigationLink],
    links: &'a BTreeMap<&'static str, String>,
    airlines: &'a str,
    airports: &'a str,
    #[serde(flatten)]
    view: &'a V,
}

fn options<'a>(
    templates: &Handlebars<'_>,
    list: impl Iterator<Item = (Code, &'a str)>,
) -> Result<String, Box<RenderError>> {
    let entries: Vec<(Code, &str)> = list.collect();
    Ok(templates.render("options", &entries)?)
}

impl Renderer {
    /// Parses all templates. In the navigation is each page with a label.
    pub(crate) fn new(
        pages: &'static [Page],
        partials: &'static [Partial],
        airports: &Airports,
    ) -> Result<Self, BadTemplate> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        let sources = pages.iter().map(|page| (page.name, page.template));
        for (name, source) in sources.chain(partials.iter().map(|partial| (partial.name, partial.template))) {
            templates.register_template_string(name, source).map_err(Box::new)?;
        }
        let airlines = options(&templates, airports.airlines())?;
        // Airports without flights can be asked about, and are not offered.
        let offered =
            airports.served().map(|(code, _)| (code, airports.name_of(code).or(city(code)).unwrap_or_default()));
        let airports = options(&templates, offered)?;
        let link = |page: &Page| Some(NavigationLink { path: page.path?, label: page.label? });
        let navigation = pages.iter().filter_map(link).collect();
        Ok(Renderer { pages, navigation, links: links(), airlines, airports, templates })
    }

    /// Renders the page of a view.
    pub(crate) fn render<V: View>(&self, view: &V) -> Result<String, RenderError> {
        let registered = self.pages.iter().find(|page| page.name == V::PAGE);
        let title = view.title().or(registered.map(|page| page.title)).unwrap_or_default();
        let context = Context {
            title,
            navigation: &self.navigation,
            links: &self.links,
            airlines: &self.airlines,
            airports: &self.airports,
            view,
        };
        self.templates.render(V::PAGE, &context)
    }
}
