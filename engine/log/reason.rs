//! The kinds of dead letters: a fixed set, so that metrics and counts have a bound whatever comes in.

use serde::{Deserialize, Serialize};

use crate::request::MalformedKind;

/// The kind of a dead letter's reason. Stored and sent with the letter by its [`Self::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeadLetterReason {
    /// The message has no bytes.
    Empty,
    /// It has more bytes than a message may have.
    TooLong,
    /// It is no text in UTF-8.
    NotUtf8,
    /// It is not the JSON of one object that has each field once.
    NotJson,
    /// The store refuses the answer for good.
    RefusedByStore,
    /// The field `UUID` cannot be used.
    Uuid,
    /// The field `Carrier` cannot be used.
    Carrier,
    /// The field `Origin` cannot be used.
    Origin,
    /// The field `Dest` cannot be used.
    Dest,
    /// The field `FlightDate` cannot be used.
    FlightDate,
    /// The field `DepDelay` cannot be used.
    DepDelay,
    /// The field `Distance` cannot be used.
    Distance,
    /// The field `FlightNum` cannot be used.
    FlightNum,
    /// The field `CRSDepTime` cannot be used.
    CrsDepTime,
    /// The field `CRSArrTime` cannot be used.
    CrsArrTime,
    /// The field `Weather`, or one of its fields, cannot be used.
    Weather,
    /// The field `Timestamp` cannot be used. Letters of earlier versions have it.
    Timestamp,
    /// A kind that this version does not know.
    Other,
}

impl DeadLetterReason {
    /// All kinds, in their order.
    pub const ALL: [DeadLetterReason; 18] = [
        DeadLetterReason::Empty,
        DeadLetterReason::TooLong,
        DeadLetterReason::NotUtf8,
        DeadLetterReason::NotJson,
        DeadLetterReason::RefusedByStore,
        DeadLetterReason::Uuid,
        DeadLetterReason::Carrier,
        DeadLetterReason::Origin,
        DeadLetterReason::Dest,
        DeadLetterReason::FlightDate,
        DeadLetterReason::DepDelay,
        DeadLetterReason::Distance,
        DeadLetterReason::FlightNum,
        DeadLetterReason::CrsDepTime,
        DeadLetterReason::CrsArrTime,
        DeadLetterReason::Weather,
        DeadLetterReason::Timestamp,
        DeadLetterReason::Other,
    ];

    /// The kind's name in metrics, headers and tables: one word, a field's as the wire has it.
    pub fn name(self) -> &'static str {
        match self {
            DeadLetterReason::Empty => "empty",
            DeadLetterReason::TooLong => "too_long",
            DeadLetterReason::NotUtf8 => "not_utf8",
            DeadLetterReason::NotJson => "not_json",
            DeadLetterReason::RefusedByStore => "refused_by_store",
            DeadLetterReason::Uuid => "UUID",
            DeadLetterReason::Carrier => "Carrier",
            DeadLetterReason::Origin => "Origin",
            DeadLetterReason::Dest => "Dest",
            DeadLetterReason::FlightDate => "FlightDate",
            DeadLetterReason::DepDelay => "DepDelay",
            DeadLetterReason::Distance => "Distance",
            DeadLetterReason::FlightNum => "FlightNum",
            DeadLetterReason::CrsDepTime => "CRSDepTime",
            DeadLetterReason::CrsArrTime => "CRSArrTime",
            DeadLetterReason::Weather => "Weather",
            DeadLetterReason::Timestamp => "Timestamp",
            DeadLetterReason::Other => "other",
        }
    }

    /// The kind of a name; [`Self::Other`] if there is none of it.
    pub fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(DeadLetterReason::Other)
    }

    /// The kind of a letter as it was stored: by its name, or, in a letter of an earlier version that has none, by the
    /// words that such versions began their reasons with.
    pub fn of_stored(name: Option<&str>, reason: &str) -> Self {
        name.map_or_else(|| Self::of_earlier_version(reason), Self::of_name)
    }

    fn of_earlier_version(reason: &str) -> Self {
        const BEGINNINGS: [(&str, DeadLetterReason); 5] = [
            ("the message is empty", DeadLetterReason::Empty),
            ("the message has ", DeadLetterReason::TooLong),
            ("not UTF-8 at byte ", DeadLetterReason::NotUtf8),
            ("the store refuses the answer", DeadLetterReason::RefusedByStore),
            ("invalid type: ", DeadLetterReason::NotJson),
        ];
        if let Some((_, kind)) = BEGINNINGS.into_iter().find(|(beginning, _)| reason.starts_with(beginning)) {
            return kind;
        }
        // Before the fields: one that stands twice is a fault of the JSON, and is told with the field's name.
        if reason.contains(" at line ") && reason.contains(" column ") {
            return DeadLetterReason::NotJson;
        }
        let begins_with =
            |kind: &DeadLetterReason| reason.strip_prefix(kind.name()).is_some_and(|rest| rest.starts_with([':', '.']));
        Self::ALL.into_iter().find(begins_with).unwrap_or(DeadLetterReason::Other)
    }
}

impl From<MalformedKind> for DeadLetterReason {
    fn from(kind: MalformedKind) -> Self {
        match kind {
            MalformedKind::Empty => DeadLetterReason::Empty,
            MalformedKind::TooLong => DeadLetterReason::TooLong,
            MalformedKind::NotUtf8 => DeadLetterReason::NotUtf8,
            MalformedKind::NotJson => DeadLetterReason::NotJson,
            // What is wrong with an object's field is wrong with the object: there would be too many kinds.
            MalformedKind::Field(field) if field.starts_with("Weather.") => DeadLetterReason::Weather,
            MalformedKind::Field(field) => Self::of_name(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in DeadLetterReason::ALL {
            assert_eq!(DeadLetterReason::of_name(kind.name()), kind);
            assert_eq!(DeadLetterReason::of_stored(Some(kind.name()), "x"), kind);
        }
        assert_eq!(DeadLetterReason::of_name("invented later"), DeadLetterReason::Other);
        assert_eq!(DeadLetterReason::of_stored(Some("invented later"), "Carrier: is missing"), DeadLetterReason::Other);
    }

    #[test]
    fn the_kind_of_a_letter_that_has_none_is_told_by_its_reason() {
        for (reason, kind) in [
            ("the message is empty", DeadLetterReason::Empty),
            ("the message has 65537 bytes, more than 65536", DeadLetterReason::TooLong),
            ("not UTF-8 at byte 9", DeadLetterReason::NotUtf8),
            ("expected value at line 1 column 14", DeadLetterReason::NotJson),
            ("Carrier: stands twice at line 1 column 31", DeadLetterReason::NotJson),
            ("invalid type: string \"Carrier: x\", expected a JSON object", DeadLetterReason::NotJson),
            ("the store refuses the answer: Carrier: too long (code 2)", DeadLetterReason::RefusedByStore),
            ("Carrier: is missing", DeadLetterReason::Carrier),
            ("CRSArrTime: must be a local time of day as hhmm, as in 1745", DeadLetterReason::CrsArrTime),
            ("Weather.WindSpeed: must be 0 to 260 mph", DeadLetterReason::Weather),
            ("Timestamp: must be an ISO time, as in 2026-11-23T13:41:32.246003", DeadLetterReason::Timestamp),
            ("somebody's own words: Carrier", DeadLetterReason::Other),
            ("Carriers: none", DeadLetterReason::Other),
        ] {
            assert_eq!(DeadLetterReason::of_stored(None, reason), kind, "{reason}");
        }
    }
}
