//! What occurs in training: the values of each group, numbered.
//!
//! ```text
//! origins  EWR      JFK      LGA          a value's number within its group is its place
//!           │        │        │
//! routes   BOS LAX  BOS LAX  ORD          a route is an origin, and within it a destination
//!           │   │    │
//! airlines  UA  UA   B6 DL   …            on a route: within the route, an airline; within that, a flight number
//! ```
//!
//! Airlines, origins and destinations are sorted codes. A value of any other group is one of a wider group and a number
//! within it, so a flight is placed in all its groups by a short search in each. What is known of a group's values is an
//! array by place; nothing repeats the values themselves.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::{
    Group::{self, *},
    Query, Schedule, TrainingFlight,
};
use crate::{code::Code, history::FLIGHT_NUM_MAX};

const NOWHERE: u32 = u32::MAX;

/// Where a flight's values stand in their groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Places([u32; Group::ALL.len()]);

impl Places {
    const NONE: Places = Places([NOWHERE; Group::ALL.len()]);

    /// The place in a group; `None` if the flight's value did not occur, or is not known.
    pub(super) fn of(&self, group: Group) -> Option<usize> {
        let place = self.0[group as usize];
        (place != NOWHERE).then_some(place as usize)
    }
}

/// The values of a group within each value of a wider one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Level {
    /// For each value of the wider group, the place after its last.
    pub(super) ends: Vec<u32>,
    /// Ascending within a value of the wider group.
    pub(super) numbers: Vec<u32>,
}

impl Level {
    /// Takes pairs of a place in the wider group, in the upper half of the word, and a number.
    fn new(pairs: HashSet<u64, FixedState>, wider_len: usize) -> Self {
        let mut pairs: Vec<u64> = pairs.into_iter().collect();
        pairs.sort_unstable();
        let mut ends = vec![0; wider_len];
        for (pair, end) in pairs.iter().zip(1..) {
            ends[(pair >> 32) as usize] = end;
        }
        // Where there is none, the end is that of the one before.
        for at in 1..wider_len {
            ends[at] = ends[at].max(ends[at - 1]);
        }
        // The lower halves.
        Level { ends, numbers: pairs.into_iter().map(|pair| pair as u32).collect() }
    }

    fn place(&self, wider: u32, number: u32) -> Option<u32> {
        let end = *self.ends.get(wider as usize)?;
        let start = if wider == 0 { 0 } else { self.ends[wider as usize - 1] };
        let within = &self.numbers[start as usize..end as usize];
        within.binary_search(&number).ok().map(|at| start + at as u32)
    }

    fn is_sound(&self, wider_len: usize, number_below: usize) -> bool {
        let mut start = 0;
        self.ends.len() == wider_len
            && self.ends.last().copied().unwrap_or(0) as usize == self.numbers.len()
            && self.ends.iter().all(|&end| {
                let within = self.numbers.get(start..end as usize);
                start = end as usize;
                within.is_some_and(|numbers| {
                    numbers.is_sorted_by(|a, b| a < b)
                        && numbers.last().is_none_or(|&number| (number as usize) < number_below)
                })
            })
    }
}

/// The values that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// Airlines, origins and destinations, each sorted.
    pub(super) codes: [Vec<Code>; 3],
    /// Of the groups after these, in their order.
    pub(super) levels: [Level; Group::ALL.len() - 3],
}

/// What can be placed before the schedule is known.
const BEFORE_SCHEDULE: &[Group] =
    &[Carrier, Origin, Dest, Route, CarrierOrigin, CarrierDest, CarrierRoute, FlightRoute];
const BY_SCHEDULE: &[Group] = &[OriginHour, DestHour, CarrierRouteHour];

impl Seen {
    /// The values of the flights' groups.
    pub(super) fn of(flights: &[TrainingFlight]) -> Self {
        let distinct = |code: fn(&Query) -> Code| {
            let codes: HashSet<Code, FixedState> = flights.iter().map(|flight| code(&flight.query())).collect();
            let mut codes: Vec<Code> = codes.into_iter().collect();
            codes.sort_unstable();
            codes
        };
        let codes = [distinct(|query| query.carrier), distinct(|query| query.origin), distinct(|query| query.dest)];
        let mut seen = Seen { codes, ..Seen::default() };
        // Of flights that are alike in all groups one is enough, and most are like another.
        let mut kinds = HashSet::<_, FixedState>::default();
        let queries = flights.iter().map(TrainingFlight::query);
        let queries: Vec<Query> = queries.filter(|query| kinds.insert(kind(query))).collect();
        drop(kinds);
        // A group stands after the wider one that its values are within.
        for group in &Group::ALL[3..] {
            let (_, lineage) = group.lineage().split_last().unwrap_or((group, &[]));
            let mut pairs = HashSet::default();
            for query in &queries {
                let places = seen.place_in(lineage, query, query.schedule, Places::NONE);
                if let Some((wider, number)) = pair(*group, &places, query, query.schedule) {
                    pairs.insert(u64::from(wider) << 32 | u64::from(number));
                }
            }
            seen.levels[*group as usize - 3] = Level::new(pairs, seen.len(wider(*group)));
        }
        seen
    }

    /// How many values of a group there are.
    pub(super) fn len(&self, group: Group) -> usize {
        match group {
            Carrier | Origin | Dest => self.codes[group as usize].len(),
            _ => self.levels[group as usize - 3].numbers.len(),
        }
    }

    /// Where a flight stands in one group.
    pub(super) fn place(&self, group: Group, query: &Query, schedule: Option<Schedule>) -> Option<usize> {
        self.place_in(group.lineage(), query, schedule, Places::NONE).of(group)
    }

    /// Where a flight stands in the groups that do without its schedule.
    pub(super) fn places(&self, query: &Query) -> Places {
        self.place_in(BEFORE_SCHEDULE, query, None, Places::NONE)
    }

    /// The same places, with those that the schedule decides.
    pub(super) fn with_hours(&self, places: Places, query: &Query, schedule: Option<Schedule>) -> Places {
        if schedule.is_none() { places } else { self.place_in(BY_SCHEDULE, query, schedule, places) }
    }

    fn place_in(&self, groups: &[Group], query: &Query, schedule: Option<Schedule>, mut places: Places) -> Places {
        for &group in groups {
            let place = match group {
                Carrier => self.code(0, query.carrier),
                Origin => self.code(1, query.origin),
                Dest => self.code(2, query.dest),
                _ => pair(group, &places, query, schedule)
                    .and_then(|(wider, number)| self.levels[group as usize - 3].place(wider, number)),
            };
            places.0[group as usize] = place.unwrap_or(NOWHERE);
        }
        places
    }

    fn code(&self, list: usize, code: Code) -> Option<u32> {
        // There are fewer codes than a word counts.
        self.codes[list].binary_search(&code).ok().map(|at| at as u32)
    }

    /// Holds what was read from a file against what the search relies on.
    pub(super) fn is_sound(&self) -> bool {
        self.codes.iter().all(|codes| codes.is_sorted_by(|a, b| a < b))
            && Group::ALL[3..].iter().zip(&self.levels).all(|(&group, level)| {
                let number_below = match group {
                    Route => self.len(Dest),
                    CarrierOrigin | CarrierDest | CarrierRoute => self.len(Carrier),
                    FlightRoute => FLIGHT_NUM_MAX as usize + 1,
                    _ => 24,
                };
                level.is_sound(self.len(wider(group)), number_below)
            })
    }
}

/// The group that a group's values are within.
pub(super) fn wider(group: Group) -> Group {
    match group {
        Dest | CarrierDest | DestHour => Dest,
        Carrier => Carrier,
        Origin | Route | CarrierOrigin | OriginHour => Origin,
        CarrierRoute => Route,
        CarrierRouteHour | FlightRoute => CarrierRoute,
    }
}

/// All that decides where a flight stands in its groups.
type Kind = ([Code; 3], Option<u32>, Option<(u16, u16)>);

fn kind(query: &Query) -> Kind {
    let hours = query.schedule.map(|schedule| (schedule.dep_min / 60, schedule.arr_min / 60));
    ([query.carrier, query.origin, query.dest], query.flight_num, hours)
}

/// The place in the wider group, and the number within it, of a flight that is placed in the wider group and the codes.
fn pair(group: Group, places: &Places, query: &Query, schedule: Option<Schedule>) -> Option<(u32, u32)> {
    let place = |group| Some(places.0[group as usize]).filter(|place| *place != NOWHERE);
    let number = match group {
        Route => place(Dest)?,
        CarrierOrigin | CarrierDest | CarrierRoute => place(Carrier)?,
        OriginHour | CarrierRouteHour => u32::from(schedule?.dep_min / 60),
        DestHour => u32::from(schedule?.arr_min / 60),
        FlightRoute => query.flight_num?,
        Carrier | Origin | Dest => return None,
    };
    Some((place(wider(group))?, number))
}
