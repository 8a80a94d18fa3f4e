//! Progress on standard error: a bar on a terminal, else a line every few seconds, in a training also at each quarter
//! of the trees.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use delaycast_train::{OnProgress, Progress};
use engine::runtime::Mutex;
use indicatif::{HumanCount, ProgressBar, ProgressStyle, WeakProgressBar};

/// Interval of progress lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Interval between the checks for a due line.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
const TICK_INTERVAL: Duration = Duration::from_millis(200);

/// The bar on the terminal, if there is one.
static BAR: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Returns a bar, if standard error is a terminal. While it exists, [`say`] writes above it.
pub(crate) fn bar(total: u64, template: &str) -> Option<ProgressBar> {
    let style = ProgressStyle::with_template(template).ok().filter(|_| io::stderr().is_terminal())?;
    let bar = ProgressBar::new(total).with_style(style);
    *BAR.lock() = Some(bar.downgrade());
    Some(bar)
}

/// Writes a line to standard error; a closed one is ignored.
pub(crate) fn say(line: &str) {
    let bar = BAR.lock().as_ref().and_then(WeakProgressBar::upgrade);
    let write = || _ = writeln!(io::stderr(), "{line}");
    bar.map_or_else(write, |bar| bar.suspend(write));
}

/// Writes a prompt for requests, if standard input is a terminal.
pub(crate) fn say_if_typed() {
    if io::stdin().is_terminal() {
        say("reading requests from the terminal, one JSON object a line; Ctrl-D ends them");
    }
}

/// Shows the progress of reading bytes, and the number of rows so far.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    began_at: Instant,
    told_at: Instant,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Meter { bar: bar(0, "{bar:30} {percent:>3} % {msg}"), began_at: now, told_at: now }
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
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Returns a callback that shows the number of grown trees and the current phase, until its last copy is dropped.
pub(crate) fn trees(trees_total: u64) -> OnProgress {
    let bar = bar(trees_total, "{spinner} {bar:30} {pos} of {len} trees{msg}");
    bar.iter().for_each(|bar| bar.enable_steady_tick(TICK_INTERVAL));
    let has_bar = bar.is_some();
    let (phase, printed_at) = (String::new(), Instant::now());
    let display = Arc::new(Mutex::new(Display { bar, trees_total, grown: 0, grown_before: 0, phase, printed_at }));
    if !has_bar {
        let watched = Arc::downgrade(&display);
        // Without the thread there are only the lines at the quarters.
        let _ = thread::Builder::new().name("progress".to_owned()).spawn(move || print_when_due(&watched));
    }
    Arc::new(move |progress| display.lock().update(progress))
}

/// The progress of a training.
struct Display {
    bar: Option<ProgressBar>,
    trees_total: u64,
    grown: u64,
    /// The number of grown trees when the last forests were started: trees are numbered from there.
    grown_before: u64,
    /// The current phase, displayed behind the number of trees.
    phase: String,
    printed_at: Instant,
}

impl Display {
    fn update(&mut self, progress: Progress) {
        match progress {
            Progress::Phase(phase) => {
                self.grown_before = self.grown;
                self.phase = format!(", {phase}");
            }
            Progress::Tree { tree, levels, grown } => {
                self.grown += u64::from(grown);
                self.phase = format!(", level {levels} of tree {}", self.grown_before + u64::from(tree) + 1);
                if grown && self.grown.is_multiple_of((self.trees_total / 4).max(1)) {
                    self.print("");
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.grown);
            bar.set_message(self.phase.clone());
        }
    }

    /// Prints a line, unless a bar shows the progress.
    fn print(&mut self, phase: &str) {
        self.printed_at = Instant::now();
        if self.bar.is_none() {
            say(&format!("{} of {} trees{phase}", self.grown, self.trees_total));
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// Prints a line whenever one is due, until all callbacks are dropped.
fn print_when_due(display: &Weak<Mutex<Display>>) {
    while let Some(display) = display.upgrade() {
        let mut locked = display.lock();
        if locked.printed_at.elapsed() >= LINE_INTERVAL {
            let phase = locked.phase.clone();
            locked.print(&phase);
        }
        drop(locked);
        drop(display);
        thread::sleep(CHECK_INTERVAL);
    }
}
