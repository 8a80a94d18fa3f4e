//! Activity: departures, arrivals and cancellations in the hours before a moment, at airports and of airlines.
//!
//! A question may be asked as of any moment, so a sum over a sliding window is kept as a function of time: a flight
//! adds to it at one moment and is taken out at another, and the sum as of a moment is the difference of two cumulative
//! sums. All numbers are integers, so that the order in which flights are added changes nothing.

use std::{
    cell::Cell,
    ops::{AddAssign, Neg},
};

use super::event::{HOUR_MS, MINUTE_MS, Millis, Minutes};
use crate::flight::Code;

/// The windows, in hours.
pub const WINDOW_HOURS: [i64; 2] = [1, 3];

/// Counts of flights, and sums of their delays in minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Departures.
    pub departures: i32,
    /// Sum of the departures' delays.
    pub dep_delay: i32,
    /// Departures that were 15 minutes late or more.
    pub dep_late: i32,
    /// Arrivals.
    pub arrivals: i32,
    /// Sum of the arrivals' delays.
    pub arr_delay: i32,
    /// Arrivals that were 15 minutes late or more.
    pub arr_late: i32,
    /// Cancelled flights that were to leave.
    pub cancelled: i32,
}

/// Flights that should have left and have not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Their number.
    pub flights: i32,
    /// The sum of their scheduled departures.
    departs: i64,
}

impl Overdue {
    pub(super) fn of(departs: Minutes) -> Self {
        Overdue { flights: 1, departs: departs.into() }
    }

    /// The sum of the minutes by which they are overdue at a moment.
    pub fn minutes(&self, moment: Millis) -> i64 {
        i64::from(self.flights) * moment.div_euclid(MINUTE_MS) - self.departs
    }
}

impl AddAssign for Overdue {
    fn add_assign(&mut self, other: Self) {
        self.flights += other.flights;
        self.departs += other.departs;
    }
}

impl Neg for Overdue {
    type Output = Overdue;

    fn neg(self) -> Overdue {
        Overdue { flights: -self.flights, departs: -self.departs }
    }
}

impl Totals {
    pub(super) fn of_departure(delay: i32, is_late: bool) -> Self {
        Totals { departures: 1, dep_delay: delay, dep_late: i32::from(is_late), ..Totals::default() }
    }

    pub(super) fn of_arrival(delay: i32, is_late: bool) -> Self {
        Totals { arrivals: 1, arr_delay: delay, arr_late: i32::from(is_late), ..Totals::default() }
    }

    pub(super) fn of_cancellation() -> Self {
        Totals { cancelled: 1, ..Totals::default() }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.departures += other.departures;
        self.dep_delay += other.dep_delay;
        self.dep_late += other.dep_late;
        self.arrivals += other.arrivals;
        self.arr_delay += other.arr_delay;
        self.arr_late += other.arr_late;
        self.cancelled += other.cancelled;
    }
}

impl Neg for Totals {
    type Output = Totals;

    fn neg(self) -> Totals {
        Totals {
            departures: -self.departures,
            dep_delay: -self.dep_delay,
            dep_late: -self.dep_late,
            arrivals: -self.arrivals,
            arr_delay: -self.arr_delay,
            arr_late: -self.arr_late,
            cancelled: -self.cancelled,
        }
    }
}

/// The place at which a contribution counts, and its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// At the airport of departure, within a window after it occurred.
    Origin(Totals),
    /// At this airport of arrival, within a window after it occurred.
    Dest(Code, Totals),
    /// At the airport of departure, for as long as it is known.
    Overdue(Overdue),
}

/// An addition of a leg to sums, and its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contribution {
    pub(super) amount: Amount,
    /// The time at which the flight left or arrived, or was to leave.
    pub(super) occurred: Millis,
    /// It is known from this moment on.
    pub(super) from: Millis,
    /// From this moment on it is no longer held true.
    pub(super) until: Millis,
}

impl Contribution {
    /// Returns whether the other one is the same, from the moment on at which this one ends.
    pub(super) fn continues_in(&self, other: &Contribution) -> bool {
        self.until == other.from && (self.amount, self.occurred) == (other.amount, other.occurred)
    }

    /// The moment from which on it counts.
    fn enters(&self) -> Millis {
        self.from.max(self.occurred)
    }

    /// The moment from which on it is out of a window.
    fn leaves(&self, window_hours: i64) -> Millis {
        self.until.min(self.occurred + window_hours * HOUR_MS).max(self.enters())
    }

    /// The moment from which on a flight is not overdue any more.
    fn ends(&self) -> Millis {
        self.until.max(self.enters())
    }
}

/// The activity at an airport or of an airline as of a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// In each of the [`WINDOW_HOURS`] before it.
    pub windows: [Totals; WINDOW_HOURS.len()],
    /// At it.
    pub overdue: Overdue,
}

impl Activity {
    pub(super) fn subtract(&mut self, contribution: &Contribution, moment: Millis) {
        let counts = |until| (contribution.enters()..until).contains(&moment);
        match contribution.amount {
            Amount::Origin(totals) | Amount::Dest(_, totals) => {
                for (sum, hours) in self.windows.iter_mut().zip(WINDOW_HOURS) {
                    if counts(contribution.leaves(hours)) {
                        *sum += -totals;
                    }
                }
            }
            Amount::Overdue(overdue) if counts(contribution.ends()) => self.overdue += -overdue,
            Amount::Overdue(_) => {}
        }
    }
}

/// The activity at an airport or of an airline as a function of time.
#[derive(Debug, Default)]
pub(super) struct ActivityOverTime {
    entered: StepSum<Totals>,
    left: [StepSum<Totals>; WINDOW_HOURS.len()],
    /// Apart, as its steps go on for as long as flights are scheduled, and a step in the middle costs those behind it.
    overdue: StepSum<Overdue>,
}

impl ActivityOverTime {
    pub(super) fn add(&mut self, contribution: &Contribution) {
        match contribution.amount {
            Amount::Origin(totals) | Amount::Dest(_, totals) => self.change(contribution, totals),
            Amount::Overdue(overdue) => self.change_overdue(contribution, overdue),
        }
    }

    pub(super) fn remove(&mut self, contribution: &Contribution) {
        match contribution.amount {
            Amount::Origin(totals) | Amount::Dest(_, totals) => self.change(contribution, -totals),
            Amount::Overdue(overdue) => self.change_overdue(contribution, -overdue),
        }
    }

    fn change(&mut self, contribution: &Contribution, totals: Totals) {
        self.entered.add(contribution.enters(), totals);
        for (left, hours) in self.left.iter_mut().zip(WINDOW_HOURS) {
            left.add(contribution.leaves(hours), totals);
        }
    }

    fn change_overdue(&mut self, contribution: &Contribution, overdue: Overdue) {
        self.overdue.add(contribution.enters(), overdue);
        self.overdue.add(contribution.ends(), -overdue);
    }

    pub(super) fn as_of(&self, moment: Millis) -> Activity {
        let entered = self.entered.at(moment);
        let window = |window: usize| {
            let mut totals = entered;
            totals += -self.left[window].at(moment);
            totals
        };
        Activity { windows: std::array::from_fn(window), overdue: self.overdue.at(moment) }
    }

    /// Forgets the sums as of moments before this one. Returns whether anything is left.
    pub(super) fn forget_before(&mut self, moment: Millis) -> bool {
        self.entered.forget_before(moment);
        self.left.iter_mut().for_each(|left| left.forget_before(moment));
        self.overdue.forget_before(moment);
        self.steps() > 0
    }

    /// The number of steps that are kept.
    pub(super) fn steps(&self) -> usize {
        let left: usize = self.left.iter().map(|left| left.steps.len()).sum();
        self.entered.steps.len() + left + self.overdue.steps.len()
    }
}

/// A sum that changes in steps: its value as of a moment is that of the last step at or before the moment.
#[derive(Debug, Default)]
struct StepSum<T> {
    /// The sum before the first step.
    base: T,
    /// Ascending by their moments.
    steps: Vec<Step<T>>,
    /// The number of steps at or before the moment of the last question: the next one is most often close to it.
    last: Cell<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Step<T> {
    moment: Millis,
    /// The sum from the moment on, the base included.
    sum: T,
}

impl<T: Copy + Default + PartialEq + AddAssign> StepSum<T> {
    /// The number of steps at or before a moment, searched for from the last one found.
    fn steps_until(&self, moment: Millis) -> usize {
        let is_later = |step: usize| self.steps[step].moment > moment;
        let (len, last) = (self.steps.len(), self.last.get().min(self.steps.len()));
        // The steps before `low` are not later, and those from `high` on are.
        let (mut low, mut high, mut stride) = (0, len, 1);
        if last > 0 && is_later(last - 1) {
            high = last - 1;
            while high > 0 && low == 0 {
                let probe = high.saturating_sub(stride);
                if is_later(probe) {
                    high = probe
                } else {
                    low = probe + 1
                }
                stride *= 2;
            }
        } else {
            low = last;
            while low < high {
                let probe = (low + stride - 1).min(len - 1);
                if is_later(probe) {
                    high = probe;
                    break;
                }
                low = probe + 1;
                stride *= 2;
            }
        }
        let steps = low + self.steps[low..high].partition_point(|step| step.moment <= moment);
        self.last.set(steps);
        steps
    }

    fn sum_before(&self, step: usize) -> T {
        step.checked_sub(1).map_or(self.base, |last| self.steps[last].sum)
    }

    fn at(&self, moment: Millis) -> T {
        self.sum_before(self.steps_until(moment))
    }

    /// Adds to the sum from a moment on.
    fn add(&mut self, moment: Millis, amount: T) {
        let mut step = self.steps_until(moment);
        let before = self.sum_before(step);
        match step.checked_sub(1).filter(|last| self.steps[*last].moment == moment) {
            Some(last) => step = last,
            None => self.steps.insert(step, Step { moment, sum: before }),
        }
        self.steps[step..].iter_mut().for_each(|step| step.sum += amount);
        // A step that changes nothing would be left behind by each correction.
        if self.steps[step].sum == self.sum_before(step) {
            self.steps.remove(step);
        }
    }

    fn forget_before(&mut self, moment: Millis) {
        let steps = self.steps_until(moment);
        self.base = self.sum_before(steps);
        self.steps.drain(..steps);
        self.last.set(0);
    }
}
