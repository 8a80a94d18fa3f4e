//! `delaycast up --demo`: a day of New York is replayed while the system runs.

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::{America::New_York, Tz};
use delaycast::{
    feed::{Feed, FeedMessage, FeedRequests},
    flight::zoned::to_utc,
    history::{Flight, History, bundled},
    live::{MINUTE_MS, Millis},
};
use delaycast_web::{Replay, ReplayedFlight};
use engine::{log::Producer, runtime::Stop};
use indicatif::ProgressBar;

use crate::feed::{FeedClock, FeedPublisher};

/// The minute of the day at which the replay begins.
const FROM_MINUTE: u16 = 12 * 60;
/// The factor by which time passes faster than it did.
const SPEED: f64 = 60.0;
/// The days before whose events come first: a flight's record goes back two weeks.
const DAYS_BEFORE: u64 = 15;
/// The minutes before its departure at which each flight is asked about.
const ASKED_BEFORE: i32 = 120;
/// The first part of the UUIDs of requests.
const RUN: &str = "demo";
/// The flights that the page links to leave within these minutes.
const SOON: [i64; 2] = [20, 100];
/// Upper bound on the flights that the page links to.
const FLIGHTS_MAX: usize = 6;

/// The day that is replayed, 28 July 2013: its morning is on time, and in the evening flights leave 100 minutes late.
pub(crate) fn day() -> NaiveDate {
    // The literal is a date of the calendar, so there is no default to fall back on.
    NaiveDate::from_ymd_opt(2013, 7, 28).unwrap_or_default()
}

/// Removes what an earlier demonstration has left: events of the evening must not be known at noon.
pub(crate) fn clear(database: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", Path::new(&path).display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A replay of the day.
pub(crate) struct Demo {
    clock: Arc<FeedClock>,
    /// The flights of the day that are asked about, by their departure.
    flights: Vec<(DateTime<Utc>, Flight)>,
}

impl Demo {
    /// Publishes the day's events and requests on a thread, until their end or a stop.
    pub(crate) fn start(
        events: Arc<dyn Producer>,
        requests: Arc<dyn Producer>,
        stop: &Stop,
    ) -> anyhow::Result<(Arc<Self>, JoinHandle<anyhow::Result<()>>)> {
        let History { flights, unflown, .. } = bundled()?;
        let begin = to_utc(New_York, day(), FROM_MINUTE).timestamp_millis();
        let clock = Arc::new(FeedClock::new(begin, SPEED));
        let of_day = flights.iter().filter(|flight| flight.date == day());
        let departure = |flight: &Flight| Some((to_utc(New_York, flight.date, flight.crs_dep_min?), flight.clone()));
        let mut of_day: Vec<_> = of_day.filter_map(departure).collect();
        of_day.sort_by_key(|(departs, _)| *departs);
        let demo = Arc::new(Demo { clock: Arc::clone(&clock), flights: of_day });
        let stop = stop.clone();
        let publish = move || {
            let (from, to, minutes_before) = (day(), day(), vec![ASKED_BEFORE]);
            let asked = FeedRequests { from, to, minutes_before, run: RUN.to_owned(), follow: true };
            let feed = Feed::new(&flights, &unflown, day() - Days::new(DAYS_BEFORE), asked);
            let feed = from_begin(feed, begin);
            let pause = std::time::Duration::from_secs(2);
            FeedPublisher::new([&*events, &*requests], clock, pause, ProgressBar::hidden()).run(feed, &stop)
        };
        let thread = thread::Builder::new().name("demo".into()).spawn(publish).context("cannot start the replay")?;
        Ok((demo, thread))
    }
}

impl Replay for Demo {
    fn now(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.clock.now()?)
    }

    fn zone(&self) -> Tz {
        New_York
    }

    fn speed(&self) -> f64 {
        self.clock.speed()
    }

    fn flights(&self) -> Vec<ReplayedFlight> {
        let Some(now) = self.clock.now() else { return Vec::new() };
        let minutes = |departs: &DateTime<Utc>| (departs.timestamp_millis() - now) / (MINUTE_MS as Millis);
        let soon: Vec<_> =
            self.flights.iter().filter(|(departs, _)| (SOON[0]..SOON[1]).contains(&minutes(departs))).collect();
        // Spread over the time.
        let step = soon.len().div_ceil(FLIGHTS_MAX).max(1);
        soon.into_iter().step_by(step).filter_map(|(departs, flight)| replayed(*departs, flight)).collect()
    }
}

fn replayed(departs: DateTime<Utc>, flight: &Flight) -> Option<ReplayedFlight> {
    let Flight { carrier, origin, dest, date, .. } = *flight;
    let number = flight.flight_num?;
    let id = format!("{RUN}-{carrier}{number}-{origin}-{date}-{ASKED_BEFORE}");
    Some(ReplayedFlight { id, carrier, number, origin, dest, departs })
}

/// Asks at the begin what would have been asked shortly before it, so that flights are followed from then on.
fn from_begin(
    feed: impl Iterator<Item = (Millis, FeedMessage)>,
    begin: Millis,
) -> impl Iterator<Item = (Millis, FeedMessage)> {
    let earliest = begin - Millis::from(ASKED_BEFORE) * MINUTE_MS;
    let mut waiting = Vec::new();
    feed.flat_map(move |(at, message)| match message {
        FeedMessage::Request(mut request) if at < begin => {
            request.as_of = DateTime::from_timestamp_millis(begin);
            waiting.extend((at >= earliest).then_some((begin, FeedMessage::Request(request))));
            Vec::new()
        }
        message if at < begin => vec![(at, message)],
        message => waiting.drain(..).chain([(at, message)]).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_shortly_before_the_begin_is_asked_at_it() {
        let History { flights, unflown, .. } = bundled().unwrap();
        let begin = to_utc(New_York, day(), FROM_MINUTE).timestamp_millis();
        let asked = FeedRequests {
            from: day(),
            to: day(),
            minutes_before: vec![ASKED_BEFORE],
            run: RUN.to_owned(),
            follow: true,
        };
        let feed = Feed::new(&flights, &unflown, day() - Days::new(1), asked);
        let (mut at_begin, mut later, mut last) = (0, 0, Millis::MIN);
        for (at, message) in from_begin(feed, begin) {
            assert!(at >= last, "messages are in the order of their times");
            last = at;
            let FeedMessage::Request(request) = message else { continue };
            assert_eq!(request.as_of.map(|at| at.timestamp_millis()), Some(at));
            *(if at == begin { &mut at_begin } else { &mut later }) += 1;
        }
        assert!(at_begin > 50 && later > 400, "{at_begin} {later}");
    }
}
