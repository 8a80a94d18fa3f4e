//! Tasks, their answers, and places among them.

use chrono::NaiveDate;
use serde_json::{Map, Value as Json};

use crate::{
    document::{Document, Value},
    domain::{Answer, BatchCollections, Domain},
};

/// A request that waits for the batch of its day.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The identity of the request.
    pub id: String,
    /// The time of asking in ISO 8601, which begins with the day.
    pub stamp: String,
    /// The request as it is on the wire.
    pub message: Map<String, Json>,
}

/// An answer to a task, ready for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchAnswer<D: Domain> {
    /// The answer.
    pub answer: Answer<D>,
    /// The time of asking, as the task has it.
    pub stamp: String,
}

impl<D: Domain> BatchAnswer<D> {
    /// Returns the document that is stored: that of the answer, with the time of asking as the task has it.
    pub fn to_document(&self) -> Document<'_> {
        let mut document = self.answer.to_document();
        if let Some(BatchCollections { stamp, .. }) = D::COLLECTIONS.batch {
            let text = Value::text(&self.stamp);
            match document.iter_mut().find(|(name, _)| *name == stamp) {
                Some((_, value)) => *value = text,
                None => document.push((stamp, text)),
            }
        }
        document
    }
}

/// A place among the tasks or the results of a day, which are in the order of their stamps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The stamp of the row before; empty at the beginning of the day.
    pub stamp: String,
    /// The number of rows with this stamp that are before.
    pub seen: u32,
}

impl Place {
    /// Returns the place after rows with these stamps that were read from here.
    pub(crate) fn after<'a>(&self, stamps: impl DoubleEndedIterator<Item = &'a str>) -> Place {
        let mut from_last = stamps.rev().peekable();
        let Some(&last) = from_last.peek() else { return self.clone() };
        let (stamp, mut seen, mut others) = (last.to_owned(), 0, false);
        for row in from_last {
            if row != stamp {
                others = true;
                break;
            }
            seen += 1;
        }
        if !others && self.stamp == stamp {
            seen += self.seen;
        }
        Place { stamp, seen }
    }
}

/// Returns the day's first stamp and that of the next day: a stamp of the day is at least the first, and below the
/// second.
pub(crate) fn stamps_of(day: NaiveDate) -> (String, String) {
    let next = day.succ_opt().unwrap_or(NaiveDate::MAX);
    (day.format("%Y-%m-%d").to_string(), next.format("%Y-%m-%d").to_string())
}

/// Returns the first stamp that is read from a place on.
pub(crate) fn first_stamp(day: NaiveDate, from: &Place) -> String {
    stamps_of(day).0.max(from.stamp.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_stamps_of_a_day_are_between_its_bounds() {
        let day = NaiveDate::from_ymd_opt(2028, 2, 28).unwrap();
        let (first, next) = stamps_of(day);
        let within = |stamp: &str| first.as_str() <= stamp && stamp < next.as_str();
        assert!(within("2028-02-28") && within("2028-02-28T00:00:00") && within("2028-02-28T23:59:59.999999"));
        assert!(!within("2028-02-27T23:59:59.999999") && !within("2028-02-29T00:00:00"));
    }

    proptest! {
        /// The oracle skips the rows before the page.
        #[test]
        fn the_place_after_a_page_counts_all_rows_of_its_last_stamp(
            mut stamps in proptest::collection::vec("[a-c]", 0..12), page in 1usize..5,
        ) {
            stamps.sort();
            let (mut from, mut read) = (Place::default(), 0);
            loop {
                let rows = stamps.iter().filter(|stamp| **stamp >= from.stamp).skip(from.seen as usize).take(page);
                let rows: Vec<&str> = rows.map(String::as_str).collect();
                prop_assert_eq!(&rows, &stamps.iter().skip(read).take(page).map(String::as_str).collect::<Vec<_>>());
                if rows.is_empty() {
                    break;
                }
                read += rows.len();
                from = from.after(rows.iter().copied());
            }
            prop_assert_eq!(read, stamps.len());
        }
    }
}
