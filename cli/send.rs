//! `delaycast send`: publishes requests. Events are published by the same code.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use delaycast::request;
use engine::{
    log::Producer,
    ndjson::{Line, Lines},
};

use crate::{
    options::LogOption,
    progress::say_if_typed,
    sender::{Sender, progress_bar},
};

/// Publish requests to the log, one JSON object a line, and wait until each is acknowledged.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  echo '{\"UUID\":\"u-1\",\"Carrier\":\"AA\",\"Origin\":\"ATL\",\"Dest\":\"SFO\",' \\
       '\"FlightDate\":\"2016-12-25\",\"DepDelay\":5}' | delaycast send -

Lines are published as they are: what the scorer cannot read, it keeps as a dead letter. An embedded file and topic that are
not there are made.")]
pub(crate) struct Args {
    /// The file of requests; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    log: LogOption,
}

/// Upper bound on the length of a line; a longer one is not sent.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let producer = args.log.open()?.producer()?;
    let id = |line: &[u8]| request::decode(line).map_or_else(|malformed| malformed.id, |request| Some(request.id));
    publish(&args.file, &*producer, |line| id(line).map(|id| id.to_string())).map(drop)
}

/// The messages of a file that were published.
pub(crate) struct Published {
    /// Those without a key.
    pub(crate) without_key: u64,
}

/// Publishes the lines of a file, each under the key that `key` returns for it, and waits until all are acknowledged.
/// Shows the progress, and logs the number of messages that were, also after an error.
pub(crate) fn publish(
    file: &Path,
    producer: &dyn Producer,
    key: impl Fn(&[u8]) -> Option<String>,
) -> anyhow::Result<Published> {
    let started = Instant::now();
    let progress = progress_bar();
    let mut sender = Sender::new(producer, progress.clone());
    let mut lines = Lines::new(BufReader::new(open(file)?), LINE_BYTES_MAX);
    let mut without_key = 0;
    let mut send = |(number, line)| {
        let Line::Whole(payload) = line else {
            bail!("line {number} is longer than {LINE_BYTES_MAX} bytes; neither it nor what follows was sent")
        };
        let key = key(&payload);
        without_key += u64::from(key.is_none());
        sender.send(number, key.as_deref(), payload)
    };
    let result = loop {
        match lines.next_line().with_context(|| format!("cannot read {}", file.display())) {
            Ok(Some(line)) => {
                if let Err(error) = send(line) {
                    break Err(error);
                }
            }
            Ok(None) => break sender.finish(),
            Err(error) => break Err(error),
        }
    };
    // Lines that were sent before an error count, too.
    if result.is_err() {
        sender.wait_for_the_rest();
    }
    progress.finish_and_clear();
    let (published, seconds) = (sender.published, started.elapsed().as_secs_f64());
    tracing::info!("{published} published in {seconds:.1} s ({:.0}/s)", published as f64 / seconds);
    result.map(|()| Published { without_key })
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        say_if_typed();
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?))
}
