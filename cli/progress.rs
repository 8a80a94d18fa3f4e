//! Progress on standard error: a bar on a terminal, else a line every few seconds.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use delaycast_dataflows::train::OnProgress;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// Without a terminal, progress is told this often.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Writes a line to standard error. That it may be closed is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Tells who gave no file and no pipe what is waited for.
pub(crate) fn say_if_typed() {
    if io::stdin().is_terminal() {
        say("reading requests from the terminal, one JSON object a line; Ctrl-D ends them");
    }
}

/// Shows how far a reading of bytes is, and how many rows came of it.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    began_at: Instant,
    told_at: Instant,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}").ok();
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(0)).zip(style).map(|(bar, style)| {
            bar.set_style(style);
            bar
        });
        let now = Instant::now();
        Meter { bar, began_at: now, told_at: now }
    }

    /// Shows that `bytes` of `bytes_total` are read, which held `rows` rows.
    pub(crate) fn show(&mut self, bytes: u64, bytes_total: u64, rows: u64) {
        let rate = rows as f64 / self.began_at.elapsed().as_secs_f64().max(1e-3);
        let message = format!("{} rows, {} rows/s", HumanCount(rows), HumanCount(rate as u64));
        match &self.bar {
            Some(bar) => {
                bar.set_length(bytes_total);
                bar.set_position(bytes);
                bar.set_message(message);
            }
            None if self.told_at.elapsed() >= LINE_INTERVAL => {
                self.told_at = Instant::now();
                say(&format!("{} % read: {message}", 100 * bytes / bytes_total.max(1)));
            }
            None => {}
        }
    }

    /// Says something between the progress.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows on standard error how many trees are grown, and how far the one is that was worked on last: a bar on a terminal, else a line at
/// each quarter, and every few seconds if a quarter takes longer.
pub(crate) fn trees(trees_total: u64) -> OnProgress {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} trees{msg}").ok();
    let bar = io::stderr().is_terminal().then(|| ProgressBar::new(trees_total)).zip(style);
    let bar = bar.map(|(bar, style)| bar.with_style(style));
    let told = Mutex::new(Told { grown: 0, at: Instant::now() });
    Arc::new(move |progress| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.grown += u64::from(progress.grown);
        let grown = told.grown;
        let level = format!(", tree {} has {} levels", progress.tree + 1, progress.levels);
        match &bar {
            Some(bar) if grown == trees_total => bar.finish_and_clear(),
            Some(bar) => {
                bar.set_position(grown);
                bar.set_message(level);
            }
            None => {
                let quarter = progress.grown && grown.is_multiple_of((trees_total / 4).max(1));
                if quarter || told.at.elapsed() >= LINE_INTERVAL {
                    told.at = Instant::now();
                    let level = if quarter { String::new() } else { level };
                    say(&format!("{grown} of {trees_total} trees{level}"));
                }
            }
        }
    })
}

/// What was told last.
struct Told {
    grown: u64,
    at: Instant,
}
