//! Finds the `UUID` of a message that is not JSON, so that a rejection can be stored under it.
//!
//! The rules, each with a test of its number:
//!
//! 1. The id is the value of the member `UUID` of the outermost object: a whole string of a `UUID`'s length, followed
//!    by a comma, a closing brace, the next name, or the end of the message. One in a nested object or in a string is
//!    not taken.
//! 2. Damage before or behind that member does not hide it: words that are not JSON, commas and colons too many or
//!    too few, an end that is cut off, bytes that are not UTF-8.
//! 3. Where the message has several with different values, none is found: which was meant is unknown.
//! 4. Up to [`PREFIX_BYTES_MAX`] bytes without quotes, or an array's brackets, may stand before the object, and text
//!    after it. Quotes there belong to an object whose brace is damaged. An object that is encoded as a JSON string, once
//!    or twice, is looked into.
//! 5. A quote too many or too few makes it unknown what is in a string. What was found before it stays; behind it a
//!    `UUID` is found only if the message has that word once and no brace or bracket before it but the outermost one.
//! 6. A brace or bracket too many makes it unknown what is nested: it hides all, unless the object is flat. An object
//!    that ends before a `UUID` was found has none, whatever follows it.
//! 7. Names and strings in single quotes, as Python writes a dictionary, are read in a message whose first name has
//!    them. A quote too many or too few in it hides all.
//! 8. The time is linear in the length of the message, of which the first [`SCAN_BYTES_MAX`] bytes are looked at.

use std::borrow::Cow;

use super::{RequestId, non_finite::string_end};
use crate::log::DEAD_LETTER_BYTES_MAX;

/// Bytes of a message that are looked at: those that are kept of a dead letter.
pub(super) const SCAN_BYTES_MAX: usize = DEAD_LETTER_BYTES_MAX;
/// Bytes that may stand before the object.
const PREFIX_BYTES_MAX: usize = 256;
/// Upper bound on the times that an object is encoded as a string.
const ENCODINGS_MAX: usize = 2;

const NAME: &str = "UUID";

/// The id of the request that these bytes are meant to be; `None` if it cannot be told without doubt.
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

/// The text that a JSON string stands for, up to the string's end or the message's. Escapes that are none stay.
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
            // What is written as a number stays as it is: it is an escape of the inner JSON, too.
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

/// The values of the members `UUID` seen so far.
enum Found {
    Nothing,
    One(RequestId),
    /// Different ones, or one that is no id.
    Several,
}

/// A part of JSON.
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
    /// At the end of the message, which may be cut off.
    AtEnd,
    /// Where it is unknown what is in a string and what is not.
    UnknownQuotes,
    /// Where it is unknown what is nested and what is not.
    UnknownDepth,
}

/// Reads tokens, and holds them to no grammar but rule 1.
struct Scan<'a> {
    /// From the brace of the object on.
    bytes: &'a [u8],
    at: usize,
    /// Open braces and brackets.
    depth: usize,
    /// The same at the members of the outermost object.
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
            if let Some(doubt) = self.doubt(token, is_adjacent) {
                return doubt;
            }
            // It ends before its id: its brace is damaged, or what follows is another object.
            if token == Token::Close && self.depth < self.members_at && matches!(self.found, Found::Nothing) {
                return Ended::UnknownDepth;
            }
            // A string without an end, in single quotes, may as well be the space between two of them.
            let Some(end) = end else { return if self.single_quoted { Ended::UnknownQuotes } else { Ended::AtEnd } };
            let may_be_name = token == Token::Text && self.previous[0] != Token::Colon && self.depth == self.members_at;
            if may_be_name && self.is_quoted(start) && is_name(&self.bytes[start..end]) {
                self.read_value(end);
            }
            (self.at, self.previous) = (end, [token, self.previous[0]]);
        }
    }

    /// Counts braces and brackets, and says whether a token cannot be where it is.
    fn doubt(&mut self, token: Token, is_adjacent: bool) -> Option<Ended> {
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
            // Members go on behind the object's end, or there is another object in its array.
            (Token::Comma | Token::Text, _) if self.depth < self.members_at => return Some(Ended::UnknownDepth),
            (Token::Comma, [Token::Colon, _]) | (Token::Colon, [Token::Text, Token::Colon]) => self.is_flat = false,
            // Strings touch nothing but commas, colons, braces and brackets.
            (Token::Text, [Token::Text | Token::Word, _]) if is_adjacent => return Some(Ended::UnknownQuotes),
            (Token::Word, [Token::Text, _]) => return Some(Ended::UnknownQuotes),
            _ => {}
        }
        None
    }

    /// Returns whether the string that begins here has the quotes that names have.
    fn is_quoted(&self, start: usize) -> bool {
        (self.bytes[start] == b'\'') == self.single_quoted
    }

    /// Looks behind the name `UUID` for its value.
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
            // The comma is missing.
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

/// Rule 5: the one `UUID` of an object whose strings cannot be told apart.
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
    // More braces are closed than opened: one before the name is damaged, and the member is nested.
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

/// Where the text goes on after a word that is no string.
fn word_end(bytes: &[u8], start: usize, single_quoted: bool) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(byte) || single_quoted && *byte == b'\'';
    start + bytes[start..].iter().position(ends).unwrap_or(bytes.len() - start)
}

/// Returns whether a string, with its quotes, is the name of the member. Its letters may be escaped.
fn is_name(string: &[u8]) -> bool {
    const ESCAPED_BYTES_MAX: usize = 2 + NAME.len() * "\\u0055".len();
    let inner = &string[1..string.len() - 1];
    inner == NAME.as_bytes()
        || string.len() <= ESCAPED_BYTES_MAX
            && inner.contains(&b'\\')
            && content(string).is_some_and(|text| text == NAME)
}

/// Returns the content of a whole string; `None` if it is not one of JSON, quotes aside.
fn content(string: &[u8]) -> Option<String> {
    let inner = &string[1..string.len() - 1];
    match (inner.contains(&b'\\'), string[0]) {
        (false, _) => plain(inner).map(str::to_owned),
        (true, b'"') => serde_json::from_slice(string).ok(),
        // Python's escapes are others than those of JSON.
        (true, _) => None,
    }
}

/// Text without escapes, as JSON has it.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    (!text.bytes().any(|byte| byte < 0x20)).then_some(text)
}

#[cfg(test)]
mod tests;
