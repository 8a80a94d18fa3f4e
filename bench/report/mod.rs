//! Renders the results into docs/benchmarks.md and a section of README.md.
//!
//! Every measured number of these pages is a value of a result's file. Templates are strict: a value that is not there
//! is an error.

mod fill;
mod helpers;
mod results;
#[cfg(test)]
mod tests;

use std::{fs, path::Path};

use anyhow::Context;
use handlebars::Handlebars;
use serde::Serialize;

use self::results::Results;

const PAGE: &str = "docs/benchmarks.md";
const README: &str = "README.md";
/// The lines of README.md around the rendered text.
const BEGIN: &str = "<!-- made by bench/run from bench/results/ and bench/report/measured.md.hbs -->\n";
const END: &str = "<!-- end of what bench/run made -->\n";

/// The templates, by name.
const TEMPLATES: [(&str, &str); 6] = [
    ("benchmarks", include_str!("benchmarks.md.hbs")),
    ("measured", include_str!("measured.md.hbs")),
    ("made", include_str!("made.md.hbs")),
    ("percentiles", include_str!("percentiles.md.hbs")),
    ("peers", include_str!("peers.md.hbs")),
    ("forest_steps", include_str!("forest_steps.md.hbs")),
];

/// Both pages, whole.
struct Pages {
    page: String,
    readme: String,
}

/// Writes both pages below a folder.
pub(crate) fn write(project: &Path, results: &Path) -> anyhow::Result<()> {
    let Pages { page, readme } = render(project, results)?;
    fs::write(project.join(PAGE), page)?;
    fs::write(project.join(README), readme)?;
    println!("rendered {PAGE} and {README}");
    Ok(())
}

fn render(project: &Path, results: &Path) -> anyhow::Result<Pages> {
    let (templates, results) = (templates()?, Results::read(results)?);
    let readme = fs::read_to_string(project.join(README))?;
    let (before, rest) = readme.split_once(BEGIN).with_context(|| format!("{README} has no line {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{README} has no line {END}"))?;
    let measured = render_one(&templates, "measured", &results)?;
    Ok(Pages {
        page: render_one(&templates, "benchmarks", &results)?,
        readme: [before, BEGIN, &measured, END, after].concat(),
    })
}

fn render_one(templates: &Handlebars<'_>, name: &str, results: &impl Serialize) -> anyhow::Result<String> {
    let text = templates.render(name, results).with_context(|| format!("bench/report/{name}.md.hbs"))?;
    Ok(fill::fill(&text))
}

fn templates() -> anyhow::Result<Handlebars<'static>> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.register_escape_fn(handlebars::no_escape);
    helpers::register(&mut templates);
    for (name, template) in TEMPLATES {
        templates.register_template_string(name, template)?;
    }
    Ok(templates)
}
