//! Renders pages: Handlebars templates, compiled in, and parsed once for each language.

use std::collections::BTreeMap;

use delaycast::{airports::Airports, flight::Code, history::city};
use handlebars::Handlebars;
use serde::Serialize;

use crate::{
    assets::links,
    texts::{Language, Texts, register},
};

pub(crate) use handlebars::RenderError;

/// A page, as the registry has it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: &'static str,
    pub(crate) template: &'static str,
    /// The path that it is served at; `None` if it has parameters in it, or is rendered by other code.
    pub(crate) path: Option<&'static str>,
    /// The key of the text of its link in the navigation, if it has one.
    pub(crate) label: Option<&'static str>,
    /// The key of the title, unless the view has another.
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
    /// The page whose link in the navigation stands for this page, too.
    const SECTION: &'static str = Self::PAGE;

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
    /// Those of each language, in the order of [`Language::ALL`]. They differ in the helpers that say messages.
    templates: [Handlebars<'static>; Language::ALL.len()],
    pages: &'static [Page],
    /// The address of each file in `static/`, by its name.
    links: BTreeMap<&'static str, String>,
    /// Options of the form as HTML, the same on every page: hundreds of airports are rendered once.
    airlines: String,
    airports: String,
}

/// A link of the navigation, or that to the first page.
#[derive(Serialize)]
struct NavigationLink {
    path: &'static str,
    label: String,
    /// The value of `aria-current`, if it leads to the page itself or to its section.
    current: Option<&'static str>,
}

/// The link that switches to the other language.
#[derive(Serialize)]
struct LanguageLink {
    code: &'static str,
    name: &'static str,
    url: String,
}

/// A view, and the data that all templates share.
#[derive(Serialize)]
struct Context<'a, V> {
    language: &'static str,
    languages: Vec<LanguageLink>,
    title: &'a str,
    is_first_page: bool,
    navigation: Vec<NavigationLink>,
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
        let templates = Language::ALL.map(|language| {
            let mut templates = templates.clone();
            register(&mut templates, Texts::of(language));
            templates
        });
        Ok(Renderer { pages, links: links(), airlines, airports, templates })
    }

    /// Renders the page of a view. `switch_url` is the address that shows it in another language.
    pub(crate) fn render<V: View>(
        &self,
        view: &V,
        texts: Texts,
        switch_url: impl Fn(Language) -> String,
    ) -> Result<String, RenderError> {
        let registered = self.pages.iter().find(|page| page.name == V::PAGE);
        let title = match (view.title(), registered) {
            (Some(title), _) => title,
            (None, Some(page)) => &texts.say(page.title, &[]),
            (None, None) => "",
        };
        let link = |page: &Page| {
            let current = match page.name {
                name if name == V::PAGE => Some("page"),
                name if name == V::SECTION => Some("true"),
                _ => None,
            };
            Some(NavigationLink { path: page.path?, label: texts.say(page.label?, &[]), current })
        };
        let others = Language::ALL.into_iter().filter(|language| *language != texts.language);
        let other = |language: Language| LanguageLink {
            code: language.code(),
            name: language.own_name(),
            url: switch_url(language),
        };
        let [english, spanish] = &self.templates;
        let templates = match texts.language {
            Language::English => english,
            Language::Spanish => spanish,
        };
        let context = Context {
            language: texts.language.code(),
            languages: others.map(other).collect(),
            title,
            is_first_page: self.pages.first().is_some_and(|page| page.name == V::PAGE),
            navigation: self.pages.iter().filter_map(link).collect(),
            links: &self.links,
            airlines: &self.airlines,
            airports: &self.airports,
            view,
        };
        templates.render(V::PAGE, &context)
    }
}
