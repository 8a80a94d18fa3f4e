//! `delaycast simulate`: replays a history as events and requests.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use clap::Args as ClapArgs;
use delaycast::{
    feed::{Feed, FeedRequests},
    history::{self, History},
    live::{Millis, Minutes},
};
use engine::{clock, runtime::Stop};
use indicatif::HumanCount;
use serde::Serialize;

use crate::{
    app::{events_at, events_beside, on_stop, open_events},
    feed::{FeedClock, FeedPublisher},
    options::{Format, LogOption},
    sender::progress_bar,
};

/// Replay flights of the past as the events that a feed would have sent, and ask about them
///
/// First come the events of the days before, at once: a scorer knows a flight's aeroplane by the last six days, and its
/// record by the last two weeks. Then events and requests come at their times, so many times faster than they were.
/// Each request is as of its moment (AsOf), so that its answer does not depend on the speed, as long as scorers keep up
/// with the events.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast simulate --from 2013-12-23 --speed 600
  delaycast simulate --data flights-2008 --from 2008-03-10 --ask 240,60,0
  delaycast simulate --data flights-2008 --from 2008-03-10 \\
      --to 2008-03-16 --speed 0 --ask none

Ctrl-C ends it after what was published is acknowledged. A request has the UUID RUN-AA123-ORD-2008-03-10-120: the run,
the flight, and the minutes before its scheduled departure.")]
pub(crate) struct Args {
    /// Flights: a directory that `delaycast data import` wrote, or a Parquet file; may be given several times
    /// [default: New York's flights of 2013, which are built in]
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// The first day of departure, as 2008-03-10
    #[arg(long, value_name = "DATE")]
    from: NaiveDate,
    /// The last day of departure [default: the first]
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// The factor by which time passes faster than it did; 0 is as fast as the logs take it
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    speed: f64,
    /// The minutes before the scheduled departure at which each flight is asked about; none asks nothing
    #[arg(
        long,
        value_name = "MINUTES",
        default_value = "120",
        value_parser = minutes_before,
        allow_hyphen_values = true
    )]
    ask: AskMoments,
    /// Have the answers followed: versions land until the flights arrive
    #[arg(long)]
    follow: bool,
    /// The days before the first one whose events come first
    #[arg(long, value_name = "DAYS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(..=60))]
    days_before: u64,
    /// The pause after them, in seconds, in which scorers catch up
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    pause: u64,
    /// The first part of the requests' UUIDs [default: the time of the start]
    #[arg(long, value_name = "RUN", value_parser = run_name)]
    run: Option<String>,
    #[command(flatten)]
    log: LogOption,
    /// The log of events: sqlite:PATH, or kafka://HOST:PORT/TOPIC [default: beside the request log]
    #[arg(id = "events", long, value_name = "URL", env = "DELAYCAST_EVENTS", hide_env_values = true)]
    events: Option<String>,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The moments at which a flight is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AskMoments(Vec<Minutes>);

fn minutes_before(text: &str) -> Result<AskMoments, String> {
    if text == "none" {
        return Ok(AskMoments(Vec::new()));
    }
    let minutes = |part: &str| part.trim().parse().ok().filter(|minutes| (-600..=1440).contains(minutes));
    let asked: Option<Vec<Minutes>> = text.split(',').map(minutes).collect();
    asked.map(AskMoments).ok_or_else(|| "minutes from -600 to 1440 are wanted, as in 240,60,0; or none".to_owned())
}

fn run_name(text: &str) -> Result<String, String> {
    let is_valid = !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then(|| text.to_owned()).ok_or_else(|| "at most 64 printable characters of ASCII are wanted".to_owned())
}

/// The result.
#[derive(Serialize)]
struct Report {
    run: String,
    events: u64,
    requests: u64,
    /// The time of the last message, as it was.
    until: Option<DateTime<Utc>>,
    /// The longest time by which a message came later than the speed says, in seconds.
    behind_seconds: f64,
    seconds: f64,
    stopped: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (from, to) = (args.from, args.to.unwrap_or(args.from));
    ensure!(from <= to, "--from {from} is after --to {to}: swap them");
    ensure!(args.speed.is_finite() && args.speed >= 0.0, "--speed {} is no number of 0 or more", args.speed);
    let stop = Stop::default();
    on_stop(&stop)?;
    let history = if args.data.is_empty() { history::bundled()? } else { history::read(&args.data)? };
    let History { flights, unflown, .. } = &history;
    let first = flights.first().zip(flights.last()).map(|(first, last)| (first.date, last.date));
    match first {
        Some((first, last)) if from > last || to < first => {
            bail!("the flights are of {first} to {last}: --from and --to name none of these days")
        }
        None => bail!("there are no flights"),
        Some(_) => {}
    }
    let events = match &args.events {
        Some(url) => url.clone(),
        None => events_beside(&args.log.url)?,
    };
    let Some(events) = events_at(&events) else { bail!("--events none names no log to publish to") };
    let (log, events) = (args.log.open()?.producer()?, open_events(events)?.producer()?);
    let run = args.run.clone().unwrap_or_else(|| clock::now().format("%Y%m%dT%H%M%S").to_string());
    let requests = FeedRequests { from, to, minutes_before: args.ask.0.clone(), run: run.clone(), follow: args.follow };
    let before = from.checked_sub_days(Days::new(args.days_before)).context("--from is too early")?;
    let feed = Feed::new(flights, unflown, before, requests);
    let clock = Arc::new(FeedClock::new(millis(from), args.speed));
    let pause = Duration::from_secs(if args.days_before == 0 { 0 } else { args.pause });
    let mut publisher = FeedPublisher::new([&*events, &*log], clock, pause, progress_bar());
    let began_at = Instant::now();
    let result = publisher.run(feed, &stop);
    let [events, requests] = publisher.published();
    let report = Report {
        run,
        events,
        requests,
        until: publisher.until().and_then(DateTime::from_timestamp_millis),
        behind_seconds: publisher.behind().as_secs_f64(),
        seconds: began_at.elapsed().as_secs_f64(),
        stopped: stop.is_requested(),
    };
    args.format.print(&report, in_words)?;
    result
}

fn in_words(report: &Report) -> String {
    let Report { run, events, requests, until, behind_seconds, seconds, stopped } = report;
    let until = until.map_or(String::new(), |at| format!(", until {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    let stopped = if *stopped { "Stopped: " } else { "" };
    let mut text = format!(
        "{stopped}{} events and {} requests published in {seconds:.1} s{until}\n",
        HumanCount(*events),
        HumanCount(*requests)
    );
    if *behind_seconds >= 1.0 {
        text += &format!("  up to {behind_seconds:.0} s late: the logs are slower than the speed\n");
    }
    text + &format!("  run     {run}\n")
}

/// Local midnight of a day counts as that of UTC: days are hours apart anyway.
fn millis(day: NaiveDate) -> Millis {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_to_ask_at_are_minutes_within_limits_or_none() {
        assert_eq!(minutes_before("240, 60,-5"), Ok(AskMoments(vec![240, 60, -5])));
        assert_eq!(minutes_before("none"), Ok(AskMoments(vec![])));
        assert!(["", "1441", "a", "60,", "-601"].into_iter().all(|text| minutes_before(text).is_err()));
        assert!(run_name("r-1").is_ok() && run_name("").is_err() && run_name("a b").is_err());
    }
}
