//! Tests of the Markdown pages: the width of prose, and links within the project.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::language::{COLUMNS_MAX, files, none_of, project};

/// The lines of a page that are neither code nor made by a program, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let (mut in_code, mut is_made) = (false, false);
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        is_made = (is_made || line.starts_with("<!-- made by ")) && !line.starts_with("<!-- end of ");
        (!in_code && !is_fence && !is_made).then_some((index + 1, line))
    })
}

/// Returns the anchors of a page's headings, as GitHub makes them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = prose(&text).filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
    };
    headings.map(|(_, heading)| anchor(heading)).collect()
}

/// Returns the targets of the links in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Returns whether a link leads to a file, and to a heading of it if it names one.
fn leads_somewhere(page: &Path, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file: PathBuf = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    file.exists() && (anchor.is_empty() || anchors(&file).contains(anchor))
}

#[test]
fn no_prose_is_wider_than_120_columns() {
    let mut faults = Vec::new();
    for page in files(".", &[".md"]) {
        let text = fs::read_to_string(&page).unwrap();
        let place = page.strip_prefix(project()).unwrap().display();
        for (number, line) in prose(&text) {
            // Rows of a table cannot be broken, nor can an address.
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && !line.starts_with('|') && !line.contains("://") {
                faults.push(format!("{place}:{number}: {columns} columns"));
            }
        }
    }
    none_of(&faults);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut faults = Vec::new();
    let mut links = 0;
    for page in files(".", &[".md"]) {
        let text = fs::read_to_string(&page).unwrap();
        let place = page.strip_prefix(project()).unwrap().display();
        for (number, line) in prose(&text) {
            for target in targets(line).filter(|target| !target.contains("://")) {
                links += 1;
                if !leads_somewhere(&page, target) {
                    faults.push(format!("{place}:{number}: {target}"));
                }
            }
        }
    }
    assert!(links > 50, "only {links} links");
    none_of(&faults);
}
