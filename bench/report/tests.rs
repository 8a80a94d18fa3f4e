#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use super::*;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn committed() -> PathBuf {
    project().join("bench/results")
}

#[test]
fn the_pages_are_rendered_from_the_results() {
    let Pages { page, readme } = render(&project(), &committed()).unwrap();
    for (name, rendered) in [(PAGE, page), (README, readme)] {
        let text = fs::read_to_string(project().join(name)).unwrap();
        let different = text.lines().zip(rendered.lines()).find(|(text, rendered)| text != rendered);
        assert!(
            text == rendered,
            "{name} is not what bench/results and bench/report give: run `bench/run report`, and commit the result.\n\
             the first different line (file, rendered): {different:#?}"
        );
    }
}

/// Removes code spans, expressions, comments, and the addresses of links.
fn prose(template: &str) -> String {
    let (mut text, mut rest) = (String::new(), template);
    let marks = [("{{", "}}"), ("<!--", "-->"), ("](", ")"), ("`", "`")];
    while let Some((at, (open, close))) =
        marks.iter().filter_map(|mark| Some((rest.find(mark.0)?, *mark))).min_by_key(|(at, _)| *at)
    {
        text += &rest[..at];
        text.push(' ');
        let inner = &rest[at + open.len()..];
        rest = inner.split_once(close).unwrap_or_else(|| panic!("{open} is not closed: {inner:.40}")).1;
    }
    text + rest
}

/// Words with a digit that is no figure.
const NAMES: [&str; 2] = ["p90", "p99"];

#[test]
fn no_template_has_a_figure_of_its_own() {
    for (name, template) in TEMPLATES {
        let prose = prose(template);
        let words = prose.split(|c: char| !c.is_alphanumeric() && c != '.' && c != ',');
        let figures: Vec<&str> =
            words.filter(|word| word.contains(|c: char| c.is_ascii_digit()) && !NAMES.contains(word)).collect();
        assert!(figures.is_empty(), "{name}.md.hbs has {figures:?}: a figure is a value of a result, as in {{{{…}}}}");
    }
}

#[test]
fn prose_is_the_text_outside_of_code_and_expressions() {
    let words = "12 [13](14) `15` {{sig x 16}} <!-- 17 -->\n18";
    assert_eq!(prose(words).split_whitespace().collect::<Vec<_>>(), ["12", "[13", "18"]);
}

#[test]
fn a_value_that_is_not_there_is_an_error() {
    let (templates, results) = (templates().unwrap(), Results::read(&committed()).unwrap());
    for template in ["{{training.values.nothing}}", "{{fixed training.values.nothing 3}}", "{{range training 3}}"] {
        assert!(templates.render_template(template, &results).is_err(), "{template}");
    }
}

#[test]
fn a_result_that_does_not_fit_is_an_error_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(committed()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    let path = dir.path().join("memory.json");
    let whole = fs::read_to_string(&path).unwrap();
    let error = |text: Option<String>| {
        match text {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        format!("{:#}", Results::read(dir.path()).map(drop).unwrap_err())
    };
    let unnamed = whole.replacen("answered_per_s", "answered", 1);
    let null = whole.replacen("\"resident_mib\": [", "\"resident_mib\": [ null, ", 1);
    let other = whole.replacen("\"memory\"", "\"load\"", 1);
    for text in [Some(unnamed), Some(null), Some(other), None] {
        let error = error(text);
        assert!(error.contains("memory.json") && error.contains("bench/run memory"), "{error}");
    }
}
