//! The events that are counted, the keys of their counts, and the bound on counted names: requests may contain any
//! name.

use std::{borrow::Borrow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    domain::Domain,
    log::{DeadLetter, DeadLetterKinds, LetterLog},
    store::Landed,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time::{Timestamp, leaves_at};

/// The name that replaces all names beyond the bound.
pub const OTHER: &str = "other";

/// A name that is counted, such as a model version's. Clones share its memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Name(name.into())
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Name(name.into()))
    }
}

/// An event with its time, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Event {
    /// The time, in seconds since 1970.
    pub at_s: u64,
    /// The kind, with its labels.
    pub kind: EventKind,
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An answer.
    Answer {
        /// Its labels, in the order of the domain's dimensions.
        labels: Box<[Name]>,
        /// The model version.
        model: Name,
    },
    /// A dead letter.
    DeadLetter {
        /// The log of its message.
        log: LetterLog,
        /// The number of its kind, of the [`DeadLetterKinds`] of that log.
        kind: u8,
    },
}

/// The key of a count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// All answers.
    Answers,
    /// Answers with a label: the number of its dimension among the domain's, and its name.
    Label(u8, Name),
    /// Answers of an hour, counted since 1970.
    Hour(u64),
    /// Answers by a model version.
    Model(Name),
    /// All dead letters of a log.
    DeadLetters(LetterLog),
    /// Dead letters of a kind, by its number of the [`DeadLetterKinds`] of their log.
    Reason(LetterLog, u8),
    /// Dead letters of an hour, counted since 1970.
    DeadHour(LetterLog, u64),
    /// Answers in this number of last full seconds, see [`super::RATES_S`].
    Rate(u64),
}

impl Key {
    /// Returns the label of an hour: its beginning, in UTC.
    pub fn hour_label(hour: u64) -> String {
        let seconds = i64::try_from(hour.saturating_mul(3600)).unwrap_or(i64::MAX);
        let at: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

impl Event {
    /// Returns the keys that this event counts for, except the rates.
    pub(super) fn keys(&self) -> Vec<Key> {
        let hour = self.at_s / 3600;
        match &self.kind {
            EventKind::Answer { labels, model } => {
                let labels = (0..).zip(labels).map(|(dimension, name)| Key::Label(dimension, name.clone()));
                [Key::Answers, Key::Hour(hour), Key::Model(model.clone())].into_iter().chain(labels).collect()
            }
            EventKind::DeadLetter { log, kind } => {
                vec![Key::DeadLetters(*log), Key::Reason(*log, *kind), Key::DeadHour(*log, hour)]
            }
        }
    }
}

/// The names that are counted separately.
pub struct Names {
    /// In the order of the domain's dimensions.
    labels: Vec<BoundedNames>,
    models: BoundedNames,
}

impl Names {
    /// Returns a bound of `names_max` names in each open dimension, over a window.
    pub fn of<D: Domain>(names_max: usize, window: Duration) -> Self {
        let names = |names_max| BoundedNames { last: BTreeMap::new(), names_max, window };
        let labels = D::DIMENSIONS.iter().map(|dimension| if dimension.is_open { names_max } else { usize::MAX });
        Names { labels: labels.map(names).collect(), models: names(names_max) }
    }

    pub(super) fn label(&mut self, dimension: usize, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.labels.get_mut(dimension).map_or_else(|| OTHER.into(), |names| names.admit(name, at_s, now))
    }

    pub(super) fn model(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.models.admit(name, at_s, now)
    }
}

/// A bounded set of names, each with the second of its last event.
struct BoundedNames {
    last: BTreeMap<Name, u64>,
    names_max: usize,
    window: Duration,
}

impl BoundedNames {
    /// Returns the name, or [`OTHER`] if the set is full. Names that have left the window are removed from a full set.
    fn admit(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        // A clone shares the memory of the known name.
        if let Some((known, _)) = self.last.get_key_value(name) {
            let known = known.clone();
            self.last.entry(known.clone()).and_modify(|last| *last = at_s.max(*last));
            return known;
        }
        if self.last.len() >= self.names_max {
            let window = self.window;
            self.last.retain(|_, last| leaves_at(*last, window) > now);
        }
        if self.last.len() >= self.names_max {
            return OTHER.into();
        }
        let name = Name::from(name);
        self.last.insert(name.clone(), at_s);
        name
    }
}

/// Returns the events of a page of answers, each with its number of rows: many rows of a page have the same labels.
pub fn answer_events<D: Domain>(rows: &[Landed<D>], names: &mut Names, now: Timestamp) -> Vec<(Event, isize)> {
    let mut counts: BTreeMap<(u64, &D::Labels, &str), isize> = BTreeMap::new();
    for Landed { scored_at, labels, model, .. } in rows {
        *counts.entry((second(*scored_at, now), labels, model.as_str())).or_default() += 1;
    }
    let event = |((at_s, labels, model), count)| {
        let name = |dimension| names.label(dimension, &D::label(labels, dimension), at_s, now);
        let labels = (0..D::DIMENSIONS.len()).map(name).collect();
        (Event { at_s, kind: EventKind::Answer { labels, model: names.model(model, at_s, now) } }, count)
    };
    counts.into_iter().map(event).collect()
}

/// Returns the events of a page of dead letters of a log, each with its number of rows.
pub fn dead_letter_events<D: Domain>(log: LetterLog, letters: &[DeadLetter], now: Timestamp) -> Vec<(Event, isize)> {
    let kinds = DeadLetterKinds::of_log::<D>(log);
    let mut counts: BTreeMap<(u64, u8), isize> = BTreeMap::new();
    for DeadLetter { kind, found_at, .. } in letters {
        *counts.entry((second(*found_at, now), kinds.number(kind))).or_default() += 1;
    }
    let event = |((at_s, kind), count)| (Event { at_s, kind: EventKind::DeadLetter { log, kind } }, count);
    counts.into_iter().map(event).collect()
}

/// Returns a time in seconds; a time after `now` becomes `now`.
pub(super) fn second(at: DateTime<Utc>, now: Timestamp) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0).min(now / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_until_it_has_left_the_window() {
        let mut names = BoundedNames { last: BTreeMap::new(), names_max: 2, window: Duration::from_secs(60) };
        let mut seen = |name, at_s| names.admit(name, at_s, at_s * 1000).to_string();
        assert_eq!([seen("A", 100), seen("B", 120), seen("C", 120), seen("A", 150)], ["A", "B", "other", "A"]);
        assert_eq!([seen("C", 189), seen("C", 190), seen("D", 190), seen("A", 190)], ["other", "C", "other", "A"]);
    }
}
