//! Following a source on a thread of its own, at a small share of the time.

use std::{
    sync::mpsc::SyncSender,
    time::{Duration, Instant},
};

use engine::{
    delivery::{Health, Unavailable},
    domain::Domain,
    log::DeadLetter,
    runtime::{Backoff, Stop},
    store::Landed,
};

use super::{Timestamp, time::Time};

/// So many rows are read at once.
pub(super) const ROWS_MAX: usize = 10_000;
/// So many dead letters are read at once: each may have 256 KiB.
pub(super) const LETTERS_MAX: usize = 64;
/// After this many bytes of them more are at hand: every log ends a page at 8 MiB or later.
pub(super) const LETTER_BYTES_MAX: usize = 8 << 20;
/// A source is read for at most one part in so many of the time.
const SHARE: u32 = 20;
/// When nothing more is at hand, the next look is after this, or later.
const LOOK: Duration = Duration::from_secs(1);

/// What a source has.
pub(super) enum Rows<D: Domain> {
    Answers(Vec<Landed<D>>),
    DeadLetters(Vec<DeadLetter>),
}

/// What a follower tells.
pub(super) enum Update<D: Domain> {
    /// Rows. They were not there when the end was last in sight, at this moment, if it ever was.
    Rows(Rows<D>, Option<Timestamp>),
    /// The end is in sight: nothing that landed before this moment is left unread.
    CaughtUp(Timestamp),
}

/// Reads on: the rows, and whether more are at hand.
pub(super) type ReadPage<D> = Box<dyn FnMut() -> Result<(Rows<D>, bool), Unavailable> + Send>;
/// Opens a source.
pub(super) type OpenSource<D> = Box<dyn Fn() -> Result<ReadPage<D>, Unavailable> + Send>;

/// Follows a source and tells of it under its number, until it is to stop or nobody listens. What is read ahead is
/// bounded by the channel.
pub(super) fn follow<D: Domain>(
    number: usize,
    open: &OpenSource<D>,
    health: &Health,
    time: &Time,
    updates: &SyncSender<(usize, Update<D>)>,
    stop: &Stop,
) {
    let (mut next, mut backoff, mut caught_up_at) = (None, Backoff::new(), None);
    while !stop.asked() {
        let (started, looked_at) = (Instant::now(), time.now());
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
            Ok(Some((rows, more))) => {
                health.serving();
                backoff = Backoff::new();
                let mut told = updates.send((number, Update::Rows(rows, caught_up_at)));
                if !more {
                    caught_up_at = Some(looked_at);
                    told = told.and_then(|()| updates.send((number, Update::CaughtUp(looked_at))));
                }
                (told, pause(took, !more))
            }
            Err(error) => {
                health.waiting(&error);
                (Ok(()), backoff.next_pause(error.needs_operator).max(pause(took, true)))
            }
        };
        if told.is_err() {
            return;
        }
        stop.sleep(pause);
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
