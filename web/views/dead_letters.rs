//! The page `/ops/dead-letters`: the latest letters with their messages, and the replay.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use engine::log::{ATTEMPTS_MAX, DeadLetter, LatestLetters, ReasonCounts};
use serde::Serialize;

use super::words::grouped;
use crate::{
    dead_letters::{DEAD_LETTERS_PATH, LETTERS_MAX},
    render::View,
    replays::{ReplayEnd, ReplayProgress},
};

/// Interval between refreshes while a replay runs, without JavaScript.
const REFRESH_S: u32 = 2;
/// Upper bound on the bytes of a message that are shown.
const SHOWN_BYTES_MAX: usize = 4 << 10;

/// Upper bound on the bytes of a message that is shown at once.
const SHORT_BYTES_MAX: usize = 300;

/// The time whose letters are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Hour,
    Day,
    Week,
    Month,
}

impl Since {
    const ALL: [Since; 4] = [Since::Hour, Since::Day, Since::Week, Since::Month];

    /// Reads the value of the form; a day unless it is known.
    pub(crate) fn of(text: &str) -> Self {
        Self::ALL.into_iter().find(|since| since.value() == text).unwrap_or(Since::Day)
    }

    fn value(self) -> &'static str {
        match self {
            Since::Hour => "1h",
            Since::Day => "1d",
            Since::Week => "7d",
            Since::Month => "30d",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Since::Hour => "The last hour",
            Since::Day => "The last day",
            Since::Week => "The last 7 days",
            Since::Month => "The last 30 days",
        }
    }

    /// Returns the beginning of the time that ends now.
    pub(crate) fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - match self {
            Since::Hour => TimeDelta::hours(1),
            Since::Day => TimeDelta::days(1),
            Since::Week => TimeDelta::days(7),
            Since::Month => TimeDelta::days(30),
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLettersView {
    refresh: Option<Refresh>,
    times: Vec<TimeOption>,
    reason: String,
    /// The position of the letter that was sent back just now.
    sent: Option<String>,
    replay: Option<ReplayView>,
    is_running: bool,
    found: String,
    letters: Vec<LetterView>,
}

#[derive(Debug, Serialize)]
struct Refresh {
    after_s: u32,
    url: &'static str,
}

#[derive(Debug, Serialize)]
struct TimeOption {
    value: &'static str,
    label: &'static str,
    is_chosen: bool,
}

#[derive(Debug, Serialize)]
struct ReplayView {
    sentence: String,
    error: Option<String>,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LetterView {
    found_at: String,
    /// The same, as the form sends it.
    found_at_exact: String,
    reason: String,
    kind: String,
    partition: u32,
    offset: u64,
    id: Option<String>,
    attempts: Option<String>,
    length: String,
    message: String,
    /// It is short enough to be shown at once.
    is_short: bool,
    is_cut: bool,
    /// The reason why it cannot be sent back.
    stays: Option<&'static str>,
}

impl View for DeadLettersView {
    const PAGE: &'static str = "dead_letters";
}

impl DeadLettersView {
    /// The letters that were found, and the last replay.
    pub(crate) fn new(
        since: Since,
        reason: String,
        sent: Option<String>,
        found: &LatestLetters,
        replay: Option<ReplayProgress>,
    ) -> Self {
        let mut shown = match (found.found, found.letters.len() as u64) {
            (0, _) => "There are none.".to_owned(),
            (all, shown) if all == shown => format!("{}, the newest first.", grouped(all)),
            (all, shown) => format!("{}, of which the newest {shown} are shown.", grouped(all)),
        };
        if !found.is_complete {
            shown += " There are newer ones: reading all took too long. Choose a shorter time.";
        }
        DeadLettersView {
            refresh: None,
            times: times(since),
            reason,
            sent,
            replay: replay.map(replay_view),
            is_running: false,
            found: shown,
            letters: found.letters.iter().take(LETTERS_MAX).map(letter_view).collect(),
        }
    }

    /// The progress of a replay that runs.
    pub(crate) fn running(since: Since, reason: String, replay: Option<ReplayProgress>) -> Self {
        DeadLettersView {
            refresh: Some(Refresh { after_s: REFRESH_S, url: DEAD_LETTERS_PATH }),
            times: times(since),
            reason,
            sent: None,
            replay: replay.map(replay_view),
            is_running: true,
            found: String::new(),
            letters: Vec::new(),
        }
    }
}

fn times(chosen: Since) -> Vec<TimeOption> {
    let option = |since: Since| TimeOption { value: since.value(), label: since.label(), is_chosen: since == chosen };
    Since::ALL.map(option).into()
}

fn replay_view(ReplayProgress { started_at, reason, summary, end }: ReplayProgress) -> ReplayView {
    let what = reason.map_or_else(|| "all reasons".to_owned(), |reason| format!("reasons with “{reason}”"));
    let (at, sent, kept) = (started_at.format("%H:%M:%S UTC"), grouped(summary.sent), grouped(summary.kept));
    let (verb, error) = match end {
        ReplayEnd::Running => ("runs", None),
        ReplayEnd::Done => ("is done", None),
        ReplayEnd::Failed(error) => ("has stopped", Some(error)),
    };
    let reason = |(reason, ReasonCounts { sent, kept_tried, kept_cut }): (&String, &ReasonCounts)| {
        format!("{reason}: {} sent, {} kept", grouped(*sent), grouped(kept_tried + kept_cut))
    };
    ReplayView {
        sentence: format!("The replay of {what}, begun at {at}, {verb}: {sent} sent back, {kept} kept."),
        error,
        reasons: summary.reasons.iter().map(reason).collect(),
    }
}

fn letter_view(letter: &DeadLetter) -> LetterView {
    let bytes = letter.payload.bytes();
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let stays = if !letter.payload.is_complete() {
        Some("It stays: only its beginning was kept.")
    } else if letter.attempt >= ATTEMPTS_MAX {
        Some("It stays: it was sent back as often as is allowed.")
    } else {
        None
    };
    LetterView {
        found_at: letter.found_at.format("%-d %B %Y, %H:%M:%S").to_string(),
        found_at_exact: letter.found_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        reason: letter.reason.clone(),
        kind: letter.kind.name().to_owned(),
        partition: letter.position.partition.0,
        offset: letter.position.offset.0,
        id: letter.id.as_ref().map(|id| id.as_str().to_owned()),
        attempts: (letter.attempt > 0).then(|| format!("sent back {} of {ATTEMPTS_MAX} times", letter.attempt)),
        length: format!("{} bytes", grouped(letter.payload.len() as u64)),
        is_short: letter.payload.len() <= SHORT_BYTES_MAX,
        message: String::from_utf8_lossy(shown).into_owned(),
        is_cut: shown.len() < letter.payload.len(),
        stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_time_is_a_day() {
        assert_eq!(
            ["1h", "1d", "7d", "30d", "", "x"].map(Since::of),
            [Since::Hour, Since::Day, Since::Week, Since::Month, Since::Day, Since::Day]
        );
    }
}
