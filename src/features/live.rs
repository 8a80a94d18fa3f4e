//! The columns of what is known at a moment: events of the flight's aeroplane, of airports and of airlines.

use serde::{Deserialize, Serialize};

use super::query::Query;
use crate::{
    explanation::Factor,
    live::{ActivityColumn, ActivityOf, INBOUND_LEGS, LegPhase, Link, Minutes, Rotation, Snapshot, Turnarounds},
};

/// A number for the leg that brings the aeroplane, and for those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InboundMeasure {
    /// The state of the leg: 0 off, 1 scheduled, 2 departed, 3 arrived.
    Phase,
    /// The delay that is known of it: of the arrival, of the departure, or the time by which it is overdue.
    KnownDelay,
    /// The delay of its departure, if it has left.
    DepDelay,
    /// The delay with which it can arrive.
    ArrDelay,
    /// The scheduled time on the ground after it.
    Turn,
    /// The rest of that time beyond the least time on the ground, if it arrives when it can.
    Slack,
}

/// A column of what is known at a moment. All are in minutes, or are counts or shares, and are NaN where the number is
/// not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LiveColumn {
    /// Minutes until the scheduled departure; negative after it.
    UntilDeparture,
    /// The activity of an airport or an airline.
    Activity(ActivityColumn),
    /// The leg that brings the aeroplane, which has the index 0, or one before it.
    Inbound(u8, InboundMeasure),
    /// The least time on the ground before the flight.
    LeastTurn,
    /// The number of the flight's last six days on which the leg's flight fed it; 7 if the aeroplane is known.
    LinkTimes,
    /// The mean delay of the flight's last arrivals.
    RecordDelay,
    /// The share of them that was 15 minutes late or more.
    RecordLate,
}

/// The knowledge at a moment, made ready for all columns of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct LiveValues<'a> {
    snapshot: &'a Snapshot,
    pub(super) rotation: Rotation,
}

impl<'a> LiveValues<'a> {
    pub(super) fn of(query: &Query<'a>, turnarounds: &Turnarounds) -> Option<Self> {
        let snapshot = query.live?;
        Some(LiveValues { snapshot, rotation: snapshot.rotation(query.carrier, query.origin, turnarounds) })
    }

    fn inbound(&self, index: usize, measure: InboundMeasure) -> Option<f32> {
        let leg = self.snapshot.inbound.get(index)?.as_ref()?;
        let minutes = |minutes: Option<Minutes>| minutes.map(|minutes| minutes as f32);
        match measure {
            InboundMeasure::Phase => Some(match leg.phase() {
                LegPhase::Off => 0.0,
                LegPhase::Scheduled => 1.0,
                LegPhase::Departed => 2.0,
                LegPhase::Arrived => 3.0,
            }),
            InboundMeasure::KnownDelay => minutes(leg.known_delay(self.snapshot.now)),
            InboundMeasure::DepDelay => leg.dep_delay.map(f32::from),
            InboundMeasure::ArrDelay => minutes(self.rotation.arrivals[index].map(|at| at - leg.schedule.arrives)),
            InboundMeasure::Turn => {
                let next = match index.checked_sub(1) {
                    None => self.snapshot.departs,
                    Some(next) => self.snapshot.inbound[next]?.schedule.departs,
                };
                minutes(Some(next - leg.schedule.arrives))
            }
            InboundMeasure::Slack => minutes(self.rotation.slacks[index]),
        }
    }
}

impl LiveColumn {
    pub(super) fn value(self, live: Option<&LiveValues<'_>>) -> f32 {
        live.and_then(|live| self.known(live)).unwrap_or(f32::NAN)
    }

    fn known(self, live: &LiveValues<'_>) -> Option<f32> {
        let LiveValues { snapshot, rotation } = live;
        let record = &snapshot.record;
        let of_record = |sum: i32| (record.arrivals > 0).then(|| sum as f32 / record.arrivals as f32);
        match self {
            LiveColumn::UntilDeparture => Some((snapshot.departs - snapshot.now) as f32),
            LiveColumn::Activity(column) => Some(snapshot.activity(column)),
            LiveColumn::Inbound(index, measure) => live.inbound(index.into(), measure),
            LiveColumn::LeastTurn => rotation.turns[0].map(|turn| turn as f32),
            LiveColumn::LinkTimes => snapshot.link.map(|link| match link {
                Link::Habit(times) => f32::from(times),
                Link::Tail => 7.0,
            }),
            LiveColumn::RecordDelay => of_record(record.delay),
            LiveColumn::RecordLate => of_record(record.late),
        }
    }

    /// The factor to which explanations credit the column.
    pub(super) fn factor(self) -> Factor {
        match self {
            LiveColumn::UntilDeparture => Factor::AsOf,
            LiveColumn::Activity(ActivityColumn { of: ActivityOf::Origin | ActivityOf::CarrierAtOrigin, .. }) => {
                Factor::OriginNow
            }
            LiveColumn::Activity(ActivityColumn { of: ActivityOf::Dest, .. }) => Factor::DestNow,
            LiveColumn::Activity(ActivityColumn { of: ActivityOf::Carrier | ActivityOf::System, .. }) => {
                Factor::CarrierNow
            }
            LiveColumn::Inbound(..) | LiveColumn::LeastTurn | LiveColumn::LinkTimes => Factor::Inbound,
            LiveColumn::RecordDelay | LiveColumn::RecordLate => Factor::Record,
        }
    }

    /// The column's name in `delaycast models show` and in reports.
    pub(super) fn name(self) -> String {
        match self {
            LiveColumn::Activity(ActivityColumn { of, measure, window }) => {
                format!("{of:?}Now{measure:?}{}h", crate::live::WINDOW_HOURS[usize::from(window)])
            }
            LiveColumn::Inbound(index, measure) => format!("Inbound{}{measure:?}", index + 1),
            plain => format!("{plain:?}"),
        }
    }

    /// Returns whether the column is one of this program's.
    pub(super) fn is_valid(self) -> bool {
        match self {
            LiveColumn::Activity(column) => ActivityColumn::ALL.contains(&column),
            LiveColumn::Inbound(index, _) => usize::from(index) < INBOUND_LEGS,
            _ => true,
        }
    }

    /// All columns, in order.
    pub(super) fn all() -> Vec<LiveColumn> {
        use InboundMeasure::{ArrDelay, DepDelay, KnownDelay, Phase, Slack, Turn};
        let mut all = vec![LiveColumn::UntilDeparture];
        all.extend(ActivityColumn::ALL.map(LiveColumn::Activity));
        all.extend([Phase, KnownDelay, DepDelay, ArrDelay, Turn, Slack].map(|measure| LiveColumn::Inbound(0, measure)));
        all.extend([KnownDelay, ArrDelay, Slack].map(|measure| LiveColumn::Inbound(1, measure)));
        all.extend([LiveColumn::LeastTurn, LiveColumn::LinkTimes, LiveColumn::RecordDelay, LiveColumn::RecordLate]);
        all
    }
}
