//! `delaycast send`: publishes requests. Events are published by the same code.

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use delaycast::request;
use engine::{
    log::{Position, Producer, PublishError},
    ndjson::{Line, Lines},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{options::LogOption, progress::say_if_typed};

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
/// Upper bound on the messages that are not acknowledged yet.
const UNACKNOWLEDGED_MAX: usize = 2048;
/// Upper bound on their bytes: with the longest line added it is still below the bound of the embedded log's queue.
const UNACKNOWLEDGED_BYTES_MAX: usize = 32 << 20;
/// Timeout of an acknowledgement; longer than the producer's own deadline.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(30);

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
    let result = loop {
        match lines.next_line().with_context(|| format!("cannot read {}", file.display())) {
            Ok(Some((number, line))) => {
                if let Err(error) = sender.send(number, line, &key) {
                    break Err(error);
                }
            }
            Ok(None) => break sender.wait_below(0, 0),
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
    result.map(|()| Published { without_key: sender.without_key })
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        say_if_typed();
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?))
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant; if it does not parse, the default style is used.
    let style = ProgressStyle::with_template("{spinner} {human_pos} published ({per_sec}) {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// The outcome of a line.
struct Acknowledgement {
    number: usize,
    bytes: usize,
    result: Result<Position, PublishError>,
}

/// Publishes lines, with a bound on those that are not acknowledged yet.
struct Sender<'a> {
    producer: &'a dyn Producer,
    progress: ProgressBar,
    report: mpsc::Sender<Acknowledgement>,
    acknowledgements: mpsc::Receiver<Acknowledgement>,
    waiting: usize,
    waiting_bytes: usize,
    published: u64,
    without_key: u64,
}

impl<'a> Sender<'a> {
    fn new(producer: &'a dyn Producer, progress: ProgressBar) -> Self {
        let (report, acknowledgements) = mpsc::channel();
        Sender {
            producer,
            progress,
            report,
            acknowledgements,
            waiting: 0,
            waiting_bytes: 0,
            published: 0,
            without_key: 0,
        }
    }

    fn send(&mut self, number: usize, line: Line, key: impl Fn(&[u8]) -> Option<String>) -> anyhow::Result<()> {
        let Line::Whole(payload) = line else {
            bail!("line {number} is longer than {LINE_BYTES_MAX} bytes; neither it nor what follows was sent")
        };
        let bytes = payload.len();
        let key = key(&payload);
        self.without_key += u64::from(key.is_none());
        let report = self.report.clone();
        let done = Box::new(move |result| {
            // After an error the receiver is gone.
            let _ = report.send(Acknowledgement { number, bytes, result });
        });
        self.producer.publish(key.as_deref(), payload, done);
        self.waiting += 1;
        self.waiting_bytes += bytes;
        self.wait_below(UNACKNOWLEDGED_MAX, UNACKNOWLEDGED_BYTES_MAX)
    }

    /// Counts late acknowledgements after an error; further errors are ignored.
    fn wait_for_the_rest(&mut self) {
        while self.waiting > 0 {
            let Ok(Acknowledgement { result, .. }) = self.acknowledgements.recv_timeout(ACKNOWLEDGEMENT_TIMEOUT) else {
                return;
            };
            self.waiting -= 1;
            self.published += u64::from(result.is_ok());
        }
    }

    /// Waits until the messages that are not acknowledged, and their bytes, are within the bounds.
    fn wait_below(&mut self, messages_max: usize, bytes_max: usize) -> anyhow::Result<()> {
        while self.waiting > messages_max || self.waiting_bytes > bytes_max {
            let Acknowledgement { number, bytes, result } = self
                .acknowledgements
                .recv_timeout(ACKNOWLEDGEMENT_TIMEOUT)
                .with_context(|| format!("the log has not acknowledged {} messages", self.waiting))?;
            self.waiting -= 1;
            self.waiting_bytes -= bytes;
            result.with_context(|| format!("line {number} was not acknowledged; it may still land"))?;
            self.published += 1;
            self.progress.inc(1);
        }
        Ok(())
    }
}
