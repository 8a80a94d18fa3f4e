//! The route table: the collection `origin_dest_distances` of the wire contract, documents like
//! `{"Origin": "EWR", "Dest": "JFK", "Distance": 21.0}`.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Bson, Document, doc};

use super::{
    calls::Calls,
    lookup::having,
    verdict::{Verdict, verdict},
};
use crate::{
    atlas::Route,
    delivery::{Refusal, Unavailable},
    store::{ROUTES_MAX, RouteTable},
};

/// The collection.
pub(super) const ROUTES: &str = "origin_dest_distances";
/// One call takes at most this long.
const CALL: Duration = Duration::from_secs(30);
/// A server gives the query up after this long.
const QUERY: Duration = Duration::from_secs(20);
/// So many updates go into one command. FerretDB has been seen to hang at more than a hundred.
const UPDATES_MAX: usize = 50;

pub(super) struct MongoRoutes {
    pub(super) calls: Arc<Calls>,
}

impl MongoRoutes {
    fn run(&self, doing: &str, command: Document) -> Result<Document, Unavailable> {
        self.calls.call(doing, CALL, |database| async move { database.run_command(command).await })
    }
}

impl RouteTable for MongoRoutes {
    fn read(&self) -> Result<Vec<Route>, Unavailable> {
        let doing = format!("cannot read {ROUTES}");
        let documents = self.calls.call(&doing, CALL, |database| async move {
            // In the order of their ids, so that everybody takes the same of two that contradict each other.
            let collection = database.collection::<Document>(ROUTES);
            let query = collection.find(doc! {}).sort(doc! { "_id": 1 });
            let mut cursor = query.limit(ROUTES_MAX as i64 + 1).max_time(QUERY).await?;
            let mut documents = Vec::new();
            while cursor.advance().await? {
                documents.push(cursor.deserialize_current()?);
            }
            Ok(documents)
        })?;
        if documents.len() > ROUTES_MAX {
            let reason = format!("{ROUTES} has more than {ROUTES_MAX} documents: is it the table of routes?");
            return Err(Unavailable::needs_operator(reason));
        }
        let routes: Vec<Route> = documents.iter().filter_map(route).collect();
        if routes.len() < documents.len() {
            let unusable = documents.len() - routes.len();
            tracing::warn!("{unusable} documents in {ROUTES} name no Origin, Dest and positive Distance: left out");
        }
        Ok(routes)
    }

    fn insert(&self, routes: &[Route]) -> Result<(), Unavailable> {
        let doing = format!("cannot write to {ROUTES}");
        self.calls.index(ROUTES, doc! { "key": { "Origin": 1, "Dest": 1 }, "name": "Origin_1_Dest_1" })?;
        let documents: Vec<Document> = routes.iter().map(document).collect();
        let command = doc! {
            "insert": ROUTES, "documents": documents, "ordered": false, "writeConcern": { "w": "majority" },
        };
        let Verdict { mut refused, mut unclear } = verdict(&self.run(&doing, command)?, routes.len())?;
        // A duplicate of another unique index is no route that is there.
        let id = |refusal: &Refusal| routes.get(refusal.row).map(id);
        let there = having(&self.calls, ROUTES, "_id", &unclear.iter().filter_map(id).collect::<Vec<_>>())?;
        unclear.retain(|refusal| id(refusal).is_none_or(|id| !there.contains(&id)));
        refused.append(&mut unclear);
        let first = refused.first().and_then(|refusal| Some((routes.get(refusal.row)?, &refusal.reason)));
        match first {
            None => Ok(()),
            Some((Route { origin, dest, .. }, reason)) => {
                Err(Unavailable::needs_operator(format!("{doing}: {origin}-{dest} is refused: {reason}")))
            }
        }
    }

    fn update(&self, routes: &[Route]) -> Result<(), Unavailable> {
        let doing = format!("cannot change {ROUTES}");
        for some in routes.chunks(UPDATES_MAX) {
            let update = |Route { origin, dest, miles }: &Route| {
                let wanted = doc! { "Origin": origin.as_str(), "Dest": dest.as_str() };
                doc! { "q": wanted, "u": { "$set": { "Distance": f64::from(*miles) } }, "multi": true }
            };
            let updates: Vec<Document> = some.iter().map(update).collect();
            let command = doc! { "update": ROUTES, "updates": updates, "writeConcern": { "w": "majority" } };
            let reply = self.run(&doing, command)?;
            if let Some(error) = ["writeErrors", "writeConcernError"].iter().find_map(|name| reply.get(name)) {
                let error: String = error.to_string().chars().take(300).collect();
                return Err(Unavailable::transient(format!("{doing}: {error}")));
            }
        }
        Ok(())
    }
}

/// Its id is its pair, so that two who load at once cannot both insert it. The old system's have ids of their own.
fn document(route @ Route { origin, dest, miles }: &Route) -> Document {
    doc! {
        "_id": id(route), "Origin": origin.as_str(), "Dest": dest.as_str(), "Distance": f64::from(*miles),
    }
}

fn id(Route { origin, dest, .. }: &Route) -> String {
    format!("{origin}-{dest}")
}

/// A document's route, if it says one. Numbers of any type are taken: scripts of all kinds have filled such tables.
fn route(document: &Document) -> Option<Route> {
    let code = |name| document.get_str(name).ok()?.parse().ok();
    let miles = match document.get("Distance")? {
        Bson::Double(miles) => *miles,
        Bson::Int32(miles) => f64::from(*miles),
        Bson::Int64(miles) => *miles as f64,
        _ => return None,
    };
    let miles = Some(miles as f32).filter(|miles| miles.is_finite() && *miles > 0.0)?;
    Some(Route { origin: code("Origin")?, dest: code("Dest")?, miles })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_from_numbers_of_any_type_and_nothing_else() {
        let wanted = Route { origin: "EWR".parse().unwrap(), dest: "JFK".parse().unwrap(), miles: 21.0 };
        for miles in [Bson::Double(21.0), Bson::Int32(21), Bson::Int64(21)] {
            assert_eq!(route(&doc! { "Origin": "EWR", "Dest": "JFK", "Distance": miles }), Some(wanted));
        }
        assert_eq!(route(&document(&wanted)), Some(wanted));
        for miles in [Bson::Null, "21".into(), Bson::Double(f64::NAN), Bson::Double(1e300), Bson::Int32(0)] {
            assert_eq!(route(&doc! { "Origin": "EWR", "Dest": "JFK", "Distance": miles }), None);
        }
        assert_eq!(route(&doc! { "Origin": "EWR", "Distance": 21.0 }), None);
        assert_eq!(route(&doc! { "Origin": "much too long", "Dest": "JFK", "Distance": 21.0 }), None);
    }
}
