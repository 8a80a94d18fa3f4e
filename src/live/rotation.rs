//! The rotation: the legs that bring the aeroplane of a flight, and when each can arrive by what is known.

use super::{
    context::INBOUND_LEGS,
    event::{Minutes, Times},
    leg::LegState,
    turnarounds::Turnarounds,
};
use crate::flight::Code;

/// A leg that brings the aeroplane, without its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationLeg {
    /// The airline.
    pub carrier: Code,
    /// The airport of departure.
    pub origin: Code,
    /// Scheduled departure and arrival.
    pub schedule: Times,
    /// Delay of the departure in minutes, if it has left.
    pub dep_delay: Option<i16>,
    /// Delay of the arrival in minutes, if it has arrived.
    pub arr_delay: Option<i16>,
    /// It is cancelled, or goes to another airport.
    pub is_off: bool,
}

/// The state of a leg, in the order in which a leg goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegPhase {
    /// It does not come.
    Off,
    /// It has not left.
    Scheduled,
    /// It is on its way.
    Departed,
    /// It is here.
    Arrived,
}

impl RotationLeg {
    /// The leg of this identity; `None` without a schedule.
    pub fn new(carrier: Code, origin: Code, state: &LegState) -> Option<Self> {
        Some(RotationLeg {
            carrier,
            origin,
            schedule: state.schedule?,
            dep_delay: state.dep_delay,
            arr_delay: state.arr_delay,
            is_off: state.cancelled || state.diverted,
        })
    }

    /// The state.
    pub fn phase(&self) -> LegPhase {
        match self {
            RotationLeg { arr_delay: Some(_), .. } => LegPhase::Arrived,
            RotationLeg { is_off: true, .. } => LegPhase::Off,
            RotationLeg { dep_delay: Some(_), .. } => LegPhase::Departed,
            _ => LegPhase::Scheduled,
        }
    }

    /// The delay that is known: of the arrival, of the departure, or the time by which the departure is overdue. `None`
    /// for a leg that does not come.
    pub fn known_delay(&self, now: Minutes) -> Option<Minutes> {
        match self.phase() {
            LegPhase::Off => None,
            LegPhase::Scheduled => Some((now - self.schedule.departs).max(0)),
            LegPhase::Departed => self.dep_delay.map(Minutes::from),
            LegPhase::Arrived => self.arr_delay.map(Minutes::from),
        }
    }

    /// Returns when it can arrive, if the leg before it arrives `before` and takes `turn` minutes on the ground.
    fn arrival(&self, now: Minutes, before: Option<Minutes>, turn: Minutes, recovered: Minutes) -> Option<Minutes> {
        let Times { departs, arrives } = self.schedule;
        let duration = arrives - departs - recovered;
        match (self.phase(), self.dep_delay, self.arr_delay) {
            (LegPhase::Off, ..) => None,
            (LegPhase::Arrived, _, Some(delay)) => Some(arrives + Minutes::from(delay)),
            (_, Some(delay), _) => Some((departs + Minutes::from(delay) + duration).max(now)),
            _ => {
                let ready = before.map_or(Minutes::MIN, |before| before + turn);
                Some(departs.max(now).max(ready) + duration)
            }
        }
    }
}

/// The times at which the legs before a flight can arrive, by what is known at a moment.
///
/// A leg that has arrived, has. One that is on its way takes its scheduled duration less what the airline usually
/// recovers, and is not here before now. One that has not left leaves when it is scheduled, not before now, and not
/// before the aeroplane is there and has had its least time on the ground.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// The arrival of the leg before, of the one before that, and so on; `None` for one that is not known or does not
    /// come.
    pub arrivals: [Option<Minutes>; INBOUND_LEGS],
    /// The least time on the ground before the flight, before the leg before it, and so on; `None` without a leg.
    pub turns: [Option<Minutes>; INBOUND_LEGS],
    /// The time in minutes between the arrival and the departure beyond the least time on the ground: before the
    /// flight, before the leg before it, and so on. Negative if the aeroplane comes too late.
    pub slacks: [Option<Minutes>; INBOUND_LEGS],
}

impl Rotation {
    /// Projects the legs before a flight of an airline that is to leave an airport.
    pub fn of(
        legs: &[Option<RotationLeg>; INBOUND_LEGS],
        (carrier, origin, departs): (Code, Code, Minutes),
        now: Minutes,
        turnarounds: &Turnarounds,
    ) -> Self {
        let mut rotation = Rotation::default();
        // What each leg is followed by.
        let next = |index: usize| match index.checked_sub(1) {
            None => Some((carrier, origin, departs)),
            Some(next) => legs[next].map(|leg| (leg.carrier, leg.origin, leg.schedule.departs)),
        };
        for index in (0..INBOUND_LEGS).rev() {
            let (Some(leg), Some((carrier, origin, departs))) = (legs[index], next(index)) else { continue };
            let before = rotation.arrivals.get(index + 1).copied().flatten();
            let turn_before = rotation.turns.get(index + 1).copied().flatten().unwrap_or(0);
            let arrival = leg.arrival(now, before, turn_before, turnarounds.recovered(leg.carrier));
            let turn = turnarounds.least_turn(carrier, origin);
            rotation.arrivals[index] = arrival;
            rotation.turns[index] = Some(turn);
            rotation.slacks[index] = arrival.map(|arrival| departs - arrival - turn);
        }
        rotation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Turnaround;

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    fn leg(departs: Minutes, arrives: Minutes) -> RotationLeg {
        let schedule = Times { departs, arrives };
        RotationLeg {
            carrier: code("DL"),
            origin: code("BOS"),
            schedule,
            dep_delay: None,
            arr_delay: None,
            is_off: false,
        }
    }

    /// Forty minutes on the ground, of a flight's time five are recovered.
    fn turnarounds() -> Turnarounds {
        let turnaround = Turnaround { carrier: code("DL"), airport: code("ATL"), ground: Some(40), recovered: 5 };
        Turnarounds::fit([turnaround; 30].into_iter())
    }

    fn project(legs: [Option<RotationLeg>; INBOUND_LEGS], now: Minutes) -> Rotation {
        Rotation::of(&legs, (code("DL"), code("ATL"), 1000), now, &turnarounds())
    }

    #[test]
    fn a_leg_that_has_arrived_has_and_one_on_its_way_takes_what_it_usually_takes() {
        let arrived = RotationLeg { dep_delay: Some(30), arr_delay: Some(25), ..leg(800, 900) };
        assert_eq!(project([Some(arrived), None, None], 950).arrivals[0], Some(925));
        let departed = RotationLeg { arr_delay: None, ..arrived };
        let rotation = project([Some(departed), None, None], 850);
        assert_eq!((rotation.arrivals[0], rotation.turns[0], rotation.slacks[0]), (Some(925), Some(40), Some(35)));
        // It is not here yet.
        assert_eq!(project([Some(departed), None, None], 940).arrivals[0], Some(940));
    }

    #[test]
    fn a_leg_that_has_not_left_waits_for_its_aeroplane() {
        let before = RotationLeg { dep_delay: Some(60), ..leg(650, 750) };
        let rotation = project([Some(leg(800, 900)), Some(before), None], 740);
        // The one before arrives at 805, and leaves at 845.
        assert_eq!(rotation.arrivals, [Some(940), Some(805), None]);
        assert_eq!(rotation.slacks, [Some(20), Some(-45), None]);
        // Without one before it leaves when it is scheduled, and not before now.
        assert_eq!(project([Some(leg(800, 900)), None, None], 740).arrivals[0], Some(895));
        assert_eq!(project([Some(leg(800, 900)), None, None], 830).arrivals[0], Some(925));
    }

    #[test]
    fn a_leg_that_does_not_come_has_no_arrival_and_nothing_waits_for_it() {
        let off = RotationLeg { is_off: true, ..leg(650, 750) };
        let rotation = project([Some(leg(800, 900)), Some(off), None], 740);
        assert_eq!((rotation.arrivals[0], rotation.arrivals[1], rotation.slacks[1]), (Some(895), None, None));
        assert_eq!((off.phase(), off.known_delay(740)), (LegPhase::Off, None));
        assert_eq!(leg(700, 800).known_delay(740), Some(40), "overdue");
    }
}
