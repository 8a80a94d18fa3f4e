//! The number of columns that are tried at a node, scikit-learn's `max_features`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::features::COLUMNS_MAX;

/// The number of columns that are tried at a node. Written as `8`, or as `40%`.
///
/// A share suits a model, which has forests over 9 columns and over 31: a good column is harder to find among many.
/// Breiman's square root of their number grows too slowly here (`docs/model.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxFeatures {
    /// This many, or all if there are fewer.
    Count(u8),
    /// This share of the columns that the forest may split on, rounded; at least one.
    Percent(u8),
}

impl MaxFeatures {
    /// The number of columns to try out of `columns`.
    pub fn resolve(self, columns: usize) -> usize {
        let wanted = match self {
            MaxFeatures::Count(count) => usize::from(count),
            MaxFeatures::Percent(percent) => (columns * usize::from(percent) + 50) / 100,
        };
        wanted.clamp(1, columns.max(1))
    }
}

impl fmt::Display for MaxFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaxFeatures::Count(count) => write!(f, "{count}"),
            MaxFeatures::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Text that is neither a number of columns nor a share of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} columns cannot be tried: give a number from 1 to {COLUMNS_MAX}, or a share from 1% to 100%")]
pub struct InvalidMaxFeatures(String);

impl FromStr for MaxFeatures {
    type Err = InvalidMaxFeatures;

    fn from_str(text: &str) -> Result<Self, InvalidMaxFeatures> {
        let (digits, variant): (_, fn(u8) -> Self) = match text.strip_suffix('%') {
            Some(digits) => (digits, MaxFeatures::Percent),
            None => (text, MaxFeatures::Count),
        };
        match digits.parse().map(variant) {
            Ok(MaxFeatures::Count(0) | MaxFeatures::Percent(0 | 101..)) | Err(_) => {
                Err(InvalidMaxFeatures(text.to_owned()))
            }
            Ok(max_features) => Ok(max_features),
        }
    }
}

/// The serialised form: a count as a number, a share as text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Serialised {
    Number(u8),
    Text(String),
}

impl Serialize for MaxFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MaxFeatures::Count(count) => Serialised::Number(*count),
            MaxFeatures::Percent(_) => Serialised::Text(self.to_string()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MaxFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Serialised::deserialize(deserializer)? {
            Serialised::Number(number) => number.to_string(),
            Serialised::Text(text) => text,
        };
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_at_least_one_column_and_a_count_is_capped() {
        let resolve = |text: &str, columns| text.parse::<MaxFeatures>().unwrap().resolve(columns);
        assert_eq!([9, 11, 18, 23, 31].map(|columns| resolve("40%", columns)), [4, 4, 7, 9, 12]);
        assert_eq!([1, 2, 7, 255].map(|columns| resolve("8", columns)), [1, 2, 7, 8]);
        assert_eq!((resolve("1%", 3), resolve("100%", 255), resolve("255", 255)), (1, 255, 255));
    }

    #[test]
    fn text_and_json_round_trip_and_the_rest_is_refused() {
        for (max_features, text) in [(MaxFeatures::Count(8), "8"), (MaxFeatures::Percent(40), "\"40%\"")] {
            assert_eq!(serde_json::to_string(&max_features).unwrap(), text);
            assert_eq!(serde_json::from_str::<MaxFeatures>(text).unwrap(), max_features);
            assert_eq!(max_features.to_string().parse(), Ok(max_features));
        }
        for wrong in ["0", "256", "-1", "", "%", "0%", "101%", "40 %", "4.5", "all"] {
            assert_eq!(wrong.parse::<MaxFeatures>(), Err(InvalidMaxFeatures(wrong.to_owned())));
        }
        for wrong in ["0", "300", "\"0%\"", "null"] {
            assert!(serde_json::from_str::<MaxFeatures>(wrong).is_err(), "{wrong}");
        }
    }
}
