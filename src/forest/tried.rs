//! How many columns a node tries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::features::COLUMNS_MAX;

/// How many columns are tried at a node. Written as `8`, or as `40%`.
///
/// A share suits a model: it has forests over 9 columns and over 31, and the more there are, the more it takes to find a good one
/// among them. Breiman's root of their number grows too slowly here (`docs/model.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnsTried {
    /// So many, or all if there are fewer.
    Number(u8),
    /// So many of a hundred that the forest may split on, rounded; at least one.
    Percent(u8),
}

impl ColumnsTried {
    /// How many of `columns` columns.
    pub fn of(self, columns: usize) -> usize {
        let wanted = match self {
            ColumnsTried::Number(number) => usize::from(number),
            ColumnsTried::Percent(percent) => (columns * usize::from(percent) + 50) / 100,
        };
        wanted.clamp(1, columns.max(1))
    }
}

impl fmt::Display for ColumnsTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnsTried::Number(number) => write!(f, "{number}"),
            ColumnsTried::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What is neither a number of columns nor a share of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} columns cannot be tried: give a number from 1 to {COLUMNS_MAX}, or a share from 1% to 100%")]
pub struct NotColumns(String);

impl FromStr for ColumnsTried {
    type Err = NotColumns;

    fn from_str(text: &str) -> Result<Self, NotColumns> {
        let (digits, tried): (_, fn(u8) -> Self) = match text.strip_suffix('%') {
            Some(digits) => (digits, ColumnsTried::Percent),
            None => (text, ColumnsTried::Number),
        };
        match digits.parse().map(tried) {
            Ok(ColumnsTried::Number(0) | ColumnsTried::Percent(0 | 101..)) | Err(_) => Err(NotColumns(text.to_owned())),
            Ok(tried) => Ok(tried),
        }
    }
}

/// A number as a number, a share as text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u8),
    Text(String),
}

impl Serialize for ColumnsTried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ColumnsTried::Number(number) => Written::Number(*number),
            ColumnsTried::Percent(_) => Written::Text(self.to_string()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ColumnsTried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_and_there_is_always_a_column_and_never_too_many() {
        let tried = |text: &str, columns| text.parse::<ColumnsTried>().unwrap().of(columns);
        assert_eq!([9, 11, 18, 23, 31].map(|columns| tried("40%", columns)), [4, 4, 7, 9, 12]);
        assert_eq!([1, 2, 7, 255].map(|columns| tried("8", columns)), [1, 2, 7, 8]);
        assert_eq!((tried("1%", 3), tried("100%", 255), tried("255", 255)), (1, 255, 255));
    }

    #[test]
    fn what_is_written_is_read_again_and_the_rest_is_refused() {
        for (tried, text) in [(ColumnsTried::Number(8), "8"), (ColumnsTried::Percent(40), "\"40%\"")] {
            assert_eq!(serde_json::to_string(&tried).unwrap(), text);
            assert_eq!(serde_json::from_str::<ColumnsTried>(text).unwrap(), tried);
            assert_eq!(tried.to_string().parse(), Ok(tried));
        }
        for wrong in ["0", "256", "-1", "", "%", "0%", "101%", "40 %", "4.5", "all"] {
            assert_eq!(wrong.parse::<ColumnsTried>(), Err(NotColumns(wrong.to_owned())));
        }
        for wrong in ["0", "300", "\"0%\"", "null"] {
            assert!(serde_json::from_str::<ColumnsTried>(wrong).is_err(), "{wrong}");
        }
    }
}
