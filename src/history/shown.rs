//! Texts of foreign files, safe to show on a terminal.

use std::borrow::Cow;

/// Characters of a cell or a line that a message shows.
const SHOWN_CHARS_MAX: usize = 40;

/// The text with everything escaped that a terminal would obey or hide: control characters (ANSI sequences begin with
/// one), marks that turn the direction of writing, invisible characters and the line separators of Unicode.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let escape = |c: char| if is_unsafe(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect::<String>().into()
}

/// The begin of a text in quotes, escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let begin: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
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
    fn what_a_terminal_obeys_or_hides_is_escaped_and_the_rest_stays() {
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
