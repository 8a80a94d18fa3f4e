//! Target statistics: the mean of an outcome by group, without a training flight's own outcome.

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::{
    Group, Known, TrainingFlight,
    seen::Seen,
    table::{NO_VALUE, Table},
};

/// What a [`TargetMean`] is a mean of, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The arrival delay.
    ArrDelay,
    /// The departure delay less the arrival delay: what the flight made up on the way.
    MadeUp,
    /// From leaving to arriving by the two clocks ([`super::Schedule::between_clocks_min`]), as it came about.
    Duration,
}

impl Outcome {
    /// Sixteenths of minutes, so that sums are exact. At most three hours of delay either way count, so that a few stranded
    /// flights do not set a route's mean.
    fn of(self, flight: &TrainingFlight) -> Option<i64> {
        let most = |minutes: f32| minutes.clamp(-180.0, 180.0);
        let made_up = most(flight.dep_delay - flight.arr_delay);
        let minutes = match self {
            Outcome::ArrDelay => most(flight.arr_delay),
            Outcome::MadeUp => made_up,
            Outcome::Duration => flight.query.schedule?.between_clocks_min() - made_up,
        };
        Some((minutes * 16.0).round() as i64)
    }
}

/// A mean is drawn towards the mean of a wider group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Wider {
    /// The mean of all flights, in minutes.
    All(f32),
    /// That of another group.
    Group(Box<TargetMean>),
}

/// The mean of an outcome by group, drawn towards the mean of a wider group: n flights count with weight
/// n / (n + weight). A group that did not occur in training, or is not known, gets the mean of the wider one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetMean {
    /// What flights are grouped by.
    pub group: Group,
    /// What is averaged.
    pub outcome: Outcome,
    weight: f32,
    wider: Wider,
    /// By place in the group; a model file has it apart.
    #[serde(skip)]
    table: Table,
}

/// As many flights as the wider group's mean counts for, where the groups are large.
const WEIGHT: f32 = 50.0;
/// The same where a group is a part of a larger one that is much like it.
const WEIGHT_WITHIN: f32 = 20.0;

impl TargetMean {
    /// Whether it takes the schedule to know the mean.
    pub fn needs_schedule(&self) -> bool {
        self.group.needs_schedule() || self.outcome == Outcome::Duration
    }

    /// The mean for a flight, in minutes.
    pub(super) fn of(&self, known: &Known<'_>) -> f32 {
        match self.table.get(known.places.of(self.group)) {
            Some(mean) => mean,
            None => match &self.wider {
                Wider::All(mean) => *mean,
                Wider::Group(wider) => wider.of(known),
            },
        }
    }

    /// Its table, then those of the wider groups.
    pub(super) fn tables(&self) -> Vec<(Group, &Table)> {
        let mut tables = vec![(self.group, &self.table)];
        let mut wider = &self.wider;
        while let Wider::Group(mean) = wider {
            tables.push((mean.group, &mean.table));
            wider = &mean.wider;
        }
        tables
    }

    /// The same, to be filled.
    pub(super) fn tables_mut(&mut self) -> Vec<&mut Table> {
        let mut tables = vec![&mut self.table];
        let mut wider = &mut self.wider;
        while let Wider::Group(mean) = wider {
            tables.push(&mut mean.table);
            wider = &mut mean.wider;
        }
        tables
    }

    /// The mean of all flights is a number; the tables are checked with the places that they go by.
    pub(super) fn is_sound(&self) -> bool {
        match &self.wider {
            Wider::All(mean) => mean.is_finite(),
            Wider::Group(wider) => wider.is_sound(),
        }
    }
}

/// Days are dealt out to this many folds.
const FOLDS: usize = 8;

/// Sum and number by fold, of sixteenths of minutes.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    all: (i64, u32),
    by_fold: [(i64, u32); FOLDS],
}

impl Sums {
    fn add(&mut self, fold: usize, minutes: i64) {
        for (sum, number) in [&mut self.all, &mut self.by_fold[fold]] {
            (*sum, *number) = (*sum + minutes, *number + 1);
        }
    }

    fn without(&self, fold: Option<usize>) -> (i64, u32) {
        let (sum, number) = fold.map_or((0, 0), |fold| self.by_fold[fold]);
        (self.all.0 - sum, self.all.1 - number)
    }
}

/// The sums of one group.
#[derive(Debug, Clone, Copy, Default)]
struct OfPlace {
    sums: Sums,
    /// One of its flights.
    example: usize,
}

/// The sums behind a [`TargetMean`], by fold: what a training flight is encoded with is the mean over the flights of other days'
/// folds, so that a forest does not learn to read a flight's own outcome out of a small group's mean.
#[derive(Debug, Clone)]
pub(super) struct TargetSums {
    group: Group,
    outcome: Outcome,
    weight: f32,
    blocks: Blocks,
    all: Sums,
    by_place: Vec<OfPlace>,
    wider: Option<Box<TargetSums>>,
}

impl TargetSums {
    /// Sums over the flights, by the last of these groups, which is drawn towards the one before, and so on.
    pub(super) fn fit(groups: &[Group], outcome: Outcome, seen: &Seen, flights: &[TrainingFlight]) -> Self {
        let (&group, wider) = groups.split_last().unwrap_or((&Group::Carrier, &[]));
        let mut sums = TargetSums {
            group,
            outcome,
            weight: if wider.is_empty() { WEIGHT } else { WEIGHT_WITHIN },
            blocks: Blocks::of(flights),
            all: Sums::default(),
            by_place: vec![OfPlace::default(); seen.len(group)],
            wider: (!wider.is_empty()).then(|| Box::new(TargetSums::fit(wider, outcome, seen, flights))),
        };
        for (example, flight) in flights.iter().enumerate() {
            let Some(minutes) = outcome.of(flight) else { continue };
            let fold = sums.blocks.fold(flight);
            sums.all.add(fold, minutes);
            if let Some(place) = seen.place(group, &flight.query, flight.query.schedule) {
                sums.by_place[place].sums.add(fold, minutes);
                sums.by_place[place].example = example;
            }
        }
        sums
    }

    /// The mean for a training flight, over the flights of other folds.
    pub(super) fn of_training(&self, known: &Known<'_>, flight: &TrainingFlight) -> f32 {
        self.mean(known, Some(self.blocks.fold(flight)))
    }

    fn mean(&self, known: &Known<'_>, fold: Option<usize>) -> f32 {
        let wider = self.wider_mean(known, fold);
        let of_place = known.places.of(self.group).map(|place| &self.by_place[place]);
        match of_place.filter(|of_place| of_place.sums.all.1 > 0) {
            Some(of_place) => drawn(of_place.sums.without(fold), self.weight, wider),
            None => wider,
        }
    }

    fn wider_mean(&self, known: &Known<'_>, fold: Option<usize>) -> f32 {
        match &self.wider {
            Some(wider) => wider.mean(known, fold),
            None => plain(self.all.without(fold)),
        }
    }

    /// The means over all flights, which are those that the sums were made of.
    pub(super) fn finish(&self, seen: &Seen, flights: &[TrainingFlight]) -> TargetMean {
        let mean = |of_place: &OfPlace| {
            if of_place.sums.all.1 == 0 {
                return NO_VALUE;
            }
            // Flights of one group are of one wider group: any of them tells which.
            let known = Known::of(&flights[of_place.example], seen);
            drawn(of_place.sums.without(None), self.weight, self.wider_mean(&known, None))
        };
        let table = Table(self.by_place.iter().map(mean).collect());
        let wider = match &self.wider {
            Some(wider) => Wider::Group(Box::new(wider.finish(seen, flights))),
            None => Wider::All(plain(self.all.without(None))),
        };
        let TargetSums { group, outcome, weight, .. } = *self;
        TargetMean { group, outcome, weight, wider, table }
    }
}

/// The window's days in [`FOLDS`] blocks one after the other. What a flight of the future is scored with is as old as the
/// flights of other blocks are to a training flight: were the folds of every eighth day, the same week's weather would be in them.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    first: i32,
    days: i32,
}

impl Blocks {
    fn of(flights: &[TrainingFlight]) -> Self {
        let days = || flights.iter().map(|flight| flight.query.date.num_days_from_ce());
        let first = days().min().unwrap_or(0);
        Blocks { first, days: days().max().unwrap_or(0) - first + 1 }
    }

    fn fold(self, flight: &TrainingFlight) -> usize {
        let day = (flight.query.date.num_days_from_ce() - self.first).clamp(0, self.days - 1);
        // Not negative, and below the number of folds.
        (i64::from(day) * FOLDS as i64 / i64::from(self.days)) as usize
    }
}

fn plain((sum, number): (i64, u32)) -> f32 {
    (sum as f64 / 16.0 / f64::from(number.max(1))) as f32
}

fn drawn((sum, number): (i64, u32), weight: f32, wider: f32) -> f32 {
    ((sum as f64 / 16.0 + f64::from(weight * wider)) / f64::from(number as f32 + weight)) as f32
}
