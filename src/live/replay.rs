//! Flights of the past at moments of the past: what was known of each then.
//!
//! The events that a feed would have sent go through the same state as those of a feed, in the order in which they
//! became known, so that a training flight and a request have the same numbers.

use std::{collections::BTreeMap, ops::Range, thread};

use chrono::{Days, NaiveDate, NaiveTime};

use super::{
    context::Query,
    event::{Event, HOUR_MS, LegId, MINUTE_MS, Millis, Minutes},
    leg::Timeline,
    past::events_of,
    snapshot::Snapshot,
    state::State,
};
use crate::history::Flight;

/// Events of a leg are known at most this many days before its date.
const DAYS_BEFORE: u64 = 3;
/// A leg counts for questions about flights of at most this many days after its date.
const DAYS_KEPT: u64 = 20;
/// Questions about a flight are of at most this many days after its date.
const DAYS_AFTER: u64 = 3;

/// The times of a flight of the past, in minutes since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastTimes {
    /// Scheduled departure.
    pub scheduled: Minutes,
    /// Departure, if it has left.
    pub departed: Option<Minutes>,
    /// Arrival, if it has arrived.
    pub arrived: Option<Minutes>,
}

/// A flight of a history, by its index among those that were flown or among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PastFlight {
    /// It was flown.
    Flown(usize),
    /// It was cancelled or diverted.
    Unflown(usize),
}

impl PastFlight {
    /// Returns its index, and the flight itself.
    pub(super) fn find<'a>(self, flights: &'a [Flight], unflown: &'a [Flight]) -> (usize, &'a Flight) {
        match self {
            PastFlight::Flown(at) => (at, &flights[at]),
            PastFlight::Unflown(at) => (at, &unflown[at]),
        }
    }
}

/// A flight at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastView {
    /// The flight.
    pub flight: PastFlight,
    /// The index of the moment among those of the flight.
    pub moment: usize,
    /// The knowledge.
    pub snapshot: Snapshot,
    /// The time that the aeroplane was on the ground before the flight, in minutes, if its arrival was known when it
    /// left.
    pub ground: Option<Minutes>,
}

/// Looks at flights at moments of the past, on several threads. The flights are in the order of their days; `moments`
/// says when to look at each. Returns the views of flown flights, and those of others, in the order of flights and
/// moments. A flight without events, or one that moments ask for outside of the time for which the state is kept, has
/// none; nor has an unflown one of a day without flown ones.
pub fn replay(
    flights: &[Flight],
    unflown: &[Flight],
    threads: usize,
    moments: impl Fn(PastFlight, &PastTimes) -> Vec<Option<Minutes>> + Sync,
) -> Vec<PastView> {
    let spans = spans(flights, threads.max(1));
    thread::scope(|scope| {
        let moments = &moments;
        let workers: Vec<_> = spans
            .into_iter()
            .map(|span| scope.spawn(move || Replay::new(span).run(flights, unflown, moments)))
            .collect();
        let views = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        views.collect()
    })
}

/// Divides flights into spans of whole days with about as many flights each.
fn spans(flights: &[Flight], wanted: usize) -> Vec<Range<usize>> {
    let mut spans = Vec::with_capacity(wanted);
    let mut start = 0;
    for part in 1..=wanted {
        let about = flights.len() * part / wanted;
        let end =
            flights.get(about).map_or(flights.len(), |flight| flights.partition_point(|it| it.date < flight.date));
        if end > start {
            spans.push(start..end);
            start = end;
        }
    }
    spans
}

/// A flight whose events are known one after the other.
struct Active {
    id: LegId,
    events: Vec<Event>,
    /// Events before this one are in the state.
    known: usize,
}

/// One thread's share.
struct Replay {
    span: Range<usize>,
    state: State,
    /// Flights with an event in an hour since 1970.
    happening: BTreeMap<i64, Vec<Active>>,
    /// Moments to look at in an hour since 1970: the flight, the index of the moment, and the moment.
    asked: BTreeMap<i64, Vec<(PastFlight, usize, Minutes)>>,
    views: Vec<PastView>,
}

impl Replay {
    fn new(span: Range<usize>) -> Self {
        Replay { span, state: State::default(), happening: BTreeMap::new(), asked: BTreeMap::new(), views: Vec::new() }
    }

    fn run(
        mut self,
        flights: &[Flight],
        unflown: &[Flight],
        moments: &(impl Fn(PastFlight, &PastTimes) -> Vec<Option<Minutes>> + Sync),
    ) -> Vec<PastView> {
        let (Some(first), Some(last)) = (flights.get(self.span.start), flights.get(self.span.end - 1)) else {
            return Vec::new();
        };
        let (first, last) = (first.date, last.date);
        let mut day = first - Days::new(DAYS_KEPT + DAYS_BEFORE);
        let mut next = first - Days::new(DAYS_KEPT);
        while day <= last + Days::new(DAYS_AFTER) {
            while next <= (day + Days::new(DAYS_BEFORE)).min(last + Days::new(DAYS_BEFORE)) {
                self.begin(next, flights, unflown, moments);
                next = next + Days::new(1);
            }
            let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp() / 3600;
            for hour in midnight..midnight + 24 {
                self.pass(hour, flights, unflown);
            }
            self.state.forget_legs();
            day = day + Days::new(1);
        }
        self.views.sort_by_key(|view| (view.flight, view.moment));
        self.views
    }

    /// Takes the flights of a day.
    fn begin(
        &mut self,
        date: NaiveDate,
        flights: &[Flight],
        unflown: &[Flight],
        moments: &(impl Fn(PastFlight, &PastTimes) -> Vec<Option<Minutes>> + Sync),
    ) {
        let of_date = of_day(flights, date);
        // A span has whole days.
        let is_own = !of_date.is_empty() && self.span.contains(&of_date.start);
        let of_date = of_date.map(|at| (PastFlight::Flown(at), &flights[at]));
        let unflown = of_day(unflown, date).map(|at| (PastFlight::Unflown(at), &unflown[at]));
        for (flight, record) in of_date.chain(unflown) {
            let Some(times) = self.take(record).filter(|_| is_own) else { continue };
            for (index, moment) in moments(flight, &times).into_iter().enumerate() {
                let Some(moment) = moment else { continue };
                self.asked.entry(i64::from(moment).div_euclid(60)).or_default().push((flight, index, moment));
            }
        }
    }

    fn take(&mut self, flight: &Flight) -> Option<PastTimes> {
        let mut leg = None;
        let mut events = Vec::new();
        for message in events_of(flight) {
            // Those that are refused are left out already.
            let (id, event) = message.resolve().ok()?;
            leg = Some(id);
            events.push(event);
        }
        let id = leg?;
        let times = PastTimes::of(&events)?;
        let hour = events.first()?.at.div_euclid(HOUR_MS);
        self.happening.entry(hour).or_default().push(Active { id, events, known: 0 });
        Some(times)
    }

    /// Lets an hour pass: its events become known, then what is asked in it is looked at.
    fn pass(&mut self, hour: i64, flights: &[Flight], unflown: &[Flight]) {
        while let Some(entry) = self.happening.first_entry().filter(|entry| *entry.key() <= hour) {
            for mut active in entry.remove() {
                let end = (hour + 1) * HOUR_MS;
                active.known += active.events[active.known..].partition_point(|event| event.at < end);
                self.state.set(active.id, Timeline::new(active.events[..active.known].to_vec()));
                if let Some(next) = active.events.get(active.known) {
                    self.happening.entry(next.at.div_euclid(HOUR_MS)).or_default().push(active);
                }
            }
        }
        while let Some(entry) = self.asked.first_entry().filter(|entry| *entry.key() <= hour) {
            for (flight, index, moment) in entry.remove() {
                let (_, record) = flight.find(flights, unflown);
                self.views.extend(view(&self.state, record, flight, index, moment));
            }
        }
    }
}

fn view(state: &State, record: &Flight, flight: PastFlight, index: usize, moment: Minutes) -> Option<PastView> {
    let query = Query {
        carrier: record.carrier,
        number: record.flight_num,
        origin: record.origin,
        dest: record.dest,
        date: record.date,
        departs: None,
    };
    let context = state.context(&query, Millis::from(moment) * MINUTE_MS)?;
    let ground = context.own.departed().zip(context.inbound[0].and_then(|inbound| inbound.state.arrived()));
    Some(PastView {
        flight,
        moment: index,
        snapshot: Snapshot::of(&context)?,
        ground: ground.map(|(departed, arrived)| departed - arrived),
    })
}

fn of_day(flights: &[Flight], date: NaiveDate) -> Range<usize> {
    let start = flights.partition_point(|flight| flight.date < date);
    start..start + flights[start..].partition_point(|flight| flight.date == date)
}

impl PastTimes {
    fn of(events: &[Event]) -> Option<Self> {
        let state = Timeline::new(events.to_vec()).as_of(Millis::MAX);
        Some(PastTimes { scheduled: state.schedule?.departs, departed: state.departed(), arrived: state.arrived() })
    }
}
