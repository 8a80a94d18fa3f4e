//! The page `/ops/dead-letters`: the latest letters with their messages, and the replay.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use engine::log::{ATTEMPTS_MAX, DeadLetter, LatestLetters, LetterLog, ReasonCounts};
use serde::Serialize;

use crate::{
    dead_letters::{LETTERS_MAX, log_name, page_of},
    render::View,
    replays::{ReplayEnd, ReplayProgress},
    texts::{Texts, say},
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

    fn label(self, texts: Texts) -> String {
        match self {
            Since::Hour => say!(texts, "letters-hour"),
            Since::Day => say!(texts, "letters-day"),
            Since::Week => say!(texts, "letters-week"),
            Since::Month => say!(texts, "letters-month"),
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

/// The letters that a visitor has chosen.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) log: LetterLog,
    /// The page knows a log of events, too.
    pub(crate) has_events: bool,
    pub(crate) since: Since,
    /// A text of the reason.
    pub(crate) reason: String,
}

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLettersView {
    refresh: Option<Refresh>,
    /// The logs to choose from; none if there is one.
    logs: Vec<ChoiceOption>,
    /// The chosen log, as forms send it.
    log_name: &'static str,
    is_of_events: bool,
    times: Vec<ChoiceOption>,
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
    url: String,
}

#[derive(Debug, Serialize)]
struct ChoiceOption {
    value: &'static str,
    label: String,
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
    /// The log, as the form sends it.
    log_name: &'static str,
    /// The time, the partition and the offset.
    place: String,
    /// The time, as the form sends it.
    found_at_exact: String,
    reason: String,
    kind: String,
    partition: u32,
    offset: u64,
    id: Option<String>,
    attempts: Option<String>,
    message_title: String,
    message: String,
    send_label: String,
    /// It is short enough to be shown at once.
    is_short: bool,
    /// The reason why it cannot be sent back.
    stays: Option<String>,
}

impl View for DeadLettersView {
    const PAGE: &'static str = "dead_letters";
    const SECTION: &'static str = "operations";
}

impl DeadLettersView {
    /// The letters that were found, and the last replay.
    pub(crate) fn new(
        choice: Choice,
        sent: Option<String>,
        found: &LatestLetters,
        replay: Option<ReplayProgress>,
        texts: Texts,
    ) -> Self {
        let mut shown = match (found.found, found.letters.len() as u64) {
            (0, _) => say!(texts, "letters-none"),
            (all, shown) if all == shown => say!(texts, "letters-all", count = all),
            (all, shown) => say!(texts, "letters-newest", count = all, shown = shown),
        };
        if !found.is_complete {
            shown += " ";
            shown += &say!(texts, "letters-incomplete");
        }
        DeadLettersView {
            sent,
            replay: replay.map(|replay| replay_view(replay, texts)),
            found: shown,
            letters: found
                .letters
                .iter()
                .take(LETTERS_MAX)
                .map(|letter| letter_view(choice.log, letter, texts))
                .collect(),
            ..Self::empty(choice, texts)
        }
    }

    /// The progress of a replay that runs.
    pub(crate) fn running(choice: Choice, replay: Option<ReplayProgress>, texts: Texts) -> Self {
        DeadLettersView {
            refresh: Some(Refresh { after_s: REFRESH_S, url: page_of(choice.log) }),
            replay: replay.map(|replay| replay_view(replay, texts)),
            is_running: true,
            ..Self::empty(choice, texts)
        }
    }

    fn empty(Choice { log, has_events, since, reason }: Choice, texts: Texts) -> Self {
        DeadLettersView {
            refresh: None,
            logs: if has_events { logs(log, texts) } else { Vec::new() },
            log_name: log_name(log),
            is_of_events: log == LetterLog::Events,
            times: times(since, texts),
            reason,
            sent: None,
            replay: None,
            is_running: false,
            found: String::new(),
            letters: Vec::new(),
        }
    }
}

fn logs(chosen: LetterLog, texts: Texts) -> Vec<ChoiceOption> {
    let option = |log, label| ChoiceOption { value: log_name(log), label, is_chosen: log == chosen };
    vec![
        option(LetterLog::Requests, say!(texts, "letters-of-requests")),
        option(LetterLog::Events, say!(texts, "letters-of-events")),
    ]
}

fn times(chosen: Since, texts: Texts) -> Vec<ChoiceOption> {
    let option =
        |since: Since| ChoiceOption { value: since.value(), label: since.label(texts), is_chosen: since == chosen };
    Since::ALL.map(option).into()
}

fn replay_view(ReplayProgress { started_at, log, reason, summary, end }: ReplayProgress, texts: Texts) -> ReplayView {
    let what = match (log, reason) {
        (LetterLog::Requests, None) => say!(texts, "letters-replay-all"),
        (LetterLog::Requests, Some(reason)) => say!(texts, "letters-replay-reason", reason = reason.as_str()),
        (LetterLog::Events, None) => say!(texts, "letters-replay-events"),
        (LetterLog::Events, Some(reason)) => say!(texts, "letters-replay-events-reason", reason = reason.as_str()),
    };
    let at = started_at.format("%H:%M:%S UTC").to_string();
    let (what, at, sent, kept) = (what.as_str(), at.as_str(), summary.sent, summary.kept);
    let (sentence, error) = match end {
        ReplayEnd::Running => {
            (say!(texts, "letters-replay-runs", what = what, at = at, sent = sent, kept = kept), None)
        }
        ReplayEnd::Done => (say!(texts, "letters-replay-done", what = what, at = at, sent = sent, kept = kept), None),
        ReplayEnd::Failed(error) => {
            (say!(texts, "letters-replay-stopped", what = what, at = at, sent = sent, kept = kept), Some(error))
        }
    };
    let line = |(reason, ReasonCounts { sent, kept_tried, kept_cut }): (&String, &ReasonCounts)| {
        say!(texts, "letters-replay-line", reason = reason.as_str(), sent = *sent, kept = kept_tried + kept_cut)
    };
    ReplayView { sentence, error, reasons: summary.reasons.iter().map(line).collect() }
}

fn letter_view(log: LetterLog, letter: &DeadLetter, texts: Texts) -> LetterView {
    let bytes = letter.payload.bytes();
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let stays = if !letter.payload.is_complete() {
        Some(say!(texts, "letters-stays-cut"))
    } else if letter.attempt >= ATTEMPTS_MAX {
        Some(say!(texts, "letters-stays-tried"))
    } else {
        None
    };
    let found_at = format!("{}, {}", texts.day(letter.found_at.date_naive()), letter.found_at.format("%H:%M:%S"));
    // Offsets are names and no counts: without a sign between thousands.
    let (partition, offset) = (letter.position.partition.0, letter.position.offset.0);
    let (in_partition, at_offset) = (partition.to_string(), offset.to_string());
    let (in_partition, at_offset) = (in_partition.as_str(), at_offset.as_str());
    let length = letter.payload.len() as u64;
    LetterView {
        log_name: log_name(log),
        place: say!(texts, "letters-place", at = found_at.as_str(), partition = in_partition, offset = at_offset),
        found_at_exact: letter.found_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        reason: letter.reason.clone(),
        kind: letter.kind.name().to_owned(),
        partition,
        offset,
        id: letter.id.as_ref().map(|id| id.as_str().to_owned()),
        attempts: (letter.attempt > 0)
            .then(|| say!(texts, "letters-attempts", attempt = letter.attempt, most = ATTEMPTS_MAX)),
        message_title: if (shown.len() as u64) < length {
            say!(texts, "letters-message-cut", bytes = length)
        } else {
            say!(texts, "letters-message", bytes = length)
        },
        is_short: letter.payload.len() <= SHORT_BYTES_MAX,
        message: String::from_utf8_lossy(shown).into_owned(),
        send_label: say!(texts, "letters-send-one", offset = at_offset, partition = in_partition),
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
