//! Publishes a feed of the past at its pace.

use std::{
    collections::VecDeque,
    iter,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat};
use delaycast::{
    feed::FeedMessage,
    live::{Millis, encode},
    request::encode as encode_request,
};
use engine::{log::Producer, runtime::Stop};
use indicatif::{HumanCount, ProgressBar};

use crate::{events::key_of, progress::say, sender::Sender};

/// A request comes this long after its moment, so that scorers have the events that were known by then.
const SETTLE: Duration = Duration::from_secs(2);
/// Upper bound on the requests that wait for that time; at the bound the first of them comes earlier.
const WAITING_MAX: usize = 100_000;
/// Interval of the line that tells how far the replay is.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The time of a replay.
pub(crate) struct FeedClock {
    /// The factor by which it passes faster than it did; 0: as fast as the logs take it.
    speed: f64,
    /// The time at which it begins, in milliseconds since 1970.
    from: Millis,
    began_at: OnceLock<Instant>,
}

impl FeedClock {
    pub(crate) fn new(from: Millis, speed: f64) -> Self {
        FeedClock { speed, from, began_at: OnceLock::new() }
    }

    /// Returns the time; `None` before it begins.
    pub(crate) fn now(&self) -> Option<Millis> {
        let elapsed = self.began_at.get()?.elapsed();
        Some(self.from + (elapsed.as_secs_f64() * self.speed * 1000.0) as Millis)
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }
}

/// The times at which messages are due. Those before the clock's begin are due at once.
struct Pace {
    clock: Arc<FeedClock>,
    /// The pause before the clock begins.
    pause: Duration,
    behind: Duration,
}

impl Pace {
    /// Waits until a message of a time is due; false if a stop comes first.
    fn wait(&mut self, at: Millis, stop: &Stop) -> bool {
        let FeedClock { speed, from, began_at } = &*self.clock;
        if at < *from {
            return !stop.is_requested();
        }
        if began_at.get().is_none() && !stop.sleep(self.pause) {
            return false;
        }
        let began_at = began_at.get_or_init(Instant::now);
        if *speed == 0.0 {
            return !stop.is_requested();
        }
        // Not negative, and at most some years.
        let after = Duration::from_secs_f64((at - from) as f64 / 1000.0 / speed);
        let elapsed = began_at.elapsed();
        self.behind = self.behind.max(elapsed.saturating_sub(after));
        stop.sleep(after.saturating_sub(elapsed)) && !stop.is_requested()
    }
}

/// Delays the requests of a feed, which keeps the order of time.
fn settled(
    feed: impl Iterator<Item = (Millis, FeedMessage)>,
    settle_ms: Millis,
) -> impl Iterator<Item = (Millis, FeedMessage)> {
    let mut feed = feed.peekable();
    let mut requests = VecDeque::new();
    iter::from_fn(move || {
        loop {
            let next = feed.peek().map(|(at, _)| *at);
            let is_due = |due: &Millis| next.is_none_or(|next| *due < next) || requests.len() >= WAITING_MAX;
            if requests.front().is_some_and(|(due, _)| is_due(due)) {
                return requests.pop_front();
            }
            match feed.next()? {
                (at, request @ FeedMessage::Request(_)) => requests.push_back((at + settle_ms, request)),
                event => return Some(event),
            }
        }
    })
}

/// A replay in progress.
pub(crate) struct FeedPublisher<'a> {
    events: Sender<'a>,
    requests: Sender<'a>,
    pace: Pace,
    progress: ProgressBar,
    reported_at: Instant,
    sent: usize,
    until: Option<Millis>,
}

impl<'a> FeedPublisher<'a> {
    /// Publishes events and requests to two logs. `pause` comes before the clock begins: scorers catch up in it.
    pub(crate) fn new(
        [events, requests]: [&'a dyn Producer; 2],
        clock: Arc<FeedClock>,
        pause: Duration,
        progress: ProgressBar,
    ) -> Self {
        FeedPublisher {
            events: Sender::new(events, progress.clone()),
            requests: Sender::new(requests, progress.clone()),
            pace: Pace { clock, pause, behind: Duration::ZERO },
            reported_at: Instant::now(),
            progress,
            sent: 0,
            until: None,
        }
    }

    /// Publishes the messages of a feed until its end or a stop, and waits until all are acknowledged.
    pub(crate) fn run(&mut self, feed: impl Iterator<Item = (Millis, FeedMessage)>, stop: &Stop) -> anyhow::Result<()> {
        let mut result = Ok(());
        for (due, message) in settled(feed, self.settle_ms()) {
            if !self.pace.wait(due, stop) {
                break;
            }
            let at = match &message {
                FeedMessage::Event(event) => event.at,
                FeedMessage::Request(request) => request.as_of.map_or(due, |moment| moment.timestamp_millis()),
            };
            result = self.send(message);
            if result.is_err() {
                break;
            }
            self.until = self.until.max(Some(at));
            self.tell(at);
        }
        if result.is_ok() {
            result = self.events.finish().and_then(|()| self.requests.finish());
        }
        self.events.wait_for_the_rest();
        self.requests.wait_for_the_rest();
        self.progress.finish_and_clear();
        result
    }

    /// The time in the replay by which requests come later than their moments.
    fn settle_ms(&self) -> Millis {
        (SETTLE.as_secs_f64() * 1000.0 * self.pace.clock.speed) as Millis
    }

    /// The acknowledged events and requests.
    pub(crate) fn published(&self) -> [u64; 2] {
        [self.events.published, self.requests.published]
    }

    /// The time of the last message.
    pub(crate) fn until(&self) -> Option<Millis> {
        self.until
    }

    /// The longest time by which a message came later than the speed says.
    pub(crate) fn behind(&self) -> Duration {
        self.pace.behind
    }

    fn send(&mut self, message: FeedMessage) -> anyhow::Result<()> {
        self.sent += 1;
        match message {
            FeedMessage::Event(event) => {
                let (leg, _) = event.resolve().map_err(|invalid| anyhow::anyhow!("an event: {invalid}"))?;
                self.events.send(self.sent, Some(&key_of(leg)), encode(&event).into_bytes())
            }
            FeedMessage::Request(request) => {
                let id = request.id.to_string();
                self.requests.send(self.sent, Some(&id), encode_request(&request).into_bytes())
            }
        }
    }

    fn tell(&mut self, at: Millis) {
        if self.reported_at.elapsed() < REPORT_INTERVAL {
            return;
        }
        self.reported_at = Instant::now();
        let at = DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
        if self.progress.is_hidden() {
            say(&format!("{at}: {} messages", HumanCount(self.sent as u64)));
        }
        self.progress.set_message(at);
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use delaycast::{
        feed::{Feed, FeedRequests},
        history::{self, History},
    };

    use super::*;

    #[test]
    fn messages_before_the_begin_are_due_at_once_and_a_stop_ends_the_wait() {
        let (stop, clock) = (Stop::default(), Arc::new(FeedClock::new(1_000_000, 1.0)));
        let mut pace = Pace { clock: Arc::clone(&clock), pause: Duration::ZERO, behind: Duration::ZERO };
        assert!(pace.wait(0, &stop) && clock.now().is_none());
        assert!(pace.wait(1_000_000, &stop));
        assert!(clock.now().is_some_and(|now| now >= 1_000_000));
        stop.request();
        assert!(!pace.wait(900_000_000, &stop));
    }

    #[test]
    fn requests_come_behind_the_events_of_the_time_in_which_they_settle() {
        let History { flights, unflown, .. } = history::bundled().unwrap();
        let day = NaiveDate::from_ymd_opt(2013, 2, 4).unwrap();
        let requests =
            FeedRequests { from: day, to: day, minutes_before: vec![120], run: "r".to_owned(), follow: false };
        let feed = || Feed::new(&flights, &unflown, day, requests.clone());
        const SETTLE_MS: Millis = 3_600_000;
        let events = |until: Millis| {
            feed().take_while(|(at, _)| *at <= until).filter(|(_, it)| matches!(it, FeedMessage::Event(_))).count()
        };
        let (mut last, mut seen, mut asked) = (Millis::MIN, 0, 0);
        for (due, message) in settled(feed(), SETTLE_MS) {
            assert!(due >= last, "messages are in the order of their times");
            last = due;
            match message {
                FeedMessage::Event(_) => seen += 1,
                FeedMessage::Request(request) => {
                    assert_eq!(due, request.as_of.unwrap().timestamp_millis() + SETTLE_MS);
                    if asked % 50 == 0 {
                        assert_eq!(seen, events(due), "all events until then came before");
                    }
                    asked += 1;
                }
            }
        }
        assert!(asked > 500, "{asked}");
        assert_eq!(settled(feed(), SETTLE_MS).count(), feed().count());
    }
}
