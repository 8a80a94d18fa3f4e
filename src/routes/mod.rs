//! The route table of a store: the lengths of routes, shared by all processes on the store.
//!
//! 1. A scorer and a page read the table at their start. Its lengths precede the model's.
//! 2. [`load`] only adds missing routes, so it can be repeated, also concurrently. A route with another length is
//!    reported and stays as it is; it is changed only on request.

use std::collections::BTreeMap;

use engine::{
    delivery::Unavailable,
    domain::Domain,
    store::{Entry, ReferenceTable, Store},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{airports::Route, domain::Flights, flight::Code};

/// Upper bound on the routes of a table; a larger one is another file. The US has some 5,000.
pub const ROUTES_MAX: usize = 100_000;
/// Routes per write.
const CHUNK_ROUTES_MAX: usize = 1000;
/// Upper bound on the differing routes that are named; more are only counted.
pub const DIFFERING_NAMED_MAX: usize = 5;

/// A store's route table.
pub trait RouteTable {
    /// Returns all routes, each once; none if there is no table yet. Blocks, 30 s at most.
    fn read(&self) -> Result<Vec<Route>, Unavailable>;

    /// Adds routes, creating the table if needed; an existing route stays. Blocks, 60 s at most.
    fn insert(&self, routes: &[Route]) -> Result<(), Unavailable>;

    /// Gives routes that are there these lengths. Blocks, 30 s at most for each hundred.
    fn update(&self, routes: &[Route]) -> Result<(), Unavailable>;
}

/// The route table of a store, if this kind of store keeps one.
pub fn table_of(store: &dyn Store<Flights>) -> Option<Box<dyn RouteTable>> {
    Some(Box::new(StoredTable(store.reference()?)))
}

struct StoredTable(Box<dyn ReferenceTable>);

impl RouteTable for StoredTable {
    fn read(&self) -> Result<Vec<Route>, Unavailable> {
        let name = Flights::COLLECTIONS.reference.map_or("", |reference| reference.collection);
        let documents = self.0.read(ROUTES_MAX + 1)?;
        if documents.len() > ROUTES_MAX {
            let reason = format!("{name} has more than {ROUTES_MAX} documents: is it the table of routes?");
            return Err(Unavailable::needs_operator(reason));
        }
        let routes: Vec<Route> = documents.iter().filter_map(route).collect();
        if routes.len() < documents.len() {
            let unusable = documents.len() - routes.len();
            tracing::warn!("{unusable} documents in {name} name no Origin, Dest and positive Distance: left out");
        }
        Ok(routes)
    }

    fn insert(&self, routes: &[Route]) -> Result<(), Unavailable> {
        self.0.insert(&entries(routes))
    }

    fn update(&self, routes: &[Route]) -> Result<(), Unavailable> {
        self.0.update(&entries(routes))
    }
}

fn entries(routes: &[Route]) -> Vec<Entry> {
    let entry = |Route { origin, dest, miles }: &Route| Entry {
        key: vec![origin.to_string(), dest.to_string()],
        value: f64::from(*miles),
    };
    routes.iter().map(entry).collect()
}

/// Returns the route of a document, if it has one. Numbers of any type are accepted: various scripts fill such tables.
fn route(document: &Map<String, Value>) -> Option<Route> {
    let code = |name| document.get(name)?.as_str()?.parse().ok();
    let miles = document.get("Distance")?.as_f64()? as f32;
    let miles = Some(miles).filter(|miles| miles.is_finite() && *miles > 0.0)?;
    Some(Route { origin: code("Origin")?, dest: code("Dest")?, miles })
}

/// The result of [`load`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// Routes added.
    pub new: usize,
    /// Routes that were there with the same length.
    pub same: usize,
    /// Routes that were there with another length.
    pub differing: usize,
    /// The first of them: as given, with the miles in the store.
    pub differing_named: Vec<(Route, f32)>,
    /// True if the differing routes were changed.
    pub replaced: bool,
}

/// Adds the routes that the table lacks, and with `replace` changes those that differ. Of two lengths for a route the
/// later holds. `observe` gets the number of routes done, and of all.
pub fn load(
    table: &dyn RouteTable,
    routes: &[Route],
    replace: bool,
    observe: &mut dyn FnMut(usize, usize),
) -> Result<Loaded, Unavailable> {
    let given: BTreeMap<(Code, Code), Route> =
        routes.iter().map(|route| ((route.origin, route.dest), *route)).collect();
    let there: BTreeMap<(Code, Code), f32> =
        table.read()?.into_iter().map(|route| ((route.origin, route.dest), route.miles)).collect();
    let (mut missing, mut differing) = (Vec::new(), Vec::new());
    for (pair, route) in &given {
        match there.get(pair) {
            None => missing.push(*route),
            Some(miles) if *miles != route.miles => differing.push((*route, *miles)),
            Some(_) => {}
        }
    }
    let mut done = given.len() - missing.len() - differing.len();
    let same = done;
    for chunk in missing.chunks(CHUNK_ROUTES_MAX) {
        observe(done, given.len());
        table.insert(chunk)?;
        done += chunk.len();
    }
    if replace {
        let wanted: Vec<Route> = differing.iter().map(|(route, _)| *route).collect();
        for chunk in wanted.chunks(CHUNK_ROUTES_MAX) {
            observe(done, given.len());
            table.update(chunk)?;
            done += chunk.len();
        }
    }
    let differing_named = differing.iter().take(DIFFERING_NAMED_MAX).copied().collect();
    Ok(Loaded { new: missing.len(), same, differing: differing.len(), differing_named, replaced: replace })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Default)]
    struct InMemory(RefCell<BTreeMap<(Code, Code), f32>>);

    impl RouteTable for InMemory {
        fn read(&self) -> Result<Vec<Route>, Unavailable> {
            let routes = self.0.borrow();
            Ok(routes.iter().map(|(&(origin, dest), &miles)| Route { origin, dest, miles }).collect())
        }

        fn insert(&self, routes: &[Route]) -> Result<(), Unavailable> {
            for route in routes {
                let there = self.0.borrow_mut().insert((route.origin, route.dest), route.miles);
                assert_eq!(there, None, "only what is missing is inserted");
            }
            Ok(())
        }

        fn update(&self, routes: &[Route]) -> Result<(), Unavailable> {
            self.0.borrow_mut().extend(routes.iter().map(|route| ((route.origin, route.dest), route.miles)));
            Ok(())
        }
    }

    fn route(origin: &str, dest: &str, miles: f32) -> Route {
        Route { origin: origin.parse().unwrap(), dest: dest.parse().unwrap(), miles }
    }

    #[test]
    fn missing_routes_are_added_and_differing_ones_reported_and_changed_only_on_request() {
        let table = InMemory::default();
        let load = |routes: &[Route], replace| load(&table, routes, replace, &mut |_, _| {}).unwrap();
        let (atl_sfo, jfk_sfo) = (route("ATL", "SFO", 2139.0), route("JFK", "SFO", 2586.0));
        let counts = |loaded: &Loaded| (loaded.new, loaded.same, loaded.differing);
        // Of two lengths in the input the later holds.
        assert_eq!(counts(&load(&[route("ATL", "SFO", 1.0), atl_sfo], false)), (1, 0, 0));
        assert_eq!(counts(&load(&[atl_sfo, jfk_sfo], false)), (1, 1, 0));

        let changed = route("JFK", "SFO", 2590.0);
        let loaded = load(&[atl_sfo, changed], false);
        assert_eq!((counts(&loaded), loaded.differing_named), ((0, 1, 1), vec![(changed, 2586.0)]));
        assert_eq!(table.read().unwrap(), [atl_sfo, jfk_sfo]);
        assert_eq!(counts(&load(&[atl_sfo, changed], true)), (0, 1, 1));
        assert_eq!(table.read().unwrap(), [atl_sfo, changed]);
    }

    #[test]
    fn a_route_is_read_from_numbers_of_any_type_and_nothing_else() {
        let read = |distance: &str, rest: &str| {
            let document = format!(r#"{{"_id":"x","Distance":{distance}{rest}}}"#);
            super::route(&serde_json::from_str(&document).unwrap())
        };
        let pair = r#","Origin":"EWR","Dest":"JFK""#;
        for miles in ["21.0", "21"] {
            assert_eq!(read(miles, pair), Some(route("EWR", "JFK", 21.0)));
        }
        for miles in ["null", r#""21""#, r#"{"$numberDouble":"NaN"}"#, "1e300", "0"] {
            assert_eq!(read(miles, pair), None, "{miles}");
        }
        assert_eq!(read("21.0", r#","Origin":"EWR""#), None);
        assert_eq!(read("21.0", r#","Origin":"much too long","Dest":"JFK""#), None);
    }
}
