//! Target encoding: the mean of an outcome by group. Training flights are encoded out of fold, without their own
//! outcome.

use std::sync::Arc;

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::{
    encoders::{LookupTable, MISSING},
    query::TrainingFlight,
    vocabulary::{Group, ResolvedQuery, Vocabulary},
};

/// The outcome of which a [`TargetMean`] is the mean, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The arrival delay.
    ArrDelay,
    /// The departure delay minus the arrival delay.
    #[serde(rename = "MadeUp")]
    TimeRecovered,
    /// Departure to arrival, each in its own time zone, as flown
    /// ([`Schedule::clock_difference_min`](crate::flight::Schedule::clock_difference_min)).
    Duration,
}

impl Outcome {
    /// The outcome's name in model files and in columns' names.
    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::ArrDelay => "ArrDelay",
            Outcome::TimeRecovered => "MadeUp",
            Outcome::Duration => "Duration",
        }
    }

    /// The outcome in sixteenths of minutes, so that sums are exact. Delays are clamped to three hours, so that a few
    /// stranded flights do not determine a route's mean.
    fn of(self, flight: &TrainingFlight) -> Option<i64> {
        let clamped = |minutes: f32| minutes.clamp(-180.0, 180.0);
        let recovered = clamped(flight.dep_delay - flight.arr_delay);
        let minutes = match self {
            Outcome::ArrDelay => clamped(flight.arr_delay),
            Outcome::TimeRecovered => recovered,
            Outcome::Duration => flight.query().schedule?.clock_difference_min() - recovered,
        };
        Some((minutes * 16.0).round() as i64)
    }
}

/// The mean towards which a mean is shrunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Prior {
    /// The mean of all flights, in minutes.
    All(f32),
    /// The mean by a wider group.
    Group(Box<TargetMean>),
}

/// The mean of an outcome by group, shrunk towards a prior: the mean of n flights has the weight n / (n + weight). A
/// category that is not in the vocabulary, or not known, gets the prior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetMean {
    /// The grouping.
    pub group: Group,
    /// The outcome.
    pub outcome: Outcome,
    weight: f32,
    #[serde(rename = "wider")]
    prior: Prior,
    /// By id in the group; a separate section of the model file.
    #[serde(skip)]
    table: LookupTable,
}

impl TargetMean {
    /// Returns whether the mean is unknown without the schedule.
    pub fn needs_schedule(&self) -> bool {
        self.group.needs_schedule() || self.outcome == Outcome::Duration
    }

    /// The mean for a flight, in minutes.
    pub(super) fn of(&self, resolved: &ResolvedQuery<'_>) -> f32 {
        match self.table.get(resolved.ids.of(self.group)) {
            Some(mean) => mean,
            None => match &self.prior {
                Prior::All(mean) => *mean,
                Prior::Group(prior) => prior.of(resolved),
            },
        }
    }

    /// Its table, then those of its priors.
    pub(super) fn tables(&self) -> Vec<(Group, &LookupTable)> {
        let mut tables = vec![(self.group, &self.table)];
        let mut prior = &self.prior;
        while let Prior::Group(mean) = prior {
            tables.push((mean.group, &mean.table));
            prior = &mean.prior;
        }
        tables
    }

    /// The same tables, to be filled.
    pub(super) fn tables_mut(&mut self) -> Vec<&mut LookupTable> {
        let mut tables = vec![&mut self.table];
        let mut prior = &mut self.prior;
        while let Prior::Group(mean) = prior {
            tables.push(&mut mean.table);
            prior = &mut mean.prior;
        }
        tables
    }

    /// Returns whether the mean of all flights is a number. Tables are checked with the vocabulary.
    pub(super) fn is_valid(&self) -> bool {
        match &self.prior {
            Prior::All(mean) => mean.is_finite(),
            Prior::Group(prior) => prior.is_valid(),
        }
    }
}

/// Number of folds.
const FOLDS: usize = 8;

/// The days of the training window, divided into [`FOLDS`] consecutive folds. Folds of every eighth day would leak: the
/// same week's weather would be in all of them.
#[derive(Debug, Clone, Copy)]
struct TimeFolds {
    first_day: i32,
    days: i32,
}

impl TimeFolds {
    fn of(flights: &[TrainingFlight]) -> Self {
        let days = || flights.iter().map(|flight| flight.query().date.num_days_from_ce());
        let first_day = days().min().unwrap_or(0);
        TimeFolds { first_day, days: days().max().unwrap_or(0) - first_day + 1 }
    }

    fn fold(self, flight: &TrainingFlight) -> usize {
        let day = (flight.query().date.num_days_from_ce() - self.first_day).clamp(0, self.days - 1);
        // Not negative, and below the number of folds.
        (i64::from(day) * FOLDS as i64 / i64::from(self.days)) as usize
    }
}

/// A number per fold that is left out.
type ByFold = [f32; FOLDS];

/// The encoding of training flights in place of a [`TargetMean`]: the mean over the flights of other folds. A forest
/// would otherwise learn to read a flight's own outcome from the mean of a small group.
#[derive(Debug)]
pub(super) struct OutOfFold {
    group: Group,
    folds: TimeFolds,
    /// Over all flights.
    all: ByFold,
    /// By id in the group; [`MISSING`] where no flight's outcome is known.
    by_id: Vec<ByFold>,
    prior: Option<Arc<OutOfFold>>,
}

impl OutOfFold {
    /// The mean for a training flight.
    pub(super) fn of(&self, resolved: &ResolvedQuery<'_>, flight: &TrainingFlight) -> f32 {
        self.mean(resolved, self.folds.fold(flight))
    }

    fn mean(&self, resolved: &ResolvedQuery<'_>, fold: usize) -> f32 {
        let mean = resolved.ids.of(self.group).map(|id| self.by_id[id][fold]);
        match (mean.filter(|mean| *mean != MISSING), &self.prior) {
            (Some(mean), _) => mean,
            (None, Some(prior)) => prior.mean(resolved, fold),
            (None, None) => self.all[fold],
        }
    }
}

/// Shrinkage towards the mean of all flights, in flights.
const WEIGHT: f32 = 50.0;
/// Shrinkage towards a wider group, in flights. It is smaller, because that group is more homogeneous.
const WEIGHT_WITHIN: f32 = 20.0;

/// A mean for flights to come, and one for the training flights.
type FittedMean = (TargetMean, Arc<OutOfFold>);

/// Fits target means to flights. Columns with the same groups and outcome share theirs.
pub(super) struct TargetMeans<'a> {
    vocabulary: &'a Vocabulary,
    flights: &'a [TrainingFlight<'a>],
    folds: TimeFolds,
    sums: Vec<GroupSums>,
    fitted: Vec<(&'static [Group], Outcome, FittedMean)>,
}

impl<'a> TargetMeans<'a> {
    /// Starts without any mean.
    pub(super) fn new(vocabulary: &'a Vocabulary, flights: &'a [TrainingFlight<'a>]) -> Self {
        TargetMeans { vocabulary, flights, folds: TimeFolds::of(flights), sums: Vec::new(), fitted: Vec::new() }
    }

    /// Accumulates the sums for these means in one pass over the flights: looking up a flight's ids takes longer than
    /// adding it to all sums.
    pub(super) fn accumulate(&mut self, wanted: impl IntoIterator<Item = (Group, Outcome)>) {
        let mut added: Vec<GroupSums> = Vec::new();
        for (group, outcome) in wanted {
            if !self.sums.iter().chain(&added).any(|sums| sums.is_of(group, outcome)) {
                added.push(GroupSums::new(group, outcome, self.vocabulary.len(group)));
            }
        }
        if added.is_empty() {
            return;
        }
        for (at, flight) in self.flights.iter().enumerate() {
            let (fold, ids) = (self.folds.fold(flight), ResolvedQuery::of(flight, self.vocabulary).ids);
            for sums in &mut added {
                if let Some(minutes) = sums.outcome.of(flight) {
                    sums.add(fold, minutes, ids.of(sums.group), at);
                }
            }
        }
        self.sums.extend(added);
    }

    /// The means by the last of these groups. Each group is the prior of the next.
    pub(super) fn of(&mut self, groups: &'static [Group], outcome: Outcome) -> FittedMean {
        let known = self.fitted.iter().find(|fitted| (fitted.0, fitted.1) == (groups, outcome));
        if let Some((.., means)) = known {
            return means.clone();
        }
        let (&group, prior) = groups.split_last().unwrap_or((&Group::Carrier, &[]));
        let prior = (!prior.is_empty()).then(|| self.of(prior, outcome));
        self.accumulate([(group, outcome)]);
        let sums = self.sums.iter().find(|sums| sums.is_of(group, outcome));
        let means = self.fit(sums.unwrap_or(&GroupSums::new(group, outcome, 0)), prior);
        self.fitted.push((groups, outcome, means.clone()));
        means
    }

    fn fit(&self, sums: &GroupSums, prior: Option<FittedMean>) -> FittedMean {
        let &GroupSums { group, outcome, all, ref by_id } = sums;
        let weight = if prior.is_none() { WEIGHT } else { WEIGHT_WITHIN };
        let all_but: [f32; FOLDS] = std::array::from_fn(|fold| mean_of(all.without(Some(fold))));
        let mean = |(sums, at): &(FoldSums, usize)| {
            if sums.without(None).1 == 0 {
                return (MISSING, [MISSING; FOLDS]);
            }
            // Flights of one category share that of the prior: any of them has it.
            let resolved = ResolvedQuery::of(&self.flights[*at], self.vocabulary);
            let towards = prior.as_ref().map_or_else(|| mean_of(all.without(None)), |(prior, _)| prior.of(&resolved));
            let out_of = |fold| {
                let towards = prior.as_ref().map_or(all_but[fold], |(_, prior)| prior.mean(&resolved, fold));
                shrunk(sums.without(Some(fold)), weight, towards)
            };
            (shrunk(sums.without(None), weight, towards), std::array::from_fn(out_of))
        };
        let (table, out_of_fold): (Vec<f32>, Vec<_>) = by_id.iter().map(mean).unzip();
        let table = LookupTable(table.into());
        let (prior, prior_out_of_fold) = match prior {
            Some((mean, out_of_fold)) => (Prior::Group(Box::new(mean)), Some(out_of_fold)),
            None => (Prior::All(mean_of(all.without(None))), None),
        };
        let (folds, by_id) = (self.folds, out_of_fold);
        let out_of_fold = OutOfFold { group, folds, all: all_but, by_id, prior: prior_out_of_fold };
        (TargetMean { group, outcome, weight, prior, table }, Arc::new(out_of_fold))
    }
}

/// The sums of an outcome, over all flights and by id in a group.
struct GroupSums {
    group: Group,
    outcome: Outcome,
    all: FoldSums,
    /// By id, with the index of one of the flights.
    by_id: Vec<(FoldSums, usize)>,
}

impl GroupSums {
    fn new(group: Group, outcome: Outcome, len: usize) -> Self {
        GroupSums { group, outcome, all: FoldSums::default(), by_id: vec![(FoldSums::default(), 0); len] }
    }

    fn is_of(&self, group: Group, outcome: Outcome) -> bool {
        (self.group, self.outcome) == (group, outcome)
    }

    fn add(&mut self, fold: usize, minutes: i64, id: Option<usize>, flight: usize) {
        self.all.add(fold, minutes);
        if let Some((sums, example)) = id.map(|id| &mut self.by_id[id]) {
            sums.add(fold, minutes);
            *example = flight;
        }
    }
}

/// Sums of sixteenths of minutes and numbers of flights, by fold.
#[derive(Debug, Clone, Copy, Default)]
struct FoldSums {
    minutes: [i64; FOLDS],
    flights: [u32; FOLDS],
}

impl FoldSums {
    fn add(&mut self, fold: usize, minutes: i64) {
        self.minutes[fold] += minutes;
        self.flights[fold] += 1;
    }

    /// Sum and number over all folds, except one if given.
    fn without(&self, fold: Option<usize>) -> (i64, u32) {
        let (minutes, flights) = fold.map_or((0, 0), |fold| (self.minutes[fold], self.flights[fold]));
        (self.minutes.iter().sum::<i64>() - minutes, self.flights.iter().sum::<u32>() - flights)
    }
}

fn mean_of((sum, number): (i64, u32)) -> f32 {
    (sum as f64 / 16.0 / f64::from(number.max(1))) as f32
}

fn shrunk((sum, number): (i64, u32), weight: f32, prior: f32) -> f32 {
    ((sum as f64 / 16.0 + f64::from(weight * prior)) / f64::from(number as f32 + weight)) as f32
}
