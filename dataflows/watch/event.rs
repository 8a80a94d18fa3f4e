//! What is counted, and under which names.

use std::{borrow::Borrow, collections::BTreeMap, fmt, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    domain::Domain,
    log::{DeadLetter, DeadLetterKinds},
    store::Landed,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Names, Timestamp};

/// Stands for all names beyond the bound.
pub const OTHER: &str = "other";

/// A name that is counted, as that of a model version. Copies share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The name.
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

/// What was seen, in a second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Event {
    /// The second, since 1970.
    pub at_s: u64,
    /// What.
    pub kind: EventKind,
}

/// Something that is counted.
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
        /// The number of its kind, of [`DeadLetterKinds`].
        kind: u8,
    },
}

/// What a count is kept of.
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
    /// All dead letters.
    DeadLetters,
    /// Dead letters of a kind, by its number of [`DeadLetterKinds`].
    Reason(u8),
    /// Dead letters of an hour, counted since 1970.
    DeadHour(u64),
    /// Answers in the last so many full seconds, see [`super::RATES_S`].
    Rate(u64),
}

impl Key {
    /// How an hour is said: its beginning, in UTC.
    pub fn hour_label(hour: u64) -> String {
        let seconds = i64::try_from(hour.saturating_mul(3600)).unwrap_or(i64::MAX);
        let at: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

impl Event {
    /// What this event counts for, the rates aside.
    pub(super) fn keys(&self) -> Vec<Key> {
        let hour = self.at_s / 3600;
        match &self.kind {
            EventKind::Answer { labels, model } => {
                let labels = (0..).zip(labels).map(|(dimension, name)| Key::Label(dimension, name.clone()));
                [Key::Answers, Key::Hour(hour), Key::Model(model.clone())].into_iter().chain(labels).collect()
            }
            EventKind::DeadLetter { kind } => vec![Key::DeadLetters, Key::Reason(*kind), Key::DeadHour(hour)],
        }
    }
}

/// A page of answers as events, each with how often it was seen. Pages repeat themselves: this makes few events of many rows.
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

/// A page of dead letters as events.
pub fn dead_letter_events<D: Domain>(letters: &[DeadLetter], now: Timestamp) -> Vec<(Event, isize)> {
    let kinds = DeadLetterKinds::of::<D>();
    let mut counts: BTreeMap<(u64, u8), isize> = BTreeMap::new();
    for DeadLetter { kind, found_at, .. } in letters {
        *counts.entry((second(*found_at, now), kinds.number(kind))).or_default() += 1;
    }
    let event = |((at_s, kind), count)| (Event { at_s, kind: EventKind::DeadLetter { kind } }, count);
    counts.into_iter().map(event).collect()
}

/// The second of a moment, which counts as now if it is later.
pub(super) fn second(at: DateTime<Utc>, now: Timestamp) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0).min(now / 1000)
}
