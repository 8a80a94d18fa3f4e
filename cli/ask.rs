//! `delaycast ask`: publishes one request and waits for its answer.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use delaycast::{
    ask::{AskError, ask, read_request},
    domain::Flights,
    request::{Field, MESSAGE_BYTES_MAX},
};
use engine::{
    delivery::Unavailable,
    follow::{FollowState, FollowedVersion},
    request::RequestId,
    runtime::{Stop, retry},
    store::{Outcome, Store},
};
use serde_json::json;

use crate::{
    answer,
    app::on_stop,
    options::{Format, LogOption, StoreOption},
    progress::{say, say_if_typed},
    replay,
};

/// Ask how late a flight will be, and wait for the answer
///
/// Publishes one request to the log and looks for its answer in the store. A scorer must be running on both. What is
/// left out of the flight is as in the page's form. The exit code is 0 if the request is answered, 1 if it is rejected
/// or cannot be asked, 75 if there is no answer in time: it may still come.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast ask --carrier B6 --origin JFK --dest SFO --dep-delay 41
  delaycast ask --dep-delay '' --format json
  delaycast ask --carrier B6 --flight-num 15 --origin JFK --dest SFO \\
       --date 2026-12-25 --dep-delay '' --follow
  echo '{\"Carrier\":\"AA\",\"Origin\":\"ATL\",\"Dest\":\"SFO\",' \\
       '\"FlightDate\":\"2016-12-25\"}' | delaycast ask -")]
pub(crate) struct Args {
    /// A file with the request as one JSON object; - for standard input. It gets a UUID if it has none
    #[arg(value_name = "FILE", conflicts_with_all = ["carrier", "origin", "dest", "date", "dep_delay", "flight_num"])]
    file: Option<PathBuf>,
    /// The airline's code
    #[arg(long, value_name = "CODE", default_value = "AA")]
    carrier: String,
    /// The airport of departure
    #[arg(long, value_name = "CODE", default_value = "ATL")]
    origin: String,
    /// The airport of arrival
    #[arg(long, value_name = "CODE", default_value = "SFO")]
    dest: String,
    /// The local day of departure
    #[arg(long, value_name = "DATE", default_value = "2016-12-25")]
    date: String,
    /// Minutes of delay at departure, negative if it left early; '' before it has left
    #[arg(long, value_name = "MINUTES", default_value = "5", allow_hyphen_values = true)]
    dep_delay: String,
    /// The flight's number
    #[arg(long, value_name = "NUMBER")]
    flight_num: Option<String>,
    /// Follow the answer: print its versions as they land, until the flight has arrived or Ctrl-C ends it
    #[arg(long)]
    follow: bool,
    /// Longest wait for the answer, as in 30s or 2m; an hour at most
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = wait)]
    wait: Duration,
    #[command(flatten)]
    log: LogOption,
    #[command(flatten)]
    store: StoreOption,
    /// How to print the answer; json is what the page's route for answers sends
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Interval at which versions are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Upper bound on the wait.
const WAIT_MAX: Duration = Duration::from_secs(3600);

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let message = match &args.file {
        Some(file) => read(file)?,
        None => {
            let flight = json!({
                (Field::Carrier.name()): args.carrier, (Field::Origin.name()): args.origin, (Field::Dest.name()): args.dest,
                (Field::FlightDate.name()): args.date, (Field::DepDelay.name()): args.dep_delay,
                (Field::FlightNum.name()): args.flight_num,
            });
            flight.to_string().into_bytes()
        }
    };
    let mut request = read_request(&message).context("nothing is asked: the request cannot be used")?;
    request.follow |= args.follow;
    let (log, store) = (args.log.open()?, args.store.open()?);
    match ask(&*log, &*store, &request, args.wait) {
        Ok(outcome) => {
            answer::print(args.format, &request.id, outcome)?;
            if args.follow { follow(&*store, &request.id, args.format) } else { Ok(()) }
        }
        Err(none @ AskError::NoAnswer { .. }) => Err(answer::print_none(args.format, &request.id, none)),
        Err(error) => Err(error.into()),
    }
}

/// Prints the versions of an answer from the second on, until the last of them or a stop.
fn follow(store: &dyn Store<Flights>, id: &RequestId, format: Format) -> anyhow::Result<()> {
    let stop = Stop::default();
    on_stop(&stop)?;
    let lookup = store.lookup()?;
    let mut last = 0;
    say("waiting for versions: Ctrl-C ends it, and the scorer goes on");
    loop {
        let outage = |error: &Unavailable| {
            tracing::warn!("the store does not answer: {error}");
            error.needs_operator
        };
        let Some(versions) = retry(&stop, || lookup.versions(id.as_str(), last), outage) else { return Ok(()) };
        for document in versions {
            let version = FollowedVersion::of(&document);
            last = version.number.max(last + 1);
            if version.number > 1 {
                say(&format!("version {}", version.number));
                answer::print(format, id, Outcome::Answered(document))?;
            }
            match version.state {
                FollowState::GoesOn => {}
                FollowState::Ended => return Ok(()),
                FollowState::Refused(reason) => bail!("{id} is not followed: {reason}"),
            }
        }
        if !stop.sleep(LOOK_EVERY) {
            return Ok(());
        }
    }
}

/// Reads at most one byte more than a message can have, which is enough to refuse it.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        say_if_typed();
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
    };
    let mut message = Vec::new();
    let bytes = input.take(MESSAGE_BYTES_MAX as u64 + 1).read_to_end(&mut message);
    bytes.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(message)
}

fn wait(text: &str) -> Result<Duration, String> {
    let wait = replay::duration(text).map_err(|error| error.to_string())?;
    let wait = wait.to_std().ok().filter(|wait| *wait <= WAIT_MAX);
    wait.ok_or_else(|| format!("at most {} s are waited", WAIT_MAX.as_secs()))
}
