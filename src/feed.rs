//! A history as the feed that it would have been: its events, and requests about its flights, in the order of time.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use engine::request::RequestId;

use crate::{
    flight::Schedule,
    history::{Flight, FlightStatus},
    live::{EventMessage, MINUTE_MS, Millis, Minutes, events_of},
    request::Request,
};

/// Events of a flight are known at most this many days before its local date: 36 hours before its departure, and local
/// time is ahead of UTC by up to 14 hours.
const DAYS_BEFORE: u64 = 3;

/// The requests that are made about the flights of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRequests {
    /// The first local date of departure.
    pub from: NaiveDate,
    /// The last local date of departure.
    pub to: NaiveDate,
    /// The times before the scheduled departure at which each is asked about, in minutes; negative after it.
    pub minutes_before: Vec<Minutes>,
    /// The first part of their UUIDs.
    pub run: String,
    /// True if their answers are followed.
    pub follow: bool,
}

/// A message of the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedMessage {
    /// An event, for the log of events.
    Event(EventMessage),
    /// A request as of this moment, for the request log.
    Request(Box<Request>),
}

/// The messages of a history, each with the time in milliseconds since 1970 at which it comes. Of one millisecond,
/// events come before requests. Only some days are in memory at a time.
pub struct Feed<'a> {
    flights: &'a [Flight],
    unflown: &'a [Flight],
    requests: FeedRequests,
    /// Flights of days from this one on are not read yet.
    next_day: NaiveDate,
    last_day: NaiveDate,
    due: BTreeMap<(Millis, bool), VecDeque<FeedMessage>>,
}

impl<'a> Feed<'a> {
    /// Starts with the events of flights of `from`, which may be days before those that are asked about. Both lists are
    /// in the order of their days.
    pub fn new(flights: &'a [Flight], unflown: &'a [Flight], from: NaiveDate, requests: FeedRequests) -> Self {
        let last_day = requests.to;
        Feed { flights, unflown, requests, next_day: from, last_day, due: BTreeMap::new() }
    }

    fn read_day(&mut self) {
        let day = self.next_day;
        self.next_day = day + Days::new(1);
        for flights in [self.flights, self.unflown] {
            let start = flights.partition_point(|flight| flight.date < day);
            let of_day = flights[start..].iter().take_while(|flight| flight.date == day);
            of_day.for_each(|flight| self.read_flight(flight));
        }
    }

    fn read_flight(&mut self, flight: &Flight) {
        let events = events_of(flight);
        let asked =
            (self.requests.from..=self.requests.to).contains(&flight.date) && flight.status != FlightStatus::Diverted;
        // The first event is that of the schedule. Those that are refused are left out already.
        let departs = events.first().and_then(|event| Some(event.resolve().ok()?.1.schedule?.departs));
        if let Some(departs) = departs.filter(|_| asked) {
            for before in self.requests.minutes_before.clone() {
                let at = Millis::from(departs - before) * MINUTE_MS;
                let request = self.request(flight, before, at).map(|request| FeedMessage::Request(Box::new(request)));
                self.due.entry((at, true)).or_default().extend(request);
            }
        }
        for event in events {
            self.due.entry((event.at, false)).or_default().push_back(FeedMessage::Event(event));
        }
    }

    /// The request about a flight; `None` if the UUID would be too long.
    fn request(&self, flight: &Flight, before: Minutes, at: Millis) -> Option<Request> {
        let Flight { carrier, origin, dest, date, .. } = *flight;
        let number = flight.flight_num?;
        let id = format!("{}-{carrier}{number}-{origin}-{date}-{before}", self.requests.run);
        Some(Request {
            flight_num: Some(number.to_string()),
            schedule: flight
                .crs_dep_min
                .zip(flight.crs_arr_min)
                .map(|(dep_min, arr_min)| Schedule { dep_min, arr_min }),
            as_of: DateTime::from_timestamp_millis(at),
            follow: self.requests.follow,
            ..Request::new(RequestId::new(id).ok()?, carrier, origin, dest, date)
        })
    }
}

impl Iterator for Feed<'_> {
    type Item = (Millis, FeedMessage);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let unread_from =
                (self.next_day - Days::new(DAYS_BEFORE)).and_time(NaiveTime::MIN).and_utc().timestamp_millis();
            let is_complete = |at: Millis| self.next_day > self.last_day || at < unread_from;
            match self.due.first_entry() {
                Some(entry) if is_complete(entry.key().0) => {
                    let at = entry.key().0;
                    let mut entry = entry;
                    match entry.get_mut().pop_front() {
                        Some(message) => return Some((at, message)),
                        None => drop(entry.remove()),
                    }
                }
                None if self.next_day > self.last_day => return None,
                _ => self.read_day(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::bundled,
        live::{EventKind, encode},
    };

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2013, 2, number).unwrap()
    }

    #[test]
    fn a_feed_has_all_events_of_its_days_and_its_requests_in_the_order_of_time() {
        let history = bundled().unwrap();
        let requests = FeedRequests {
            from: day(8),
            to: day(9),
            minutes_before: vec![120, -10],
            run: "r".to_owned(),
            follow: false,
        };
        let of_days = |flights: &[Flight], from| {
            flights.iter().filter(|flight| (from..=day(9)).contains(&flight.date)).cloned().collect::<Vec<_>>()
        };
        let flights = [&history.flights, &history.unflown].map(|flights| of_days(flights, day(6))).concat();
        let mut expected: Vec<String> = flights.iter().flat_map(events_of).map(|event| encode(&event)).collect();
        let asked = [&history.flights, &history.unflown].map(|flights| of_days(flights, day(8))).concat();
        let asked =
            asked.iter().filter(|flight| flight.status != FlightStatus::Diverted && !events_of(flight).is_empty());

        let (mut events, mut ids, mut last) = (Vec::new(), Vec::new(), (Millis::MIN, false));
        for (at, message) in Feed::new(&history.flights, &history.unflown, day(6), requests) {
            let is_request = matches!(message, FeedMessage::Request(_));
            assert!((at, is_request) >= last, "{message:?}");
            last = (at, is_request);
            match message {
                FeedMessage::Event(event) => {
                    assert_eq!(event.at, at);
                    events.push(encode(&event));
                }
                FeedMessage::Request(request) => {
                    assert_eq!(request.as_of.map(|as_of| as_of.timestamp_millis()), Some(at));
                    let decoded = crate::request::decode(crate::request::encode(&request).as_bytes()).unwrap();
                    assert_eq!(decoded, *request);
                    ids.push(request.id.to_string());
                }
            }
        }
        let made = ids.len();
        assert_eq!(made, 2 * asked.count());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), made, "a UUID came twice");
        assert!(ids[0].starts_with("r-9E") && ids[0].ends_with("-10"), "{}", ids[0]);
        events.sort();
        expected.sort();
        assert!(events == expected && events.len() > 5000, "{} {}", events.len(), expected.len());
        assert!(events.iter().any(|event| event.contains(EventKind::Cancelled.name())));
    }
}
