//! Progress of a fetch: a bar for all months and one for the file on a terminal, else a line every few seconds.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use delaycast::history::fetch::{Event, FileReport, FileState, Month, Months};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::progress::say;

/// Interval of progress lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows the progress of a fetch.
pub(super) struct FetchMeter {
    bars: Option<Bars>,
    months: usize,
    done: usize,
    last_line_at: Instant,
    file_began_at: Instant,
}

struct Bars {
    all: ProgressBar,
    file: ProgressBar,
    /// Draws both.
    both: MultiProgress,
}

impl FetchMeter {
    pub(super) fn new(months: Months) -> Self {
        let now = Instant::now();
        let months = months.iter().count();
        let bars = if io::stderr().is_terminal() { Bars::new(months as u64) } else { None };
        FetchMeter { bars, months, done: 0, last_line_at: now, file_began_at: now }
    }

    /// Shows an event.
    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Started(month) => self.start(*month),
            Event::Received { month, bytes, bytes_total, bytes_received } => {
                self.receive(*month, *bytes, *bytes_total, *bytes_received);
            }
            Event::Restarted { month, reason } => self.say(&format!("{month}: {reason}; from the start")),
            Event::Retried { month, reason, tries, tries_max, pause } => {
                let pause = pause.as_secs_f64();
                self.say(&format!("{month}: {reason}; try {} of {tries_max} in {pause:.1} s", tries + 1));
            }
            Event::Finished(report) => self.finish(report),
        }
    }

    fn start(&mut self, month: Month) {
        self.file_began_at = Instant::now();
        if let Some(Bars { file, .. }) = &self.bars {
            file.reset();
            file.set_length(0);
            file.set_prefix(month.to_string());
            file.set_message("looking at what is there");
        }
    }

    fn receive(&mut self, month: Month, bytes: u64, bytes_total: Option<u64>, bytes_received: u64) {
        let rate = bytes_received as f64 / self.file_began_at.elapsed().as_secs_f64().max(1e-3);
        let of = bytes_total.map_or_else(String::new, |total| format!(" of {}", HumanBytes(total)));
        let message = format!("{}{of}, {}/s", HumanBytes(bytes), HumanBytes(rate as u64));
        match &self.bars {
            Some(Bars { file, .. }) => {
                file.set_length(bytes_total.unwrap_or(bytes));
                file.set_position(bytes);
                file.set_message(message);
            }
            None if self.last_line_at.elapsed() >= LINE_INTERVAL => {
                self.last_line_at = Instant::now();
                say(&format!("{month}: {message}; {} of {} months done", self.done, self.months));
            }
            None => {}
        }
    }

    fn finish(&mut self, report: &FileReport) {
        self.done += 1;
        if let Some(Bars { all, .. }) = &self.bars {
            all.set_position(self.done as u64);
        }
        let size = HumanBytes(report.bytes);
        let reason = report.reason.as_deref().unwrap_or_default();
        let outcome = match report.state {
            FileState::Fetched => format!("fetched, {size}"),
            FileState::Present => format!("there already, {size}"),
            FileState::Unpublished => format!("not published (yet): {reason}"),
            FileState::Failed => format!("failed: {reason}"),
            FileState::Left => format!("stopped, {size} are kept"),
        };
        self.say(&format!("{}: {outcome}", report.month));
    }

    fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.both.suspend(|| say(line)),
            None => say(line),
        }
    }
}

impl Bars {
    fn new(months: u64) -> Option<Self> {
        let all = ProgressStyle::with_template("{bar:30} {pos} of {len} months").ok()?;
        let file = ProgressStyle::with_template("{bar:30} {prefix} {msg}").ok()?;
        let both = MultiProgress::new();
        let all = both.add(ProgressBar::new(months).with_style(all));
        let file = both.add(ProgressBar::new(0).with_style(file));
        all.tick();
        Some(Bars { all, file, both })
    }
}

impl Drop for FetchMeter {
    fn drop(&mut self) {
        if let Some(Bars { all, file, .. }) = &self.bars {
            file.finish_and_clear();
            all.finish_and_clear();
        }
    }
}
