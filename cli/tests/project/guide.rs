//! Tests of the course guide: both languages have the same chapters, with the same commands and outputs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::language::{none_of, project};

/// Returns the pages of a language by their names.
fn pages(language: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(project().join("docs/guide").join(language)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.map(|path| (name(&path), fs::read_to_string(path).unwrap())).collect()
}

/// Returns what is the same in all languages: the levels of the headings, and the blocks of code, in their order.
fn structure(text: &str) -> Vec<&str> {
    let mut structure = Vec::new();
    for (index, part) in text.split("\n```").enumerate() {
        if index % 2 == 1 {
            structure.push(part);
        } else {
            let headings = part.lines().filter(|line| line.starts_with('#'));
            structure.extend(headings.map(|line| line.split(' ').next().unwrap_or_default()));
        }
    }
    structure
}

#[test]
fn both_languages_have_the_same_chapters() {
    let (english, spanish) = (pages("en"), pages("es"));
    assert!(english.len() >= 11, "only {} pages", english.len());
    assert_eq!(english.keys().collect::<Vec<_>>(), spanish.keys().collect::<Vec<_>>());
    let mut faults = Vec::new();
    for (name, text) in &english {
        let (here, there) = (structure(text), structure(&spanish[name]));
        if let Some((here, there)) = here.iter().zip(&there).find(|(here, there)| here != there) {
            faults.push(format!("{name}: {here}\n  in Spanish: {there}"));
        } else if here.len() != there.len() {
            faults.push(format!("{name}: {} headings and blocks, {} in Spanish", here.len(), there.len()));
        }
    }
    none_of(&faults);
}

#[test]
fn each_index_links_all_chapters_and_each_chapter_the_other_language() {
    let mut faults = Vec::new();
    for (language, other) in [("en", "es"), ("es", "en")] {
        let pages = pages(language);
        let index = &pages["README.md"];
        let chapters: BTreeSet<&String> = pages.keys().filter(|name| *name != "README.md").collect();
        faults.extend(
            chapters.iter().filter(|name| !index.contains(&format!("]({name})"))).map(|it| format!("{language}: {it}")),
        );
        for (name, text) in &pages {
            if !text.contains(&format!("](../{other}/{name})")) {
                faults.push(format!("{language}/{name} has no link to {other}/{name}"));
            }
        }
    }
    none_of(&faults);
}

#[test]
fn another_command_or_a_missing_heading_is_found() {
    let page = "# A\n\nText\n\n```sh\nls\n```\n\n## B\n";
    assert_eq!(structure(page), ["#", "sh\nls", "##"]);
    assert_ne!(structure(page), structure(&page.replace("ls", "ls -l")));
    assert_ne!(structure(page), structure(&page.replace("## B", "B")));
}
