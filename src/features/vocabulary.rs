//! The vocabulary of the training flights: the categories of each group, numbered.
//!
//! ```text
//! origins  EWR      JFK      LGA          a category's number within its group is its id
//!           │        │        │
//! routes   BOS LAX  BOS LAX  ORD          a route is an origin and, within it, a destination
//!           │   │    │
//! airlines  UA  UA   B6 DL   …            on a route: an airline within the route, a flight number within that
//! ```
//!
//! Airlines, origins and destinations are sorted codes. A category of any other group is one of its parent group and a
//! key within it, so that a flight's ids in all groups take a short binary search each. Encoders are arrays indexed by
//! id; only the vocabulary holds the categories themselves.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use self::Group::*;
use super::{
    live::LiveValues,
    query::{Query, TrainingFlight},
};
use crate::{
    explanation::Factor,
    flight::{Code, FLIGHT_NUM_MAX, Schedule},
};

/// A grouping of flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    /// Airline.
    Carrier,
    /// Airport of departure.
    Origin,
    /// Airport of arrival.
    Dest,
    /// Airports of departure and arrival.
    Route,
    /// Airline and airport of departure.
    CarrierOrigin,
    /// Airline and airport of arrival.
    CarrierDest,
    /// Airline and route.
    CarrierRoute,
    /// Airport of departure and hour of the scheduled departure.
    OriginHour,
    /// Airport of arrival and hour of the scheduled arrival.
    DestHour,
    /// Airline, route and hour of the scheduled departure.
    CarrierRouteHour,
    /// Airline, route and flight number.
    FlightRoute,
}

impl Group {
    /// All groups, numbered in their order.
    pub(super) const ALL: [Group; 11] = [
        Carrier,
        Origin,
        Dest,
        Route,
        CarrierOrigin,
        CarrierDest,
        CarrierRoute,
        OriginHour,
        DestHour,
        CarrierRouteHour,
        FlightRoute,
    ];

    /// The factor to which explanations credit the group. An airline at an airport counts for the airport, which
    /// dominates it.
    pub(super) fn factor(self) -> Factor {
        match self {
            Carrier => Factor::Carrier,
            Origin | CarrierOrigin => Factor::Origin,
            Dest | CarrierDest => Factor::Dest,
            Route | CarrierRoute => Factor::Route,
            OriginHour | DestHour | CarrierRouteHour => Factor::Schedule,
            FlightRoute => Factor::FlightNum,
        }
    }

    /// Returns whether a flight's group is unknown without the schedule.
    pub fn needs_schedule(self) -> bool {
        matches!(self, OriginHour | DestHour | CarrierRouteHour | FlightRoute)
    }

    /// The group within whose categories this group's are numbered. Airlines, origins and destinations have none: it is
    /// the group itself.
    pub(super) fn parent(self) -> Group {
        match self {
            Dest | CarrierDest | DestHour => Dest,
            Carrier => Carrier,
            Origin | Route | CarrierOrigin | OriginHour => Origin,
            CarrierRoute => Route,
            CarrierRouteHour | FlightRoute => CarrierRoute,
        }
    }

    /// The groups whose ids are needed for an id in this group, which is the last of them.
    fn lineage(self) -> &'static [Group] {
        match self {
            Carrier => &[Carrier],
            Origin => &[Origin],
            Dest => &[Dest],
            Route => &[Origin, Dest, Route],
            CarrierOrigin => &[Carrier, Origin, CarrierOrigin],
            CarrierDest => &[Carrier, Dest, CarrierDest],
            CarrierRoute => &[Carrier, Origin, Dest, Route, CarrierRoute],
            OriginHour => &[Origin, OriginHour],
            DestHour => &[Dest, DestHour],
            CarrierRouteHour => &[Carrier, Origin, Dest, Route, CarrierRoute, CarrierRouteHour],
            FlightRoute => &[Carrier, Origin, Dest, Route, CarrierRoute, FlightRoute],
        }
    }
}

const UNKNOWN_ID: u32 = u32::MAX;

/// A flight's ids, one per group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CategoryIds([u32; Group::ALL.len()]);

impl CategoryIds {
    const UNKNOWN: CategoryIds = CategoryIds([UNKNOWN_ID; Group::ALL.len()]);

    /// The id in a group; `None` if the flight's category is not in the vocabulary or not known.
    pub(super) fn of(&self, group: Group) -> Option<usize> {
        let id = self.0[group as usize];
        (id != UNKNOWN_ID).then_some(id as usize)
    }
}

/// The categories of a group within each category of its parent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Level {
    /// For each category of the parent, the id after its last.
    pub(super) ends: Vec<u32>,
    /// Keys, ascending within a category of the parent.
    pub(super) keys: Vec<u32>,
}

impl Level {
    /// Takes pairs of an id in the parent group, in the upper half of the word, and a key.
    fn new(pairs: HashSet<u64, FixedState>, parent_len: usize) -> Self {
        let mut pairs: Vec<u64> = pairs.into_iter().collect();
        pairs.sort_unstable();
        let mut ends = vec![0; parent_len];
        for (pair, end) in pairs.iter().zip(1..) {
            ends[(pair >> 32) as usize] = end;
        }
        // A parent without categories ends where the one before it ends.
        for at in 1..parent_len {
            ends[at] = ends[at].max(ends[at - 1]);
        }
        // The lower halves.
        Level { ends, keys: pairs.into_iter().map(|pair| pair as u32).collect() }
    }

    fn id(&self, parent: u32, key: u32) -> Option<u32> {
        let end = *self.ends.get(parent as usize)?;
        let start = if parent == 0 { 0 } else { self.ends[parent as usize - 1] };
        let within = &self.keys[start as usize..end as usize];
        within.binary_search(&key).ok().map(|at| start + at as u32)
    }

    fn is_valid(&self, parent_len: usize, keys_below: usize) -> bool {
        let mut start = 0;
        self.ends.len() == parent_len
            && self.ends.last().copied().unwrap_or(0) as usize == self.keys.len()
            && self.ends.iter().all(|&end| {
                let within = self.keys.get(start..end as usize);
                start = end as usize;
                within.is_some_and(|keys| {
                    keys.is_sorted_by(|a, b| a < b) && keys.last().is_none_or(|&key| (key as usize) < keys_below)
                })
            })
    }
}

/// The categories that occur in the training flights.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vocabulary {
    /// Airlines, origins and destinations, each sorted.
    pub(super) codes: [Vec<Code>; 3],
    /// The groups after these, in their order.
    pub(super) levels: [Level; Group::ALL.len() - 3],
}

/// The groups whose ids do not depend on the schedule.
const WITHOUT_SCHEDULE: &[Group] =
    &[Carrier, Origin, Dest, Route, CarrierOrigin, CarrierDest, CarrierRoute, FlightRoute];
const WITH_SCHEDULE: &[Group] = &[OriginHour, DestHour, CarrierRouteHour];

impl Vocabulary {
    /// Collects the categories of flights.
    pub(super) fn of(flights: &[TrainingFlight]) -> Self {
        let distinct = |code: fn(&Query) -> Code| {
            let codes: HashSet<Code, FixedState> = flights.iter().map(|flight| code(&flight.query())).collect();
            let mut codes: Vec<Code> = codes.into_iter().collect();
            codes.sort_unstable();
            codes
        };
        let codes = [distinct(|query| query.carrier), distinct(|query| query.origin), distinct(|query| query.dest)];
        let mut vocabulary = Vocabulary { codes, ..Vocabulary::default() };
        // One flight of each signature is enough, and most flights share theirs.
        let mut signatures = HashSet::<_, FixedState>::default();
        let queries = flights.iter().map(TrainingFlight::query);
        let queries: Vec<Query> = queries.filter(|query| signatures.insert(signature(query))).collect();
        drop(signatures);
        // A group comes after its parent.
        for group in &Group::ALL[3..] {
            let (_, lineage) = group.lineage().split_last().unwrap_or((group, &[]));
            let mut pairs = HashSet::default();
            for query in &queries {
                let ids = vocabulary.extend_ids(lineage, query, query.schedule, CategoryIds::UNKNOWN);
                if let Some((parent, key)) = parent_and_key(*group, &ids, query, query.schedule) {
                    pairs.insert(u64::from(parent) << 32 | u64::from(key));
                }
            }
            vocabulary.levels[*group as usize - 3] = Level::new(pairs, vocabulary.len(group.parent()));
        }
        vocabulary
    }

    /// Number of categories of a group.
    pub(super) fn len(&self, group: Group) -> usize {
        match group {
            Carrier | Origin | Dest => self.codes[group as usize].len(),
            _ => self.levels[group as usize - 3].keys.len(),
        }
    }

    /// A flight's id in one group.
    pub(super) fn id(&self, group: Group, query: &Query, schedule: Option<Schedule>) -> Option<usize> {
        self.extend_ids(group.lineage(), query, schedule, CategoryIds::UNKNOWN).of(group)
    }

    /// A flight's ids in the groups that do not depend on the schedule.
    pub(super) fn ids(&self, query: &Query) -> CategoryIds {
        self.extend_ids(WITHOUT_SCHEDULE, query, None, CategoryIds::UNKNOWN)
    }

    /// Adds the ids in the groups that depend on the schedule.
    pub(super) fn with_schedule(&self, ids: CategoryIds, query: &Query, schedule: Option<Schedule>) -> CategoryIds {
        if schedule.is_none() { ids } else { self.extend_ids(WITH_SCHEDULE, query, schedule, ids) }
    }

    fn extend_ids(
        &self,
        groups: &[Group],
        query: &Query,
        schedule: Option<Schedule>,
        mut ids: CategoryIds,
    ) -> CategoryIds {
        for &group in groups {
            let id = match group {
                Carrier => self.code_id(0, query.carrier),
                Origin => self.code_id(1, query.origin),
                Dest => self.code_id(2, query.dest),
                _ => parent_and_key(group, &ids, query, schedule)
                    .and_then(|(parent, key)| self.levels[group as usize - 3].id(parent, key)),
            };
            ids.0[group as usize] = id.unwrap_or(UNKNOWN_ID);
        }
        ids
    }

    fn code_id(&self, list: usize, code: Code) -> Option<u32> {
        // There are fewer codes than a word counts.
        self.codes[list].binary_search(&code).ok().map(|at| at as u32)
    }

    /// Returns whether a vocabulary read from a file satisfies what the searches rely on.
    pub(super) fn is_valid(&self) -> bool {
        self.codes.iter().all(|codes| codes.is_sorted_by(|a, b| a < b))
            && Group::ALL[3..].iter().zip(&self.levels).all(|(&group, level)| {
                let keys_below = match group {
                    Route => self.len(Dest),
                    CarrierOrigin | CarrierDest | CarrierRoute => self.len(Carrier),
                    FlightRoute => FLIGHT_NUM_MAX as usize + 1,
                    _ => 24,
                };
                level.is_valid(self.len(group.parent()), keys_below)
            })
    }
}

/// All that determines a flight's ids.
type Signature = ([Code; 3], Option<u32>, Option<(u16, u16)>);

fn signature(query: &Query) -> Signature {
    let hours = query.schedule.map(|schedule| (schedule.dep_min / 60, schedule.arr_min / 60));
    ([query.carrier, query.origin, query.dest], query.flight_num, hours)
}

/// The id in the parent group and the key within it, of a flight whose ids in the parent and the codes are known.
fn parent_and_key(group: Group, ids: &CategoryIds, query: &Query, schedule: Option<Schedule>) -> Option<(u32, u32)> {
    let id = |group| Some(ids.0[group as usize]).filter(|id| *id != UNKNOWN_ID);
    let key = match group {
        Route => id(Dest)?,
        CarrierOrigin | CarrierDest | CarrierRoute => id(Carrier)?,
        OriginHour | CarrierRouteHour => u32::from(schedule?.dep_min / 60),
        DestHour => u32::from(schedule?.arr_min / 60),
        FlightRoute => query.flight_num?,
        Carrier | Origin | Dest => return None,
    };
    Some((id(group.parent())?, key))
}

/// A query with what was looked up for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResolvedQuery<'a> {
    pub(super) query: Query<'a>,
    pub(super) distance: f32,
    pub(super) schedule: Option<Schedule>,
    pub(super) ids: CategoryIds,
    pub(super) live: Option<LiveValues<'a>>,
}

impl<'a> ResolvedQuery<'a> {
    /// Resolves a training flight, of which all but perhaps the distance is known.
    pub(super) fn of(flight: &TrainingFlight<'a>, vocabulary: &Vocabulary) -> Self {
        let query = flight.query();
        let ids = vocabulary.with_schedule(vocabulary.ids(&query), &query, query.schedule);
        ResolvedQuery { query, distance: query.distance.unwrap_or(f32::NAN), schedule: query.schedule, ids, live: None }
    }
}
