//! Follows the answers of a database by the moment of their scoring.
//!
//! Several scorers have several clocks, and an answer may land after one that was scored later. So a pass through the
//! answers starts [`OVERLAP_S`] before the latest one that the pass before has seen, and leaves out what was seen. An
//! answer that lands later than that behind the others is missed until the next start.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use mongodb::{
    Database,
    bson::{self, Bson, Document, doc},
};

use super::{
    ANSWERS,
    calls::Calls,
    lookup::{FIND, QUERY},
};
use crate::{
    answer::ModelVersion,
    classes::DelayClass,
    delivery::Unavailable,
    store::{Landed, Page, Tail},
};

/// How far behind the latest answer another one may land, s.
const OVERLAP_S: i64 = 10;
/// So many answers are remembered as seen. Where more fall into the overlap, it is shorter.
const SEEN_MAX: usize = 200_000;

/// An answer's place in the order of the scan.
type Place = (DateTime<Utc>, String);

/// Reads page by page; nothing is held open on the server.
pub(super) struct MongoTail {
    calls: Arc<Calls>,
    /// Earlier answers are not looked at: the start, and later the beginning of the overlap.
    floor: DateTime<Utc>,
    /// The last answer of the pass under way.
    after: Option<Place>,
    seen: Seen,
}

/// The answers from the floor on.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    places: BTreeSet<Place>,
}

impl Seen {
    /// False if it was there.
    fn add(&mut self, place: &Place) -> bool {
        self.ids.insert(place.1.clone()) && self.places.insert(place.clone())
    }

    /// Forgets what lies before the overlap, and what is too much; gives the moment from which on nothing is forgotten.
    fn forget(&mut self, floor: DateTime<Utc>) -> DateTime<Utc> {
        let Some((latest, _)) = self.places.last() else { return floor };
        let mut floor = floor.max(*latest - TimeDelta::seconds(OVERLAP_S));
        while let Some((at, id)) = self.places.pop_first() {
            if at >= floor && self.places.len() < SEEN_MAX {
                self.places.insert((at, id));
                break;
            }
            // Dates have milliseconds: of this one nothing must come again.
            floor = floor.max(at + TimeDelta::milliseconds(i64::from(at >= floor)));
            self.ids.remove(&id);
        }
        floor
    }
}

impl MongoTail {
    pub(super) fn new(calls: Arc<Calls>, since: DateTime<Utc>) -> Self {
        MongoTail { calls, floor: since, after: None, seen: Seen::default() }
    }
}

impl Tail for MongoTail {
    fn next(&mut self, rows_max: usize) -> Result<Page, Unavailable> {
        let (floor, after) = (self.floor, self.after.clone());
        let documents = self
            .calls
            .call("cannot follow the answers", FIND, move |database| scan(database, floor, after, rows_max as i64))?;
        let more = documents.len() == rows_max;
        let mut rows = Vec::new();
        for document in &documents {
            let Some(place) = place(document) else { continue };
            let new = self.seen.add(&place);
            self.after = Some(place);
            rows.extend(landed(document).filter(|_| new));
        }
        if !more {
            self.after = None;
        }
        // In the middle of a pass, too: a pass through a backlog is long.
        self.floor = self.seen.forget(self.floor);
        Ok(Page { rows, more })
    }
}

/// The answers behind a place, in order, as far as they are counted.
async fn scan(
    database: Database,
    floor: DateTime<Utc>,
    after: Option<Place>,
    rows_max: i64,
) -> mongodb::error::Result<Vec<Document>> {
    let date = |at: DateTime<Utc>| bson::DateTime::from_millis(at.timestamp_millis());
    let filter = match after {
        // Only texts are at least the empty one: a document of another hand has another id, and is not ours to count.
        None => doc! { "ScoredAt": { "$gte": date(floor) }, "_id": { "$gte": "" } },
        Some((at, id)) => doc! {
            "ScoredAt": { "$gte": date(at) },
            "_id": { "$gte": "" },
            "$or": [{ "ScoredAt": { "$gt": date(at) } }, { "_id": { "$gt": id } }],
        },
    };
    let mut cursor = database
        .collection::<Document>(ANSWERS)
        .find(filter)
        .projection(doc! { "ScoredAt": 1, "Prediction": 1, "Carrier": 1, "Origin": 1, "ModelVersion": 1 })
        .sort(doc! { "ScoredAt": 1, "_id": 1 })
        .limit(rows_max)
        .max_time(QUERY)
        .await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// `None` for a document that has no text as its id: not one of ours.
fn place(document: &Document) -> Option<Place> {
    Some((scored_at(document)?, document.get_str("_id").ok()?.to_owned()))
}

fn scored_at(document: &Document) -> Option<DateTime<Utc>> {
    let Some(Bson::DateTime(at)) = document.get("ScoredAt") else { return None };
    DateTime::from_timestamp_millis(at.timestamp_millis())
}

fn landed(document: &Document) -> Option<Landed> {
    let text = |name| document.get_str(name).ok();
    Some(Landed {
        id: text("_id")?.to_owned(),
        scored_at: scored_at(document)?,
        class: DelayClass::of_wire_value(document.get_f64("Prediction").ok()?)?,
        carrier: text("Carrier")?.parse().ok()?,
        origin: text("Origin")?.parse().ok()?,
        model: ModelVersion::new(text("ModelVersion")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    #[test]
    fn what_lies_before_the_overlap_is_forgotten() {
        let mut seen = Seen::default();
        for ms in [0, 1000, 2000, 11_500] {
            assert!(seen.add(&(at(ms), ms.to_string())));
        }
        assert!(!seen.add(&(at(1000), "1000".to_owned())));
        assert_eq!(seen.forget(at(-5)), at(1500));
        assert_eq!((seen.ids.len(), seen.places.len()), (2, 2));
    }

    #[test]
    fn too_many_shorten_the_overlap_and_none_of_them_comes_again() {
        let mut seen = Seen::default();
        for n in 0..SEEN_MAX as i64 + 3 {
            seen.add(&(at(n / 100), n.to_string()));
        }
        let floor = seen.forget(at(0));
        assert_eq!(floor, at(1), "three are too many, and 97 were scored in the same millisecond as they");
        assert!(seen.places.len() <= SEEN_MAX && seen.places.first().unwrap().0 >= floor);
        assert_eq!(seen.ids.len(), seen.places.len());
    }
}
