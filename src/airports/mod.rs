//! Known airports and airlines, and the distances between airports.
//!
//! An airport is known if it is in the airports table, the history or the route table. A distance is that of the route
//! table, else the great circle between the airports' coordinates, else the one that the history observed.

mod binary;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::flight::Code;

/// An airport in the airports table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Airport {
    /// Name.
    pub name: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A route with its distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// Distance in miles.
    pub miles: f32,
}

/// The tables of airports, airlines and routes. They are part of the model file, so that the page and the scorer have
/// the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Airports {
    airports: BTreeMap<Code, Airport>,
    airlines: BTreeMap<Code, String>,
    routes: BTreeMap<(Code, Code), f32>,
    observed: BTreeMap<(Code, Code), f32>,
    known_airports: BTreeSet<Code>,
}

/// The tables that are given and stored; the set of known airports is derived from them.
struct Tables {
    airports: BTreeMap<Code, Airport>,
    airlines: BTreeMap<Code, String>,
    routes: BTreeMap<(Code, Code), f32>,
    observed: BTreeMap<(Code, Code), f32>,
}

impl Airports {
    /// Makes the tables. `airlines` maps codes to names; `observed` are the routes of the history.
    pub fn new(
        airports: BTreeMap<Code, Airport>,
        airlines: BTreeMap<Code, String>,
        routes: impl IntoIterator<Item = Route>,
        observed: impl IntoIterator<Item = Route>,
    ) -> Self {
        Tables { airports, airlines, routes: by_pair(routes), observed: by_pair(observed) }.into()
    }

    /// Replaces routes, in both directions.
    pub fn with_routes(mut self, routes: &[Route]) -> Self {
        for Route { origin, dest, .. } in routes {
            // A distance holds in both directions unless the opposite one has its own, so that one is removed.
            self.routes.remove(&(*origin, *dest));
            self.routes.remove(&(*dest, *origin));
            self.known_airports.extend([origin, dest]);
        }
        self.routes.extend(routes.iter().map(|route| ((route.origin, route.dest), route.miles)));
        self
    }

    /// Returns whether an airport is known.
    pub fn knows_airport(&self, code: Code) -> bool {
        self.known_airports.contains(&code)
    }

    /// Returns whether an airline is known.
    pub fn knows_airline(&self, code: Code) -> bool {
        self.airlines.contains_key(&code)
    }

    /// All known airports by code, with their names if known.
    pub fn all(&self) -> impl Iterator<Item = (Code, Option<&str>)> {
        self.known_airports.iter().map(|code| (*code, self.airports.get(code).map(|airport| airport.name.as_str())))
    }

    /// The name of an airport, if it is known.
    pub fn name_of(&self, code: Code) -> Option<&str> {
        self.airport(code).map(|airport| airport.name.as_str())
    }

    /// The name and the position of an airport, if it is in the airports table.
    pub fn airport(&self, code: Code) -> Option<&Airport> {
        self.airports.get(&code)
    }

    /// The position of an airport, in degrees north and degrees east, if it is known.
    pub fn position_of(&self, code: Code) -> Option<(f64, f64)> {
        self.airports.get(&code).map(|airport| (airport.latitude, airport.longitude))
    }

    /// All known positions, in degrees north and degrees east.
    pub fn positions(&self) -> impl Iterator<Item = (f64, f64)> {
        self.airports.values().map(|airport| (airport.latitude, airport.longitude))
    }

    /// The airports that flights of the history or the route table serve, by code, with the number of their routes.
    pub fn served(&self) -> impl Iterator<Item = (Code, u64)> {
        let mut routes = BTreeMap::<Code, u64>::new();
        let pairs: BTreeSet<_> = self.routes.keys().chain(self.observed.keys()).collect();
        pairs
            .into_iter()
            .flat_map(|(origin, dest)| [origin, dest])
            .for_each(|code| *routes.entry(*code).or_default() += 1);
        routes.into_iter()
    }

    /// All known airlines by code, with their names or, if unknown, their codes.
    pub fn airlines(&self) -> impl Iterator<Item = (Code, &str)> {
        self.airlines.iter().map(|(code, name)| (*code, name.as_str()))
    }

    /// The distance between two airports in miles, if known.
    pub fn distance_miles(&self, origin: Code, dest: Code) -> Option<f32> {
        let either_way = |table: &BTreeMap<(Code, Code), f32>| {
            table.get(&(origin, dest)).or_else(|| table.get(&(dest, origin))).copied()
        };
        either_way(&self.routes).or_else(|| self.great_circle(origin, dest)).or_else(|| either_way(&self.observed))
    }

    fn great_circle(&self, origin: Code, dest: Code) -> Option<f32> {
        let (from, to) = (self.airports.get(&origin)?, self.airports.get(&dest)?);
        let miles = great_circle_miles((from.latitude, from.longitude), (to.latitude, to.longitude));
        // Whole miles, as in the tables: the formula is no more precise. No distance is 0.
        Some(miles.round().max(1.0) as f32)
    }
}

impl From<Tables> for Airports {
    fn from(tables: Tables) -> Self {
        let Tables { airports, airlines, routes, observed } = tables;
        let on_routes = routes.keys().chain(observed.keys()).flat_map(|&(origin, dest)| [origin, dest]);
        // An airport is on many routes: a hash set is faster here than a sorted one.
        let known: HashSet<Code, FixedState> = airports.keys().copied().chain(on_routes).collect();
        let known_airports = known.into_iter().collect();
        Airports { airports, airlines, routes, observed, known_airports }
    }
}

fn by_pair(routes: impl IntoIterator<Item = Route>) -> BTreeMap<(Code, Code), f32> {
    routes.into_iter().map(|route| ((route.origin, route.dest), route.miles)).collect()
}

/// The mean radius of the Earth in statute miles (IUGG: 6,371.0088 km).
const EARTH_RADIUS_MILES: f64 = 3_958.761;

/// The great-circle distance in statute miles between two points given as (degrees north, degrees east),
/// on a sphere; within 0.6 % of that on the ellipsoid. Haversine formula, R. W. Sinnott, Sky and Telescope 68 (1984)
/// 159.
pub fn great_circle_miles(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (from_lat, to_lat) = (from.0.to_radians(), to.0.to_radians());
    let half_lat = (to_lat - from_lat) / 2.0;
    let half_lon = (to.1 - from.1).to_radians() / 2.0;
    let h = half_lat.sin().powi(2) + from_lat.cos() * to_lat.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_MILES * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    fn route(origin: &str, dest: &str, miles: f32) -> Route {
        Route { origin: code(origin), dest: code(dest), miles }
    }

    fn airports() -> Airports {
        let airport = |name: &str, latitude, longitude| Airport { name: name.into(), latitude, longitude };
        let airports = BTreeMap::from([
            (code("ATL"), airport("Atlanta", 33.64, -84.43)),
            (code("SFO"), airport("San Francisco", 37.62, -122.37)),
            (code("JFK"), airport("New York", 40.64, -73.78)),
        ]);
        let airlines = BTreeMap::from([(code("AA"), "American Airlines".to_owned())]);
        let observed = [route("JFK", "SJU", 1598.0), route("ATL", "SFO", 1.0)];
        Airports::new(airports, airlines, [route("ATL", "JFK", 760.0)], observed)
    }

    #[test]
    fn a_distance_is_that_of_the_route_table_else_the_great_circle_else_the_observed() {
        let airports = airports();
        let miles = |from, to| airports.distance_miles(code(from), code(to));
        assert_eq!(miles("ATL", "JFK"), Some(760.0));
        assert_eq!(miles("JFK", "ATL"), Some(760.0));
        // BTS gives 2,139; the sphere is within 0.6 % of it.
        assert!((miles("ATL", "SFO").unwrap() / 2139.0 - 1.0).abs() < 0.006);
        assert_eq!(miles("ATL", "SFO").map(f32::fract), Some(0.0));
        assert_eq!(miles("ATL", "ATL"), Some(1.0));
        assert_eq!(miles("SJU", "JFK"), Some(1598.0));
        assert_eq!(miles("ATL", "SJU"), None);
    }

    #[test]
    fn an_airport_in_any_table_is_known() {
        let airports = airports();
        assert!(airports.knows_airport(code("ATL")) && airports.knows_airport(code("SJU")));
        assert!(!airports.knows_airport(code("XXX")) && !airports.knows_airline(code("XX")));
        assert_eq!(airports.all().count(), 4);
        assert_eq!(airports.all().find(|(airport, _)| *airport == code("SJU")), Some((code("SJU"), None)));
    }

    #[test]
    fn replaced_routes_hold_in_both_directions_and_make_airports_known() {
        let airports = airports().with_routes(&[
            route("JFK", "ATL", 761.0),
            route("SFO", "ATL", 2139.0),
            route("ATL", "SFO", 2140.0),
            route("GUM", "SFO", 5800.0),
        ]);
        let miles = |from, to| airports.distance_miles(code(from), code(to));
        assert_eq!((miles("ATL", "JFK"), miles("JFK", "ATL")), (Some(761.0), Some(761.0)));
        assert_eq!((miles("ATL", "SFO"), miles("SFO", "ATL")), (Some(2140.0), Some(2139.0)));
        assert_eq!(miles("JFK", "SJU"), Some(1598.0));
        assert!(airports.knows_airport(code("GUM")) && airports.all().any(|(airport, _)| airport == code("GUM")));
    }

    #[test]
    fn a_section_round_trips_and_an_unsorted_or_truncated_one_is_refused() {
        let section = airports().section();
        assert_eq!(Airports::read(&section), Ok(airports()));
        assert_eq!(Airports::read(&Airports::default().section()), Ok(Airports::default()));
        for len in 0..section.len() {
            assert!(Airports::read(&section[..len]).is_err(), "{len}");
        }
        let mut disordered = section.clone();
        disordered[16..24].copy_from_slice(b"ZZZ\0\0\0\0\0");
        assert!(Airports::read(&disordered).is_err());
        assert!(Airports::read(&[&section[..], &[0]].concat()).is_err());
    }

    #[test]
    fn agrees_with_known_distances() {
        assert_eq!(great_circle_miles((10.0, 20.0), (10.0, 20.0)), 0.0);
        let half_way_round = std::f64::consts::PI * EARTH_RADIUS_MILES;
        assert!((great_circle_miles((0.0, 0.0), (0.0, 180.0)) - half_way_round).abs() < 1e-6);
        // A degree of latitude is 69.1 miles on the sphere.
        assert!((great_circle_miles((0.0, 0.0), (1.0, 0.0)) - 69.09).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn is_symmetric_and_bounded(a in -90.0..90.0f64, b in -180.0..180.0f64, c in -90.0..90.0f64, d in -180.0..180.0f64) {
            let (there, back) = (great_circle_miles((a, b), (c, d)), great_circle_miles((c, d), (a, b)));
            prop_assert!((there - back).abs() < 1e-6);
            prop_assert!((0.0..=12_450.0).contains(&there));
        }
    }
}
