//! Escapes texts of other programs' files for messages on a terminal.

use std::borrow::Cow;

/// Upper bound on characters of a cell or a line in a message.
const QUOTED_CHARS_MAX: usize = 40;

/// Escapes everything that a terminal would execute or hide: control characters (ANSI sequences begin with one), marks
/// of the writing direction, invisible characters and the line separators of Unicode.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let escape = |c: char| if is_unsafe(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect::<String>().into()
}

/// Quotes and escapes the beginning of a text.
pub(super) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let begin: String = chars.by_ref().take(QUOTED_CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("\"{}{more}\"", escaped(&begin))
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped_and_others_stay() {
        for (text, shown) in [
            ("flights 2015.csv", "flights 2015.csv"),
            ("vuelos de Málaga “x” 日本.csv", "vuelos de Málaga “x” 日本.csv"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb\tc\0", "a\\r\\nb\\tc\\u{0}"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("fdp.\u{202e}vsc", "fdp.\\u{202e}vsc"),
            ("a\u{200b}\u{2066}\u{feff}", "a\\u{200b}\\u{2066}\\u{feff}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
        assert_eq!(quoted(&"x".repeat(50)), format!("\"{}…\"", "x".repeat(40)));
    }
}
