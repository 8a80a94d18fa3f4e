//! Progress of a fetch: two bars on a terminal, one for all months and one for the file, else a line every few seconds.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use delaycast::history::fetch::{Event, FileReport, Month, Months, State};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::progress::say;

/// Without a terminal, progress is told this often.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Meter {
    bars: Option<Bars>,
    months: usize,
    done: usize,
    told_at: Instant,
    /// Where the file's rate is measured from: what was received then, and when.
    began: (u64, Instant),
}

struct Bars {
    all: ProgressBar,
    file: ProgressBar,
    /// Keeps them in their places.
    both: MultiProgress,
}

impl Meter {
    pub(super) fn new(months: Months) -> Self {
        let now = Instant::now();
        let months = months.iter().count();
        let bars = if io::stderr().is_terminal() { Bars::new(months as u64) } else { None };
        Meter { bars, months, done: 0, told_at: now, began: (0, now) }
    }

    /// Shows what has happened.
    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun(month) => self.begin(*month),
            Event::Received { month, bytes, bytes_total, bytes_received } => {
                self.receive(*month, *bytes, *bytes_total, *bytes_received);
            }
            Event::Restarted { month, reason } => self.say(&format!("{month}: {reason}; from the start")),
            Event::Retried { month, reason, tries, tries_max, pause } => {
                let pause = pause.as_secs_f64();
                self.say(&format!("{month}: {reason}; try {} of {tries_max} in {pause:.1} s", tries + 1));
            }
            Event::Ended(report) => self.end(report),
        }
    }

    fn begin(&mut self, month: Month) {
        self.began = (0, Instant::now());
        if let Some(Bars { file, .. }) = &self.bars {
            file.reset();
            file.set_length(0);
            file.set_prefix(month.to_string());
            file.set_message("looking at what is there");
        }
    }

    fn receive(&mut self, month: Month, bytes: u64, bytes_total: Option<u64>, bytes_received: u64) {
        let rate = bytes_received as f64 / self.began.1.elapsed().as_secs_f64().max(1e-3);
        let of = bytes_total.map_or_else(String::new, |total| format!(" of {}", HumanBytes(total)));
        let message = format!("{}{of}, {}/s", HumanBytes(bytes), HumanBytes(rate as u64));
        match &self.bars {
            Some(Bars { file, .. }) => {
                file.set_length(bytes_total.unwrap_or(bytes));
                file.set_position(bytes);
                file.set_message(message);
            }
            None if self.told_at.elapsed() >= LINE_INTERVAL => {
                self.told_at = Instant::now();
                say(&format!("{month}: {message}; {} of {} months done", self.done, self.months));
            }
            None => {}
        }
    }

    fn end(&mut self, report: &FileReport) {
        self.done += 1;
        if let Some(Bars { all, .. }) = &self.bars {
            all.set_position(self.done as u64);
        }
        let size = HumanBytes(report.bytes);
        let reason = report.reason.as_deref().unwrap_or_default();
        let became = match report.state {
            State::Fetched => format!("fetched, {size}"),
            State::Present => format!("there already, {size}"),
            State::Unpublished => format!("not published (yet): {reason}"),
            State::Failed => format!("failed: {reason}"),
            State::Left => format!("stopped, {size} are kept"),
        };
        self.say(&format!("{}: {became}", report.month));
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

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(Bars { all, file, .. }) = &self.bars {
            file.finish_and_clear();
            all.finish_and_clear();
        }
    }
}
