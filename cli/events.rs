//! `delaycast events`: publishes events of flights.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};
use delaycast::live::{self, LegId};

use crate::{
    app::{events_at, open_events},
    options::EMBEDDED,
    send::publish,
};

/// Publish events of flights
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Send(SendArgs),
}

/// Publish events to their log, one JSON object a line, and wait until each is acknowledged
///
/// All events of a flight on a day go to one partition. Scorers take them over within a second.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  echo '{\"Event\":\"cancelled\",\"At\":\"2013-12-25T20:00:00Z\",\"Carrier\":\"B6\",' \\
       '\"FlightNum\":15,\"FlightDate\":\"2013-12-25\",\"Origin\":\"JFK\"}' | \\
    delaycast events send -

Lines are published as they are: what the scorer cannot read, it keeps as a dead letter. An event that is published again
changes nothing. An embedded file and topic that are not there are made.")]
struct SendArgs {
    /// The file of events; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The log of events: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(
        id = "events",
        long,
        value_name = "URL",
        default_value = EMBEDDED,
        env = "DELAYCAST_EVENTS",
        hide_env_values = true
    )]
    url: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let Command::Send(args) = &args.command;
    let Some(url) = events_at(&args.url) else { bail!("--events none names no log to publish to") };
    let producer = open_events(url)?.producer()?;
    let published = publish(&args.file, &*producer, |line| live::decode(line).ok().map(|(leg, _)| key_of(leg)))?;
    if published.without_key > 0 {
        tracing::warn!(
            "{} of them are no events: they are published as they are, without a key",
            published.without_key
        );
    }
    Ok(())
}

/// Returns the key of a leg's messages: messages of one key go to one partition.
pub(crate) fn key_of(LegId { carrier, number, origin, date }: LegId) -> String {
    format!("{carrier} {number} {origin} {date}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_has_one_key() {
        let leg = LegId {
            carrier: "AA".parse().unwrap(),
            number: 17,
            origin: "ATL".parse().unwrap(),
            date: "2016-12-05".parse().unwrap(),
        };
        assert_eq!(key_of(leg), "AA 17 ATL 2016-12-05");
    }
}
