//! What is counted, and under which names.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use delaycast::{
    domain::{Flights, Labels},
    flight::DelayClass,
    log::{DeadLetter, DeadLetterReason},
    store::Landed,
};
use serde::{Deserialize, Serialize};

use super::{Names, Timestamp};

/// Stands for all names beyond the bound.
pub const OTHER: &str = "other";

/// An airline, an airport, a model version.
pub type Name = String;

/// What was seen, in a second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// The second, since 1970.
    pub at_s: u64,
    /// What.
    pub shown: Shown,
}

/// Something that is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Shown {
    /// An answer.
    Answered {
        /// Its class.
        class: DelayClass,
        /// The airline.
        carrier: Name,
        /// The airport of departure.
        origin: Name,
        /// The model version.
        model: Name,
    },
    /// A dead letter.
    Died {
        /// The kind of its reason.
        reason: DeadLetterReason,
    },
}

/// What a count is kept of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// All answers.
    Answers,
    /// Answers of a class.
    Class(DelayClass),
    /// Answers for an airline.
    Carrier(Name),
    /// Answers for an airport of departure.
    Origin(Name),
    /// Answers of an hour, counted since 1970.
    Hour(u64),
    /// Answers by a model version.
    Model(Name),
    /// All dead letters.
    DeadLetters,
    /// Dead letters of a kind.
    Reason(DeadLetterReason),
    /// Dead letters of an hour, counted since 1970.
    DeadHour(u64),
    /// Answers in the last so many full seconds, see [`super::RATES_S`].
    Lately(u64),
}

impl Key {
    /// How an hour is said: its beginning, in UTC.
    pub fn hour_label(hour: u64) -> String {
        let seconds = i64::try_from(hour.saturating_mul(3600)).unwrap_or(i64::MAX);
        let at: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

impl Fact {
    /// What this fact counts for, the rates aside.
    pub(super) fn keys(&self) -> Vec<Key> {
        let hour = self.at_s / 3600;
        match &self.shown {
            Shown::Answered { class, carrier, origin, model } => vec![
                Key::Answers,
                Key::Class(*class),
                Key::Carrier(carrier.clone()),
                Key::Origin(origin.clone()),
                Key::Hour(hour),
                Key::Model(model.clone()),
            ],
            Shown::Died { reason } => vec![Key::DeadLetters, Key::Reason(*reason), Key::DeadHour(hour)],
        }
    }
}

/// A page of answers as facts, each with how often it was seen. Pages repeat themselves: this makes few facts of many rows.
pub fn facts(rows: &[Landed<Flights>], names: &mut Names, now: Timestamp) -> Vec<(Fact, isize)> {
    let mut counts: BTreeMap<(u64, DelayClass, &str, &str, &str), isize> = BTreeMap::new();
    for Landed { scored_at, labels: Labels { class, carrier, origin }, model, .. } in rows {
        let at_s = second(*scored_at, now);
        *counts.entry((at_s, *class, carrier.as_str(), origin.as_str(), model.as_str())).or_default() += 1;
    }
    let fact = |((at_s, class, carrier, origin, model), count)| {
        let shown = Shown::Answered {
            class,
            carrier: names.carrier(carrier, at_s, now),
            origin: names.origin(origin, at_s, now),
            model: names.model(model, at_s, now),
        };
        (Fact { at_s, shown }, count)
    };
    counts.into_iter().map(fact).collect()
}

/// A page of dead letters as facts.
pub fn deaths(letters: &[DeadLetter], now: Timestamp) -> Vec<(Fact, isize)> {
    let mut counts: BTreeMap<(u64, DeadLetterReason), isize> = BTreeMap::new();
    for DeadLetter { kind, found_at, .. } in letters {
        *counts.entry((second(*found_at, now), *kind)).or_default() += 1;
    }
    let fact = |((at_s, reason), count)| (Fact { at_s, shown: Shown::Died { reason } }, count);
    counts.into_iter().map(fact).collect()
}

/// The second of a moment, which counts as now if it is later.
pub(super) fn second(at: DateTime<Utc>, now: Timestamp) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0).min(now / 1000)
}
