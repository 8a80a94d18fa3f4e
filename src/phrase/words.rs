//! The words of a phrase, in lower case and without accents.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// It as it was typed.
    pub(super) typed: String,
    /// It in lower case, without accents and apostrophes.
    pub(super) text: String,
}

impl Word {
    /// Returns whether it is in upper case.
    pub(super) fn is_upper(&self) -> bool {
        self.typed == self.typed.to_uppercase()
    }

    /// Returns whether it says nothing of a flight, in phrases such as `how late will my flight to Boston be`.
    pub(super) fn is_filler(&self) -> bool {
        const FILLERS: &[&str] = &[
            "flight",
            "flights",
            "vuelo",
            "the",
            "el",
            "la",
            "my",
            "mi",
            "on",
            "en",
            "at",
            "is",
            "in",
            "for",
            "of",
            "with",
            "con",
            "will",
            "be",
            "late",
            "how",
            "i",
            "am",
            "an",
            "and",
            "y",
            "next",
            "this",
            "by",
            "leaving",
            "departing",
            "arriving",
            "flying",
            "fly",
            "please",
            "airport",
            "city",
            "s",
        ];
        FILLERS.contains(&self.text.as_str())
    }
}

/// Returns the words of a text: letters and digits, and the marks inside of a date or a time.
pub(super) fn words(text: &str) -> Vec<Word> {
    let parts = text.split(|c: char| c.is_whitespace() || ",;?!()\"“”→>".contains(c));
    parts
        .flat_map(split_unless_numeric)
        .filter(|typed| !typed.is_empty())
        .map(word)
        .filter(|word| !word.text.is_empty())
        .collect()
}

/// Splits `JFK-LAX` and `JFK/LAX`, and leaves `2026-07-04`, `7/4`, `4.7.` and `14:30` as they are.
fn split_unless_numeric(part: &str) -> Vec<&str> {
    if part.chars().all(|c| c.is_ascii_digit() || "-/.:".contains(c)) {
        return vec![part];
    }
    part.split(['-', '–', '—', '/', '_']).collect()
}

fn word(typed: &str) -> Word {
    Word { typed: typed.trim_matches(['.', ':']).to_owned(), text: plain(typed) }
}

/// Returns a text in lower case, without accents, apostrophes, and points at its end.
pub(super) fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c) && !"'’`´".contains(*c));
    let text: String = letters.flat_map(char::to_lowercase).collect();
    if text.starts_with(|c: char| c.is_ascii_digit()) { text } else { text.trim_matches(['.', ':']).replace('.', "") }
}
