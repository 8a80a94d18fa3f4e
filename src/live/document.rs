//! The knowledge of a context as a document: what an answer rests on, for a reader.

use chrono::{DateTime, Utc};
use engine::document::{Document, Value};

use super::{
    activity::{Overdue, Totals},
    context::{Context, Inbound, Link},
    event::{MINUTE_MS, Millis, Minutes},
    leg::LegState,
    rotation::Rotation,
};

impl LegState {
    /// Returns the state of the leg in one word.
    pub fn name(&self) -> &'static str {
        match self {
            LegState { cancelled: true, .. } => "cancelled",
            LegState { arr_delay: Some(_), .. } => "arrived",
            LegState { diverted: true, .. } => "diverted",
            LegState { dep_delay: Some(_), .. } => "departed",
            _ => "scheduled",
        }
    }
}

impl Context {
    /// Returns the document of the field `Live` of an answer. `rotation` projects the legs before the flight, by
    /// turnarounds that are learned or not.
    pub fn to_document(&self, rotation: &Rotation, is_learned: bool) -> Document<'_> {
        let mut document = vec![("AsOf", date(self.as_of))];
        if let Some(departs) = self.departs {
            document.push(("Departs", date_of_minutes(departs)));
        }
        if self.own.schedule.is_some() || self.own != LegState::default() {
            document.push(("State", Value::text(self.own.name())));
        }
        let delays = [("DepDelay", self.own.dep_delay), ("ArrDelay", self.own.arr_delay)];
        document.extend(delays.into_iter().filter_map(|(name, delay)| Some((name, Value::Int32(delay?.into())))));
        if let Some(inbound) = &self.inbound[0] {
            document.push(("Inbound", Value::Document(self.inbound(inbound, rotation, is_learned))));
        }
        let [hour, _] = self.origin.windows;
        document.push(("OriginHour", Value::Document(departures(&hour, &self.origin.overdue, self.as_of))));
        let [hour, _] = self.dest.windows;
        document.push(("DestHour", Value::Document(arrivals(&hour))));
        if self.record.arrivals > 0 {
            let Self { record, .. } = self;
            document.push((
                "Record",
                Value::Document(vec![
                    ("Arrivals", Value::Int32(record.arrivals)),
                    ("MeanDelay", mean(record.delay, record.arrivals)),
                    ("Late", Value::Int32(record.late)),
                ]),
            ));
        }
        document
    }

    fn inbound<'a>(
        &self,
        Inbound { id, state, link }: &'a Inbound,
        rotation: &Rotation,
        is_learned: bool,
    ) -> Document<'a> {
        let mut document = vec![
            ("Carrier", Value::text(id.carrier.as_str())),
            ("FlightNum", Value::Text(id.number.to_string().into())),
            ("Origin", Value::text(id.origin.as_str())),
            ("State", Value::text(state.name())),
        ];
        document.extend(state.tail.as_ref().map(|tail| ("TailNum", Value::text(tail.as_str()))));
        match link {
            Link::Tail => document.push(("Link", Value::text("aeroplane"))),
            Link::Habit(times) => {
                document.push(("Link", Value::text("habit")));
                document.push(("LinkTimes", Value::Int32((*times).into())));
            }
        }
        if let Some(schedule) = state.schedule {
            document.push(("Scheduled", date_of_minutes(schedule.arrives)));
            if let Some(expected) = rotation.arrivals[0] {
                document.push(("Expected", date_of_minutes(expected)));
                document.push(("Delay", Value::Int32(expected - schedule.arrives)));
                document.extend(self.departs.map(|departs| ("GroundMinutes", Value::Int32(departs - expected))));
                document.extend(
                    rotation.turns[0].filter(|_| is_learned).map(|turn| ("LeastGroundMinutes", Value::Int32(turn))),
                );
            }
        }
        document
    }
}

fn departures(totals: &Totals, overdue: &Overdue, as_of: Millis) -> Document<'static> {
    vec![
        ("Departures", Value::Int32(totals.departures)),
        ("MeanDelay", mean(totals.dep_delay, totals.departures)),
        ("Late", Value::Int32(totals.dep_late)),
        ("Cancelled", Value::Int32(totals.cancelled)),
        ("Overdue", Value::Int32(overdue.flights)),
        ("OverdueMinutes", Value::Int32(i32::try_from(overdue.minutes(as_of)).unwrap_or(i32::MAX))),
    ]
}

fn arrivals(totals: &Totals) -> Document<'static> {
    vec![
        ("Arrivals", Value::Int32(totals.arrivals)),
        ("MeanDelay", mean(totals.arr_delay, totals.arrivals)),
        ("Late", Value::Int32(totals.arr_late)),
    ]
}

/// A mean in minutes, with one decimal; null of nothing.
fn mean(sum: i32, count: i32) -> Value<'static> {
    match count {
        ..=0 => Value::Null,
        _ => Value::Double((f64::from(sum) / f64::from(count) * 10.0).round() / 10.0),
    }
}

fn date_of_minutes(minutes: Minutes) -> Value<'static> {
    date(Millis::from(minutes) * MINUTE_MS)
}

fn date(moment: Millis) -> Value<'static> {
    DateTime::<Utc>::from_timestamp_millis(moment).map_or(Value::Null, Value::Date)
}
