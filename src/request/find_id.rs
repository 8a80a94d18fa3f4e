//! Finds the `UUID` of a message that is not valid JSON, so that a rejection can be stored under it.
//!
//! The rules, each with a test of its number:
//!
//! 1. The id is the value of the member `UUID` of the outermost object: a whole string of a valid length, followed by a
//!    comma, a closing brace, the next name, or the end of the message. A `UUID` in a nested object or in a string is
//!    ignored.
//! 2. Damage before or behind that member does not hide it: words that are not JSON, surplus or missing commas and
//!    colons, a truncated end, bytes that are not UTF-8.
//! 3. Of several members with different values none is found: it is unknown which was meant.
//! 4. Up to [`PREFIX_BYTES_MAX`] bytes without quotes, or an array's brackets, can precede the object, and text can
//!    follow it. Quotes in the prefix belong to an object whose brace is damaged. An object encoded as a JSON string,
//!    once or twice, is decoded first.
//! 5. A surplus or missing quote makes it unknown what is within a string. An id found before it stays; behind it a
//!    `UUID` is found only if the message has that word once and no brace or bracket before it but the outermost one.
//! 6. A surplus brace or bracket makes it unknown what is nested: it hides all, unless the object is flat. An object
//!    that ends before a `UUID` was found has none, whatever follows it.
//! 7. Names and strings in single quotes, as Python writes a dictionary, are read in a message whose first name has
//!    them. A surplus or missing quote in it hides all.
//! 8. The time is linear in the length of the message, of which the first [`SCAN_BYTES_MAX`] bytes are scanned.

use std::borrow::Cow;

use engine::request::RequestId;

use super::schema::Field;
use crate::wire::{SCAN_BYTES_MAX, string_end};

/// Upper bound on the bytes before the object.
const PREFIX_BYTES_MAX: usize = 256;
/// Upper bound on the times that an object is encoded as a string.
const ENCODINGS_MAX: usize = 2;

const NAME: &str = Field::Uuid.name();

/// The id of the request that these bytes were meant to be; `None` if it is not unambiguous.
pub(super) fn find_id(bytes: &[u8]) -> Option<RequestId> {
    let mut bytes = Cow::Borrowed(&bytes[..bytes.len().min(SCAN_BYTES_MAX)]);
    for _ in 0..ENCODINGS_MAX {
        match bytes.trim_ascii_start() {
            [b'"', string @ ..] => bytes = Cow::Owned(decoded(string)),
            _ => break,
        }
    }
    let start = bytes.iter().take(PREFIX_BYTES_MAX + 1).position(|byte| *byte == b'{')?;
    let (prefix, object) = bytes.split_at(start);
    if prefix.iter().any(|byte| matches!(byte, b'"' | b'\'')) {
        return None;
    }
    let depth = prefix.iter().filter(|byte| **byte == b'[').count();
    let single_quoted = object[1..].trim_ascii_start().first() == Some(&b'\'');
    let mut scan = Scan {
        bytes: object,
        at: 0,
        depth,
        members_at: depth + 1,
        previous: [Token::Comma; 2],
        is_flat: true,
        single_quoted,
        found: Found::Nothing,
    };
    match (scan.run(), scan.found) {
        (Ended::UnknownDepth, _) => None,
        (Ended::UnknownQuotes, _) if single_quoted => None,
        (Ended::UnknownQuotes, Found::Nothing) => find_in_flat_object(object),
        (_, Found::One(id)) => Some(id),
        _ => None,
    }
}

/// Decodes a JSON string up to its end or the message's. Invalid escapes stay.
fn decoded(string: &[u8]) -> Vec<u8> {
    let (mut text, mut at) = (Vec::with_capacity(string.len()), 0);
    while let Some(&byte) = string.get(at).filter(|byte| **byte != b'"') {
        at += 1;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match string.get(at) {
            Some(b'n') => text.push(b'\n'),
            Some(b't') => text.push(b'\t'),
            Some(b'r') => text.push(b'\r'),
            Some(escaped @ (b'"' | b'\\' | b'/')) => text.push(*escaped),
            // A `\u` escape stays: it is an escape of the inner JSON, too.
            Some(_) => {
                text.push(byte);
                continue;
            }
            None => break,
        }
        at += 1;
    }
    text
}

/// The values of the members `UUID` so far.
enum Found {
    Nothing,
    One(RequestId),
    /// Different values, or one that is not an id.
    Several,
}

/// A token of JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Text,
    Word,
}

/// The end of a scan.
enum Ended {
    /// At the end of the message, which can be truncated.
    AtEnd,
    /// At a token behind which it is unknown what is within a string.
    UnknownQuotes,
    /// At a token behind which it is unknown what is nested.
    UnknownDepth,
}

/// Reads tokens, and checks no grammar but rule 1.
struct Scan<'a> {
    /// The message from the object's brace.
    bytes: &'a [u8],
    at: usize,
    /// Open braces and brackets.
    depth: usize,
    /// The depth of the members of the outermost object.
    members_at: usize,
    /// The last token, and the one before.
    previous: [Token; 2],
    /// No value is, or was meant to be, an object or an array.
    is_flat: bool,
    single_quoted: bool,
    found: Found,
}

impl Scan<'_> {
    fn run(&mut self) -> Ended {
        loop {
            let start = skip_blanks(self.bytes, self.at);
            let is_adjacent = start == self.at;
            let Some(&byte) = self.bytes.get(start) else { return Ended::AtEnd };
            let token = match byte {
                b'{' | b'[' => Token::Open,
                b'}' | b']' => Token::Close,
                b',' => Token::Comma,
                b':' => Token::Colon,
                b'"' => Token::Text,
                b'\'' if self.single_quoted => Token::Text,
                _ => Token::Word,
            };
            let end = match token {
                Token::Text => string_end(self.bytes, start),
                Token::Word => Some(word_end(self.bytes, start, self.single_quoted)),
                _ => Some(start + 1),
            };
            if let Some(ended) = self.ambiguity(token, is_adjacent) {
                return ended;
            }
            // The object ends before its id: its brace is damaged, or another object follows.
            if token == Token::Close && self.depth < self.members_at && matches!(self.found, Found::Nothing) {
                return Ended::UnknownDepth;
            }
            // A string in single quotes without an end can as well be the gap between two strings.
            let Some(end) = end else { return if self.single_quoted { Ended::UnknownQuotes } else { Ended::AtEnd } };
            let may_be_name = token == Token::Text && self.previous[0] != Token::Colon && self.depth == self.members_at;
            if may_be_name && self.is_quoted(start) && is_name(&self.bytes[start..end]) {
                self.read_value(end);
            }
            (self.at, self.previous) = (end, [token, self.previous[0]]);
        }
    }

    /// Counts braces and brackets; `Some` if the token cannot be here.
    fn ambiguity(&mut self, token: Token, is_adjacent: bool) -> Option<Ended> {
        match (token, self.previous) {
            (Token::Open, _) => {
                self.is_flat &= self.depth < self.members_at;
                self.depth += 1;
            }
            (Token::Close, _) if self.depth == 0 => return (!self.is_flat).then_some(Ended::UnknownDepth),
            (Token::Close, [previous, _]) => {
                self.is_flat &= previous != Token::Colon;
                self.depth -= 1;
            }
            // Members behind the object's end, or another object in its array.
            (Token::Comma | Token::Text, _) if self.depth < self.members_at => return Some(Ended::UnknownDepth),
            (Token::Comma, [Token::Colon, _]) | (Token::Colon, [Token::Text, Token::Colon]) => self.is_flat = false,
            // Strings are adjacent to commas, colons, braces and brackets alone.
            (Token::Text, [Token::Text | Token::Word, _]) if is_adjacent => return Some(Ended::UnknownQuotes),
            (Token::Word, [Token::Text, _]) => return Some(Ended::UnknownQuotes),
            _ => {}
        }
        None
    }

    /// Returns whether the string that begins here has the same quotes as names.
    fn is_quoted(&self, start: usize) -> bool {
        (self.bytes[start] == b'\'') == self.single_quoted
    }

    /// Reads the value behind the name `UUID`.
    fn read_value(&mut self, name_end: usize) {
        let colon = skip_blanks(self.bytes, name_end);
        let start = skip_blanks(self.bytes, colon + 1);
        let is_string = match self.bytes.get(start) {
            Some(b'"') => true,
            Some(b'\'') => self.single_quoted,
            _ => false,
        };
        if self.bytes.get(colon) != Some(&b':') || !is_string {
            return;
        }
        let Some(end) = string_end(self.bytes, start) else { return };
        let next = skip_blanks(self.bytes, end);
        let is_whole = match self.bytes.get(next) {
            None | Some(b',' | b'}') => true,
            // A missing comma.
            Some(b'"' | b'\'') => next > end,
            Some(_) => false,
        };
        if !is_whole {
            return;
        }
        let id = content(&self.bytes[start..end]).and_then(|text| RequestId::new(text).ok());
        self.found = match (std::mem::replace(&mut self.found, Found::Several), id) {
            (Found::Nothing, Some(id)) => Found::One(id),
            (Found::One(known), Some(id)) if known == id => Found::One(known),
            _ => Found::Several,
        };
    }
}

/// Rule 5: the one `UUID` of an object whose strings are ambiguous.
fn find_in_flat_object(object: &[u8]) -> Option<RequestId> {
    let mut names = object.windows(NAME.len()).enumerate().filter(|(_, word)| *word == NAME.as_bytes());
    let (Some((at, _)), None) = (names.next(), names.next()) else { return None };
    let before = object[1..at].strip_suffix(b"\"")?.trim_ascii_end();
    if before.iter().any(|byte| b"{[]}".contains(byte)) || before.last().is_some_and(|byte| *byte != b',') {
        return None;
    }
    let value = object[at + NAME.len()..].strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    let (value, behind) = (&value[..end], value[end + 1..].trim_ascii_start());
    if value.contains(&b'\\') || !matches!(behind, [] | [b',' | b'}', ..]) {
        return None;
    }
    // More braces close than open: one before the name is damaged, and the member is nested.
    let count = |brace: u8| behind.iter().filter(|byte| **byte == brace).count();
    if count(b'}') > count(b'{') + 1 {
        return None;
    }
    RequestId::new(plain(value)?).ok()
}

fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The index behind a word.
fn word_end(bytes: &[u8], start: usize, single_quoted: bool) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(byte) || single_quoted && *byte == b'\'';
    start + bytes[start..].iter().position(ends).unwrap_or(bytes.len() - start)
}

/// Returns whether a string, with its quotes, is the name of the member. Its letters can be escaped.
fn is_name(string: &[u8]) -> bool {
    const ESCAPED_BYTES_MAX: usize = 2 + NAME.len() * "\\u0055".len();
    let inner = &string[1..string.len() - 1];
    inner == NAME.as_bytes()
        || string.len() <= ESCAPED_BYTES_MAX
            && inner.contains(&b'\\')
            && content(string).is_some_and(|text| text == NAME)
}

/// The content of a whole string; `None` if it is not a JSON string, quotes aside.
fn content(string: &[u8]) -> Option<String> {
    let inner = &string[1..string.len() - 1];
    match (inner.contains(&b'\\'), string[0]) {
        (false, _) => plain(inner).map(str::to_owned),
        (true, b'"') => serde_json::from_slice(string).ok(),
        // Python's escapes differ from those of JSON.
        (true, _) => None,
    }
}

/// The text of a string without escapes, if it is valid in JSON.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    (!text.bytes().any(|byte| byte < 0x20)).then_some(text)
}

#[cfg(test)]
mod tests;
