//! Publishes messages with a bound on those that are not acknowledged yet.

use std::{io::IsTerminal, sync::mpsc, time::Duration};

use anyhow::Context;
use engine::log::{Position, Producer, PublishError};
use indicatif::{ProgressBar, ProgressStyle};

/// Upper bound on the messages that are not acknowledged yet.
const UNACKNOWLEDGED_MAX: usize = 2048;
/// Upper bound on their bytes: with the longest line added it is still below the bound of the embedded log's queue.
const UNACKNOWLEDGED_BYTES_MAX: usize = 32 << 20;
/// Timeout of an acknowledgement; longer than the producer's own deadline.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the bar of messages that are published, which is hidden where there is no terminal.
pub(crate) fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant; if it does not parse, the default style is used.
    let style = ProgressStyle::with_template("{spinner} {human_pos} published ({per_sec}) {elapsed} {msg}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// The outcome of a message.
struct Acknowledgement {
    number: usize,
    bytes: usize,
    result: Result<Position, PublishError>,
}

/// Publishes messages through one producer.
pub(crate) struct Sender<'a> {
    producer: &'a dyn Producer,
    progress: ProgressBar,
    report: mpsc::Sender<Acknowledgement>,
    acknowledgements: mpsc::Receiver<Acknowledgement>,
    waiting: usize,
    waiting_bytes: usize,
    /// The messages that were acknowledged.
    pub(crate) published: u64,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(producer: &'a dyn Producer, progress: ProgressBar) -> Self {
        let (report, acknowledgements) = mpsc::channel();
        Sender { producer, progress, report, acknowledgements, waiting: 0, waiting_bytes: 0, published: 0 }
    }

    /// Publishes a message, and waits until those that are not acknowledged are within the bounds. Errors name it by
    /// its number.
    pub(crate) fn send(&mut self, number: usize, key: Option<&str>, payload: Vec<u8>) -> anyhow::Result<()> {
        let bytes = payload.len();
        let report = self.report.clone();
        let done = Box::new(move |result| {
            // After an error the receiver is gone.
            let _ = report.send(Acknowledgement { number, bytes, result });
        });
        self.producer.publish(key, payload, done);
        self.waiting += 1;
        self.waiting_bytes += bytes;
        self.wait_below(UNACKNOWLEDGED_MAX, UNACKNOWLEDGED_BYTES_MAX)
    }

    /// Waits until all are acknowledged.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        self.wait_below(0, 0)
    }

    /// Counts late acknowledgements after an error; further errors are ignored.
    pub(crate) fn wait_for_the_rest(&mut self) {
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
