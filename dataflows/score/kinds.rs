//! The kinds of reasons why a record is dead. There are few of them, whatever comes in.

use delaycast::request::MalformedKind;

use super::counters::Counter;

/// The store takes no such answer, ever.
const REFUSED: &str = "refused_by_store";
/// The last one stands for what is missing here.
const NAMES: [&str; 18] = [
    "empty",
    "too_long",
    "not_utf8",
    "not_json",
    REFUSED,
    "UUID",
    "Carrier",
    "Origin",
    "Dest",
    "FlightDate",
    "DepDelay",
    "Distance",
    "FlightNum",
    "CRSDepTime",
    "CRSArrTime",
    "Weather",
    "Timestamp",
    "other",
];

/// The kind of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(usize);

impl Kind {
    /// An answer that the store refuses for good.
    pub(super) fn refused() -> Self {
        Self::named(REFUSED)
    }

    fn named(name: &str) -> Self {
        Kind(NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len() - 1))
    }
}

impl From<MalformedKind> for Kind {
    fn from(kind: MalformedKind) -> Self {
        // What is wrong with an object's field is wrong with the object: there would be too many kinds.
        let name = kind.name();
        Self::named(name.split_once('.').map_or(name, |(object, _)| object))
    }
}

/// Dead letters by the kind of their reason.
#[derive(Debug, Default)]
pub struct DeadLetterCounter([Counter; NAMES.len()]);

impl DeadLetterCounter {
    pub(super) fn add(&self, Kind(index): Kind) {
        self.0[index].add(1);
    }

    /// All of them.
    pub fn get(&self) -> u64 {
        self.0.iter().map(Counter::get).sum()
    }

    /// Each kind with its number, also those that none was of.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.0.iter().map(Counter::get))
    }
}

#[cfg(test)]
mod tests {
    use delaycast::request::decode;

    use super::*;

    #[test]
    fn every_way_to_be_unreadable_has_a_kind() {
        let whole = r#"{"UUID":"u","Carrier":"AA","Origin":"ATL","Dest":"SFO","FlightDate":"2016-12-25"}"#;
        assert!(decode(whole.as_bytes()).is_ok());
        let field = |field: &str, value: &str| {
            let rest = whole.trim_start_matches('{').replace(&format!("\"{field}\""), "\"Unknown\"");
            format!("{{\"{field}\":{value},{rest}").into_bytes()
        };
        let mut cases = vec![
            ("empty", vec![]),
            ("too_long", vec![b' '; 1 << 17]),
            ("not_utf8", vec![0xff]),
            ("not_json", b"{".to_vec()),
            ("not_json", b"[]".to_vec()),
            ("not_json", br#"{"UUID":"a","UUID":"b"}"#.to_vec()),
        ];
        for name in &NAMES[5..NAMES.len() - 1] {
            cases.push((name, field(name, "[]")));
        }
        for (name, message) in cases {
            let Err(malformed) = decode(&message) else { panic!("{name} can be read") };
            assert_eq!(NAMES[Kind::from(malformed.kind).0], name, "{}", malformed.reason);
        }
        let windy = MalformedKind::Field("Weather.WindSpeed");
        assert_eq!(NAMES[Kind::from(windy).0], "Weather");
        assert_eq!(NAMES[Kind::refused().0], REFUSED);
        assert_eq!(NAMES[Kind::from(MalformedKind::Field("new")).0], "other");
    }

    #[test]
    fn kinds_add_up() {
        let letters = DeadLetterCounter::default();
        for kind in [Kind::refused(), Kind::refused(), Kind::named("UUID")] {
            letters.add(kind);
        }
        assert_eq!(letters.get(), 3);
        let some: Vec<_> = letters.by_kind().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [(REFUSED, 2), ("UUID", 1)]);
    }
}
