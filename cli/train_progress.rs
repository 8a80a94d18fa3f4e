//! The progress of a training on standard error: a bar on a terminal, otherwise a line at each quarter of the trees and
//! after a few seconds without one.

use std::{
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use delaycast_train::{OnProgress, Progress};
use engine::runtime::Mutex;
use indicatif::ProgressBar;

use crate::progress::{self, LINE_INTERVAL, say};

/// Interval between the checks for a due line.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
const TICK_INTERVAL: Duration = Duration::from_millis(200);

/// Returns a callback that shows the number of grown trees and the current phase, until its last copy is dropped.
pub(crate) fn trees(trees_total: u64) -> OnProgress {
    let bar = progress::bar(trees_total, "{spinner} {bar:30} {pos} of {len} trees{msg}");
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

/// Prints a line whenever one is due, until all senders are dropped.
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
