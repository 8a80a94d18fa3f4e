//! `delaycast replay`: sends dead letters back into their topic.

use std::ops::ControlFlow;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args as ClapArgs;
use delaycast::domain::Flights;
use engine::{
    clock,
    log::{
        ATTEMPTS_MAX, DeadLetterKinds, DeadLetters, LetterLog, LogDeadLetters, ReasonCounts, ReplayFilter,
        ReplaySummary,
    },
};
use indicatif::HumanCount;

use crate::{
    app::{open_existing_events, open_existing_log},
    options::{Format, LogOption},
    progress::say,
};

/// Send dead letters back into their topic, once what killed them is mended
///
/// Each goes back as it was, byte by byte, and is answered, or dies again, as any message is. Those that were sent back
/// 3 times stay, and so do those of which only the first 256 KiB were kept. What is sent is remembered, so that the
/// next run goes on after it; if this one is killed in the middle, some are sent twice, which changes no answer.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast replay --dry-run
  delaycast replay --reason Carrier --log kafka://broker:9092/requests
  delaycast replay --since 2h
  delaycast replay --events sqlite:var/delaycast.db")]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogOption,
    /// Those of this log of events, and not those of requests: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(long, value_name = "URL")]
    events: Option<String>,
    /// Those written since then, whether they were sent before or not: a moment as in 2026-11-23T12:00:00Z, or so long
    /// ago, as in 90m, 2h or 7d
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// Those alone whose reason has this text in it. What was sent is remembered for each text by itself
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Tell what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Number of letters between two progress lines.
const PROGRESS_EVERY: u64 = 10_000;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // Nothing is created: a file or topic that does not exist has no dead letters.
    let (log, of) = match &args.events {
        None => (open_existing_log(&args.log.url)?, LetterLog::Requests),
        Some(url) => (open_existing_events(url)?, LetterLog::Events),
    };
    let letters = LogDeadLetters::new(log, DeadLetterKinds::of_log::<Flights>(of));
    let filter = ReplayFilter { since: args.since, reason: args.reason.as_deref(), dry_run: args.dry_run };
    let mut printed = 0;
    let summary = letters.replay(filter, &mut |summary| {
        if summary.sent / PROGRESS_EVERY > printed {
            printed = summary.sent / PROGRESS_EVERY;
            say(&format!("{} so far", HumanCount(summary.sent)));
        }
        ControlFlow::Continue(())
    })?;
    args.format.print(&summary, in_words)
}

fn in_words(summary: &ReplaySummary) -> String {
    let count = |number: u64| HumanCount(number);
    let verb = if summary.dry_run { "would be sent back" } else { "sent back" };
    let mut text = format!("{} {verb}, {} kept", count(summary.sent), count(summary.kept));
    if summary.filtered_out > 0 {
        text += &format!(", {} of other reasons passed over", count(summary.filtered_out));
    }
    let of_kind = |(kind, ReasonCounts { sent, kept_tried, kept_cut }): (&&str, &ReasonCounts)| {
        format!("{kind} {}", count(sent + kept_tried + kept_cut))
    };
    if !summary.kinds.is_empty() {
        text += &format!("\n  kinds: {}", summary.kinds.iter().map(of_kind).collect::<Vec<_>>().join(", "));
    }
    for (reason, ReasonCounts { sent, kept_tried, kept_cut }) in &summary.reasons {
        text += &format!("\n  {} {verb}: {reason}", count(*sent));
        if *kept_tried > 0 {
            text += &format!("\n    {} kept: they were sent back {ATTEMPTS_MAX} times", count(*kept_tried));
        }
        if *kept_cut > 0 {
            text += &format!("\n    {} kept: only their first 256 KiB are there", count(*kept_cut));
        }
    }
    text
}

/// Parses a moment, or a duration before now.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    parse_moment(text, clock::now()).map_err(|error| error.to_string())
}

fn parse_moment(text: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    now.checked_sub_signed(duration(text)?).context("that is before all time")
}

/// Parses a duration, as in 90m.
pub(crate) fn duration(text: &str) -> anyhow::Result<TimeDelta> {
    let wanted = "is wanted, as in 90m, 2h or 7d";
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let Ok(number) = number.parse::<u32>() else { bail!("a number and s, m, h or d {wanted}") };
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => bail!("s, m, h or d {wanted}"),
    };
    TimeDelta::try_seconds(i64::from(number) * seconds).context("that is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_absolute_or_relative() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let ago = |text| (now - parse_moment(text, now).unwrap()).num_seconds();
        assert_eq!(["7s", "90m", "2h", "7d"].map(ago), [7, 5400, 7200, 604_800]);
        assert_eq!(parse_moment("2023-11-14T22:13:20Z", now).unwrap(), now);
        for bad in ["", "7", "h", "-1h", "1.5h", "7w", "2026-11-23", "1é"] {
            assert!(parse_moment(bad, now).is_err(), "{bad}");
        }
    }
}
