//! The messages and their uses: each is used, with its arguments, and all languages have the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    catalog::{Argument, Texts, sources},
    language::Language,
};

type Arguments = BTreeSet<String>;

/// Returns the files below a folder of this crate with this ending.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                files.push(path);
            }
        }
    }
    files
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).unwrap_or(text.len());
    &text[..end]
}

/// Returns the text of each message, with the lines that belong to it.
fn messages(language: Language) -> BTreeMap<String, String> {
    let mut messages: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in sources(language).iter().flat_map(|source| source.lines()) {
        match line.split_once(" =") {
            Some((key, text)) if !line.starts_with([' ', '#']) => {
                key.clone_into(&mut last);
                assert!(messages.insert(last.clone(), text.to_owned()).is_none(), "{last} stands twice");
            }
            _ if line.starts_with(' ') => messages.get_mut(&last).unwrap().push_str(line),
            _ => assert!(line.is_empty() || line.starts_with("# "), "{line}"),
        }
    }
    messages
}

/// Returns the arguments of a message, and those of the messages in it.
fn arguments(messages: &BTreeMap<String, String>, key: &str) -> Arguments {
    let text = messages.get(key).unwrap_or_else(|| panic!("there is no message {key}"));
    let own = text.match_indices('$').map(|(at, _)| name_at(&text[at + 1..]).to_owned());
    let named = text.match_indices("{ ").map(|(at, _)| name_at(&text[at + 2..])).filter(|name| !name.is_empty());
    own.chain(named.flat_map(|name| arguments(messages, name))).collect()
}

#[test]
fn all_languages_have_the_same_messages_with_the_same_arguments() {
    let [english, spanish] = Language::ALL.map(messages);
    assert_eq!(english.keys().collect::<Vec<_>>(), spanish.keys().collect::<Vec<_>>());
    for key in english.keys() {
        let [english, spanish] = [&english, &spanish].map(|messages| arguments(messages, key));
        assert_eq!(english, spanish, "{key}");
    }
}

#[test]
fn every_message_parses_and_says_something() {
    for language in Language::ALL {
        let (texts, messages) = (Texts::of(language), messages(language));
        for key in messages.keys() {
            for number in [1.0, 2.0, 1_000_000.0] {
                let arguments = arguments(&messages, key);
                let filled: Vec<(&str, Argument<'_>)> =
                    arguments.iter().map(|name| (name.as_str(), Argument::Number(number))).collect();
                let said = texts.find(key, &filled).unwrap_or_else(|| panic!("{key} is not read"));
                assert!(!said.is_empty() && !said.contains(['$', '~']), "{key}: {said}");
                assert!(!said.contains("{"), "{key} lacks an argument: {said}");
            }
        }
    }
}

/// A place in the sources that says a message, with the arguments that it has.
struct Use {
    place: String,
    key: String,
    arguments: Arguments,
}

/// Reads `say!(texts, "key", name = value)` and `message!("key", name = value)`.
fn uses_in_code(place: &str, text: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    for (at, start) in text.match_indices("say!(").chain(text.match_indices("message!(")) {
        let (mut depth, mut is_text, mut parts) = (0, false, vec![String::new()]);
        for c in text[at + start.len()..].chars() {
            match c {
                '"' => is_text = !is_text,
                '(' | '[' | '{' if !is_text => depth += 1,
                ')' | ']' | '}' if !is_text && depth == 0 => break,
                ')' | ']' | '}' if !is_text => depth -= 1,
                ',' if !is_text && depth == 0 => {
                    parts.push(String::new());
                    continue;
                }
                _ => {}
            }
            parts.last_mut().unwrap().push(c);
        }
        let Some(key_at) = parts.iter().position(|part| part.trim().starts_with('"')) else { continue };
        let argument = |part: &String| part.split_once('=').map(|(name, _)| name.trim().to_owned());
        uses.push(Use {
            place: place.to_owned(),
            key: parts[key_at].trim().trim_matches('"').to_owned(),
            arguments: parts[key_at + 1..].iter().filter_map(argument).collect(),
        });
    }
    uses
}

/// Reads `{{t "key" name=value}}` and `{{html "key"}}`.
fn uses_in_template(place: &str, text: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    for start in ["{{t \"", "{{html \""] {
        for (at, _) in text.match_indices(start) {
            let (key, rest) = text[at + start.len()..].split_once('"').unwrap();
            let names = rest.split("}}").next().unwrap().split(' ');
            let arguments = names.filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect();
            uses.push(Use { place: place.to_owned(), key: key.to_owned(), arguments });
        }
    }
    uses
}

#[test]
fn every_message_is_used_with_its_arguments() {
    let messages = messages(Language::English);
    let mut uses = Vec::new();
    for path in files(".", "rs").into_iter().filter(|path| !path.ends_with("texts/tests.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        uses.extend(uses_in_code(&path.display().to_string(), &code.join("\n")));
    }
    for path in files("templates", "hbs") {
        uses.extend(uses_in_template(&path.display().to_string(), &fs::read_to_string(&path).unwrap()));
    }
    // The titles and labels of the registry have no arguments.
    for page in crate::pages::PAGES {
        for key in [Some(page.title), page.label].into_iter().flatten() {
            uses.push(Use { place: "pages.rs".to_owned(), key: key.to_owned(), arguments: Arguments::new() });
        }
    }
    for Use { place, key, arguments: given } in &uses {
        assert!(messages.contains_key(key), "{place}: there is no message {key}");
        assert_eq!(*given, arguments(&messages, key), "{place}: {key}");
    }
    let mut used: BTreeSet<&str> = uses.iter().map(|used| used.key.as_str()).collect();
    for text in messages.values() {
        used.extend(text.match_indices("{ ").map(|(at, _)| name_at(&text[at + 2..])));
    }
    let unused: Vec<&String> = messages.keys().filter(|key| !used.contains(key.as_str())).collect();
    assert!(unused.is_empty(), "nothing says {unused:?}");
}
