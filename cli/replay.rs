//! `delaycast replay`: sends dead letters back into their topic.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::channel},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args as ClapArgs;
use delaycast::domain::Flights;
use engine::{
    clock,
    log::{DeadLetter, DeadLetterKinds, DeadLetterSpan, DeadLettersFrom, Producer},
    request::RequestId,
};
use indicatif::HumanCount;
use serde::Serialize;

use crate::{
    app::open_existing_log,
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
  delaycast replay --since 2h")]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogOption,
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

/// Upper bound on the attempts of a message.
const ATTEMPTS_MAX: u32 = 3;
/// Upper bound on the messages in flight: with 256 KiB each, well within a producer's queue.
const IN_FLIGHT_MAX: usize = 64;
/// Timeout of a read of dead letters.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of an acknowledgement; longer than the producer's own deadline.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the reasons that are counted separately.
const REASONS_MAX: usize = 20;
/// Upper bound on the length of a reason that is shown.
const REASON_CHARS_MAX: usize = 100;
/// Number of letters between two progress lines.
const PROGRESS_EVERY: u64 = 10_000;

/// The counts of the letters of a reason.
#[derive(Debug, Default, Serialize)]
struct Counts {
    sent: u64,
    /// Letters that have reached the bound on attempts.
    kept_tried: u64,
    /// Letters of which only the beginning was kept.
    kept_cut: u64,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    dry_run: bool,
    sent: u64,
    kept: u64,
    /// Letters that the filter leaves out.
    #[serde(rename = "passed_over")]
    filtered_out: u64,
    /// The counts by kind of reason, which is a fixed set.
    kinds: BTreeMap<&'static str, Counts>,
    reasons: BTreeMap<String, Counts>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // Nothing is created: a file or topic that does not exist has no dead letters.
    let log = open_existing_log(&args.log.url)?;
    // Each filter has its own committed offset: letters that it leaves out are not done.
    let group = args.reason.as_ref().map_or_else(|| "replay".to_owned(), |reason| format!("replay.{}", short(reason)));
    let from = args.since.map_or(DeadLettersFrom::Group(&group), DeadLettersFrom::Moment);
    let doing = || format!("cannot read the dead letters of {}", log.describe());
    let mut letters = log.read_dead_letters(DeadLetterSpan { from, follow: false }).with_context(doing)?;
    let producer = if args.dry_run { None } else { Some(log.producer()?) };
    let mut summary = Summary { dry_run: args.dry_run, ..Summary::default() };
    let mut printed = 0;
    while !letters.is_done() {
        let page = letters.next(IN_FLIGHT_MAX, READ_TIMEOUT).with_context(doing)?;
        let chosen = page.into_iter().filter(|letter| summary.choose(letter, args.reason.as_deref())).collect();
        if let Some(producer) = &producer {
            let sent = summary.sent;
            send(producer, chosen).with_context(|| format!("stopped at about {sent}; run this again to go on"))?;
            letters
                .commit()
                .context("what was sent could not be noted down: the next run sends the last ones again")?;
        }
        if summary.sent / PROGRESS_EVERY > printed {
            printed = summary.sent / PROGRESS_EVERY;
            say(&format!("{} so far", HumanCount(summary.sent)));
        }
    }
    args.format.print(&summary, in_words)
}

impl Summary {
    /// Returns whether the letter is to be sent.
    fn choose(&mut self, letter: &DeadLetter, reason: Option<&str>) -> bool {
        if reason.is_some_and(|reason| !letter.reason.contains(reason)) {
            self.filtered_out += 1;
            return false;
        }
        let mut name = short(&letter.reason);
        if self.reasons.len() >= REASONS_MAX && !self.reasons.contains_key(&name) {
            name = "other reasons".to_owned();
        }
        let send = letter.attempt < ATTEMPTS_MAX && letter.payload.is_complete();
        for counts in [
            self.reasons.entry(name).or_default(),
            self.kinds.entry(DeadLetterKinds::of::<Flights>().name_of(&letter.kind)).or_default(),
        ] {
            match letter.payload.is_complete() {
                _ if send => counts.sent += 1,
                true => counts.kept_tried += 1,
                false => counts.kept_cut += 1,
            }
        }
        *(if send { &mut self.sent } else { &mut self.kept }) += 1;
        send
    }
}

fn short(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

/// Sends letters back and waits for all acknowledgements.
fn send(producer: &Arc<dyn Producer>, letters: Vec<DeadLetter>) -> anyhow::Result<()> {
    let (report, acknowledged) = channel();
    let count = letters.len();
    for DeadLetter { id, payload, attempt, .. } in letters {
        let report = report.clone();
        // After an error the receiver is gone.
        let done = Box::new(move |result| drop(report.send(result)));
        producer.republish(id.as_ref().map(RequestId::as_str), payload.bytes().to_vec(), attempt + 1, done);
    }
    for _ in 0..count {
        acknowledged.recv_timeout(ACKNOWLEDGEMENT_TIMEOUT).map_err(|_| anyhow!("the log does not answer"))??;
    }
    Ok(())
}

fn in_words(summary: &Summary) -> String {
    let count = |number: u64| HumanCount(number);
    let verb = if summary.dry_run { "would be sent back" } else { "sent back" };
    let mut text = format!("{} {verb}, {} kept", count(summary.sent), count(summary.kept));
    if summary.filtered_out > 0 {
        text += &format!(", {} of other reasons passed over", count(summary.filtered_out));
    }
    let of_kind = |(kind, Counts { sent, kept_tried, kept_cut }): (&&str, &Counts)| {
        format!("{kind} {}", count(sent + kept_tried + kept_cut))
    };
    if !summary.kinds.is_empty() {
        text += &format!("\n  kinds: {}", summary.kinds.iter().map(of_kind).collect::<Vec<_>>().join(", "));
    }
    for (reason, Counts { sent, kept_tried, kept_cut }) in &summary.reasons {
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
