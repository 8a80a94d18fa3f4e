//! The errors of reading and writing a history, and the escapes that texts of other programs' files need in messages.

use std::{borrow::Cow, io};

use ::parquet::errors::ParquetError;

/// An error of reading or writing a history. `file` is the path as the caller gave it.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened.
    #[error("cannot read {}", escaped(file))]
    Io {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The directory holds no history.
    #[error("{directory} holds no {file}; make one with `delaycast data import PATH… --out {directory}`")]
    NoHistory {
        /// The directory.
        directory: String,
        /// The file that it must hold.
        file: &'static str,
    },
    /// The file is not Parquet, or is damaged.
    #[error(
        "{} is not Parquet or is damaged; other formats are read by `delaycast data import`, \
         and a damaged file must be imported again",
        escaped(file)
    )]
    Damaged {
        /// The file.
        file: String,
        /// The error of the decoder.
        source: ParquetError,
    },
    /// The codec of the file is not built in.
    #[error(
        "{} is compressed with {codec}, which is not built in: write it with zstd, snappy, gzip, lz4 or none",
        escaped(file)
    )]
    Codec {
        /// The file.
        file: String,
        /// The codec.
        codec: String,
    },
    /// The file lacks required columns.
    #[error(
        "{} lacks {}; it has {}",
        escaped(file),
        missing.join(", "),
        if found.is_empty() { "no columns".into() } else { escaped(&found.join(", ")).into_owned() }
    )]
    Missing {
        /// The file.
        file: String,
        /// The required columns that it lacks.
        missing: Vec<&'static str>,
        /// The columns that it has.
        found: Vec<String>,
    },
    /// A column has another type.
    #[error("column {column} of {} is {found}, and must be {wanted} without nesting", escaped(file))]
    Type {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The physical type of the column.
        found: String,
        /// The required physical type.
        wanted: String,
    },
    /// A value is invalid.
    #[error("column {column} of {}, row {row}: {}", escaped(file), escaped(reason))]
    Value {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row in the file, from 1.
        row: u64,
        /// The reason.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write {}", escaped(file))]
    Write {
        /// The file.
        file: String,
        /// The error of the encoder.
        source: ParquetError,
    },
}

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
