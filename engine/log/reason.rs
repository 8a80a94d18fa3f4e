//! The kinds of dead letters: a fixed set, so that the number of metrics is bounded.

use serde::{Deserialize, Serialize};

use crate::request::MalformedKind;

/// The kind of a dead letter's reason. It is stored and sent with the letter by its [`Self::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeadLetterReason {
    /// The message has no bytes.
    Empty,
    /// The message has more bytes than allowed.
    TooLong,
    /// The message is not UTF-8.
    NotUtf8,
    /// The message is not the JSON of one object without duplicate fields.
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
    /// The field `Timestamp` cannot be used. Only earlier versions wrote it.
    Timestamp,
    /// A kind that this version does not know.
    Other,
}

impl DeadLetterReason {
    /// All kinds, in order.
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

    /// Returns the kind's name in metrics, headers and tables: one word; that of a field is the field's name on the wire.
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

    /// Returns the kind of a name; [`Self::Other`] if the name is unknown.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(DeadLetterReason::Other)
    }

    /// Returns the kind of a stored letter: by its name, or, if an earlier version stored none, by the beginning of its
    /// reason.
    pub fn from_stored(name: Option<&str>, reason: &str) -> Self {
        name.map_or_else(|| Self::of_earlier_version(reason), Self::from_name)
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
        // Before the fields: the reason of a duplicate field, an error of the JSON, begins with the field's name.
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
            // A field of an object counts as the object: a kind for each would be too many.
            MalformedKind::Field(field) if field.starts_with("Weather.") => DeadLetterReason::Weather,
            MalformedKind::Field(field) => Self::from_name(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in DeadLetterReason::ALL {
            assert_eq!(DeadLetterReason::from_name(kind.name()), kind);
            assert_eq!(DeadLetterReason::from_stored(Some(kind.name()), "x"), kind);
        }
        assert_eq!(DeadLetterReason::from_name("invented later"), DeadLetterReason::Other);
        assert_eq!(
            DeadLetterReason::from_stored(Some("invented later"), "Carrier: is missing"),
            DeadLetterReason::Other
        );
    }

    #[test]
    fn a_stored_letter_without_a_kind_gets_that_of_its_reason() {
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
            assert_eq!(DeadLetterReason::from_stored(None, reason), kind, "{reason}");
        }
    }
}
