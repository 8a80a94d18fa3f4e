//! Looks requests up, by id.

use std::{sync::Arc, time::Duration};

use mongodb::{
    Database,
    bson::{Document, doc},
    options::ReadConcern,
};

use super::{ANSWERS, REJECTIONS, calls::Calls, render::to_json};
use crate::{
    delivery::Unavailable,
    store::{Lookup, Outcome},
};

/// A look-up takes at most this long.
pub(super) const FIND: Duration = Duration::from_secs(5);
/// A server gives a query up after this long.
pub(super) const QUERY: Duration = Duration::from_secs(3);

/// Reads answers and rejections.
pub(super) struct MongoLookup {
    pub(super) calls: Arc<Calls>,
}

impl Lookup for MongoLookup {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        let id = id.to_owned();
        let found = self.calls.call("cannot look up a request", FIND, |database| find(database, id))?;
        match found {
            Found::Nothing => Ok(None),
            Found::Answer(document) => Ok(Some(Outcome::Answered(to_json(document)))),
            Found::Rejection(document) => {
                Ok(Some(Outcome::Rejected(document.get_str("Reason").unwrap_or_default().to_owned())))
            }
        }
    }
}

enum Found {
    Answer(Document),
    Rejection(Document),
    Nothing,
}

/// An answer of ours has the request's id as its own; one of the old job names it in a field.
async fn find(database: Database, id: String) -> mongodb::error::Result<Found> {
    for (collection, filter, found) in [
        (ANSWERS, doc! { "_id": &id }, Found::Answer as fn(Document) -> Found),
        (ANSWERS, doc! { "UUID": &id }, Found::Answer),
        (REJECTIONS, doc! { "_id": &id }, Found::Rejection),
    ] {
        let collection = database.collection::<Document>(collection);
        let query = collection.find_one(filter).read_concern(ReadConcern::majority()).max_time(QUERY);
        if let Some(document) = query.await? {
            return Ok(found(document));
        }
    }
    Ok(Found::Nothing)
}
