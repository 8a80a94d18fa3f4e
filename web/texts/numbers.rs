//! The marks in numbers.
//!
//! English has a comma between thousands and a point before decimals. Spanish has a decimal comma, and a thin no-break
//! space between thousands from five digits on, as the Real Academia Española and Fundéu recommend: a point or a comma
//! there is the decimal mark of one country or another.

use super::language::Language;

/// U+202F, a narrow no-break space.
const THIN_SPACE: char = '\u{202f}';

/// Puts a number as Rust writes it into the usage of a language.
pub(super) fn written(language: Language, plain: &str) -> String {
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
    let (whole, decimals) = plain.split_once('.').map_or((plain, None), |(whole, decimals)| (whole, Some(decimals)));
    let (separator, least, mark) = match language {
        Language::English => (',', 4, '.'),
        Language::Spanish => (THIN_SPACE, 5, ','),
    };
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if whole.len() >= least && index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    if let Some(decimals) = decimals {
        text.push(mark);
        text.push_str(decimals);
    }
    text
}
