//! Fitting target means.

use std::sync::Arc;

use super::{
    OutOfFold, Outcome, TargetMean, Wider,
    folds::{Blocks, FOLDS},
};
use crate::features::{
    Group, Known, TrainingFlight,
    seen::Seen,
    table::{NO_VALUE, Table},
};

/// As many flights as the wider group's mean counts for, where the groups are large.
const WEIGHT: f32 = 50.0;
/// The same where a group is a part of a larger one that is much like it.
const WEIGHT_WITHIN: f32 = 20.0;

/// Target means by groups and outcome, fitted to some flights. Several columns are made with the same ones.
pub(in crate::features) struct TargetMeans<'a> {
    seen: &'a Seen,
    flights: &'a [TrainingFlight<'a>],
    blocks: Blocks,
    sums: Vec<GroupSums>,
    fitted: Vec<(&'static [Group], Outcome, Means)>,
}

/// For flights to come, and for those that it was fitted to.
type Means = (TargetMean, Arc<OutOfFold>);

impl<'a> TargetMeans<'a> {
    /// None yet.
    pub(in crate::features) fn new(seen: &'a Seen, flights: &'a [TrainingFlight<'a>]) -> Self {
        TargetMeans { seen, flights, blocks: Blocks::of(flights), sums: Vec::new(), fitted: Vec::new() }
    }

    /// Adds up what these will be made of, in one pass over the flights: to find out where a flight stands in its groups takes longer than
    /// to add it to all of them.
    pub(in crate::features) fn add_up(&mut self, wanted: impl IntoIterator<Item = (Group, Outcome)>) {
        let mut added: Vec<GroupSums> = Vec::new();
        for (group, outcome) in wanted {
            if !self.sums.iter().chain(&added).any(|sums| sums.is_of(group, outcome)) {
                added.push(GroupSums::new(group, outcome, self.seen.len(group)));
            }
        }
        if added.is_empty() {
            return;
        }
        for (at, flight) in self.flights.iter().enumerate() {
            let (fold, places) = (self.blocks.fold(flight), Known::of(flight, self.seen).places);
            for sums in &mut added {
                if let Some(minutes) = sums.outcome.of(flight) {
                    sums.add(fold, minutes, places.of(sums.group), at);
                }
            }
        }
        self.sums.extend(added);
    }

    /// The means by the last of these groups, which is drawn towards the one before, and so on.
    pub(in crate::features) fn of(&mut self, groups: &'static [Group], outcome: Outcome) -> Means {
        let known = self.fitted.iter().find(|fitted| (fitted.0, fitted.1) == (groups, outcome));
        if let Some((.., means)) = known {
            return means.clone();
        }
        let (&group, wider) = groups.split_last().unwrap_or((&Group::Carrier, &[]));
        let wider = (!wider.is_empty()).then(|| self.of(wider, outcome));
        self.add_up([(group, outcome)]);
        let sums = self.sums.iter().find(|sums| sums.is_of(group, outcome));
        let means = self.fit(sums.unwrap_or(&GroupSums::new(group, outcome, 0)), wider);
        self.fitted.push((groups, outcome, means.clone()));
        means
    }

    fn fit(&self, sums: &GroupSums, wider: Option<Means>) -> Means {
        let &GroupSums { group, outcome, all, ref by_place } = sums;
        let weight = if wider.is_none() { WEIGHT } else { WEIGHT_WITHIN };
        let all_but: [f32; FOLDS] = std::array::from_fn(|fold| plain(all.but(Some(fold))));
        let mean = |(sums, at): &(Sums, usize)| {
            if sums.but(None).1 == 0 {
                return (NO_VALUE, [NO_VALUE; FOLDS]);
            }
            // Flights of one group are of one wider group: any of them tells which.
            let known = Known::of(&self.flights[*at], self.seen);
            let towards = wider.as_ref().map_or_else(|| plain(all.but(None)), |(wider, _)| wider.of(&known));
            let out_of = |fold| {
                let towards = wider.as_ref().map_or(all_but[fold], |(_, wider)| wider.mean(&known, fold));
                drawn(sums.but(Some(fold)), weight, towards)
            };
            (drawn(sums.but(None), weight, towards), std::array::from_fn(out_of))
        };
        let (table, out_of_fold): (Vec<f32>, Vec<_>) = by_place.iter().map(mean).unzip();
        let table = Table(table.into());
        let (wider, wider_out_of_fold) = match wider {
            Some((mean, out_of_fold)) => (Wider::Group(Box::new(mean)), Some(out_of_fold)),
            None => (Wider::All(plain(all.but(None))), None),
        };
        let (blocks, by_place) = (self.blocks, out_of_fold);
        let out_of_fold = OutOfFold { group, blocks, all: all_but, by_place, wider: wider_out_of_fold };
        (TargetMean { group, outcome, weight, wider, table }, Arc::new(out_of_fold))
    }
}

/// The sums of an outcome, over all flights and by their places in a group.
struct GroupSums {
    group: Group,
    outcome: Outcome,
    all: Sums,
    /// Of each place also one of its flights.
    by_place: Vec<(Sums, usize)>,
}

impl GroupSums {
    fn new(group: Group, outcome: Outcome, places: usize) -> Self {
        GroupSums { group, outcome, all: Sums::default(), by_place: vec![(Sums::default(), 0); places] }
    }

    fn is_of(&self, group: Group, outcome: Outcome) -> bool {
        (self.group, self.outcome) == (group, outcome)
    }

    fn add(&mut self, fold: usize, minutes: i64, place: Option<usize>, flight: usize) {
        self.all.add(fold, minutes);
        if let Some((sums, example)) = place.map(|place| &mut self.by_place[place]) {
            sums.add(fold, minutes);
            *example = flight;
        }
    }
}

/// Sum and number by fold, of sixteenths of minutes.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    minutes: [i64; FOLDS],
    flights: [u32; FOLDS],
}

impl Sums {
    fn add(&mut self, fold: usize, minutes: i64) {
        self.minutes[fold] += minutes;
        self.flights[fold] += 1;
    }

    /// All folds together but this one, if any.
    fn but(&self, fold: Option<usize>) -> (i64, u32) {
        let (minutes, flights) = fold.map_or((0, 0), |fold| (self.minutes[fold], self.flights[fold]));
        (self.minutes.iter().sum::<i64>() - minutes, self.flights.iter().sum::<u32>() - flights)
    }
}

fn plain((sum, number): (i64, u32)) -> f32 {
    (sum as f64 / 16.0 / f64::from(number.max(1))) as f32
}

fn drawn((sum, number): (i64, u32), weight: f32, wider: f32) -> f32 {
    ((sum as f64 / 16.0 + f64::from(weight * wider)) / f64::from(number as f32 + weight)) as f32
}
