//! Following a source on a thread of its own, at a small share of the time.

use std::{
    sync::mpsc::SyncSender,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use delaycast::{
    delivery::{Backoff, Health, Unavailable},
    log::DeadLetter,
    store::Landed,
};

use crate::score::Stop;

/// So many rows are read at once.
pub(super) const ROWS_MAX: usize = 10_000;
/// So many dead letters are read at once: each may have 256 KiB.
pub(super) const LETTERS_MAX: usize = 64;
/// A source is read for at most one part in so many of the time.
const SHARE: u32 = 20;
/// When nothing more is at hand, the next look is after this, or later.
const LOOK: Duration = Duration::from_secs(1);
/// A thread that pauses looks up this often, whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// What a source has.
pub(super) enum Rows {
    Answers(Vec<Landed>),
    DeadLetters(Vec<DeadLetter>),
}

/// What a follower tells.
pub(super) enum News {
    /// Rows; up to this moment nothing is left unread.
    Rows(Rows, DateTime<Utc>),
    /// The end is in sight.
    CaughtUp,
}

/// Reads on: the rows, the moment up to which all are read, and whether more are at hand.
pub(super) type Next = Box<dyn FnMut() -> Result<(Rows, Option<DateTime<Utc>>), Unavailable> + Send>;
/// Opens a source.
pub(super) type Open = Box<dyn Fn() -> Result<Next, Unavailable> + Send>;

/// Follows a source and tells of it under its number, until it is to stop or nobody listens. What is read ahead is
/// bounded by the channel.
pub(super) fn follow(number: usize, open: &Open, health: &Health, news: &SyncSender<(usize, News)>, stop: &Stop) {
    let (mut next, mut backoff) = (None, Backoff::new());
    while !stop.asked() {
        let started = Instant::now();
        let page = match &mut next {
            None => open().map(|opened| {
                next = Some(opened);
                None
            }),
            Some(next) => next().map(Some),
        };
        let took = started.elapsed();
        let (told, pause) = match page {
            Ok(None) => continue,
            Ok(Some((rows, unread_from))) => {
                health.serving();
                backoff = Backoff::new();
                let caught_up = unread_from.is_none();
                let told = news.send((number, News::Rows(rows, unread_from.unwrap_or_else(Utc::now))));
                let told = told.and_then(|()| if caught_up { news.send((number, News::CaughtUp)) } else { Ok(()) });
                (told, pause(took, caught_up))
            }
            Err(error) => {
                health.waiting(&error);
                (Ok(()), backoff.next_pause(error.needs_operator).max(pause(took, true)))
            }
        };
        if told.is_err() {
            return;
        }
        let until = Instant::now() + pause;
        while Instant::now() < until && !stop.asked() {
            thread::sleep(NAP.min(until.saturating_duration_since(Instant::now())));
        }
    }
}

/// How long to leave a source alone after it was read for `took`.
fn pause(took: Duration, caught_up: bool) -> Duration {
    let rest = took * (SHARE - 1);
    if caught_up { rest.max(LOOK) } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_5_a_source_is_read_for_a_small_share_of_the_time() {
        let ms = Duration::from_millis;
        assert_eq!(pause(ms(10), false), ms(190));
        assert_eq!(pause(ms(10), true), LOOK);
        assert_eq!(pause(ms(500), true), ms(9500));
    }
}
