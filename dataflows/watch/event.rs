//! The events that are counted, and the keys of their counts.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    domain::Domain,
    log::{DeadLetter, DeadLetterKinds},
    store::Landed,
};
use serde::{Deserialize, Serialize};

use super::{Name, Names, Timestamp};

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
        /// The number of its kind, of [`DeadLetterKinds`].
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
    /// All dead letters.
    DeadLetters,
    /// Dead letters of a kind, by its number of [`DeadLetterKinds`].
    Reason(u8),
    /// Dead letters of an hour, counted since 1970.
    DeadHour(u64),
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
            EventKind::DeadLetter { kind } => vec![Key::DeadLetters, Key::Reason(*kind), Key::DeadHour(hour)],
        }
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

/// Returns the events of a page of dead letters, each with its number of rows.
pub fn dead_letter_events<D: Domain>(letters: &[DeadLetter], now: Timestamp) -> Vec<(Event, isize)> {
    let kinds = DeadLetterKinds::of::<D>();
    let mut counts: BTreeMap<(u64, u8), isize> = BTreeMap::new();
    for DeadLetter { kind, found_at, .. } in letters {
        *counts.entry((second(*found_at, now), kinds.number(kind))).or_default() += 1;
    }
    let event = |((at_s, kind), count)| (Event { at_s, kind: EventKind::DeadLetter { kind } }, count);
    counts.into_iter().map(event).collect()
}

/// Returns a time in seconds; a time after `now` becomes `now`.
pub(super) fn second(at: DateTime<Utc>, now: Timestamp) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0).min(now / 1000)
}
