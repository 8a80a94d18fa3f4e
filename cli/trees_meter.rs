//! How far a training is, on standard error: a bar on a terminal, else a line at each quarter of the trees and whenever nothing
//! was said for a few seconds.

use std::{
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use delaycast::runtime::Mutex;
use delaycast_train::{OnProgress, Progress};
use indicatif::ProgressBar;

use crate::progress::{self, LINE_INTERVAL, say};

/// How often is looked whether something should be said.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const TICK_INTERVAL: Duration = Duration::from_millis(200);

/// Shows how many of so many trees are grown, and what is being done, until the last copy of it is dropped.
pub(crate) fn trees(trees_total: u64) -> OnProgress {
    let bar = progress::bar(trees_total, "{spinner} {bar:30} {pos} of {len} trees{msg}");
    bar.iter().for_each(|bar| bar.enable_steady_tick(TICK_INTERVAL));
    let has_bar = bar.is_some();
    let (doing, told_at) = (String::new(), Instant::now());
    let shown = Arc::new(Mutex::new(Shown { bar, trees_total, grown: 0, grown_before: 0, doing, told_at }));
    if !has_bar {
        let watched = Arc::downgrade(&shown);
        // Without the thread there are fewer lines.
        let _ = thread::Builder::new().name("progress".to_owned()).spawn(move || break_silence(&watched));
    }
    Arc::new(move |progress| shown.lock().note(progress))
}

struct Shown {
    bar: Option<ProgressBar>,
    trees_total: u64,
    grown: u64,
    /// How many were grown when the last forests were begun: trees are numbered from there.
    grown_before: u64,
    /// What is being done, to stand behind the number of trees.
    doing: String,
    told_at: Instant,
}

impl Shown {
    fn note(&mut self, progress: Progress) {
        match progress {
            Progress::Phase(phase) => {
                self.grown_before = self.grown;
                self.doing = format!(", {phase}");
            }
            Progress::Tree { tree, levels, grown } => {
                self.grown += u64::from(grown);
                self.doing = format!(", level {levels} of tree {}", self.grown_before + u64::from(tree) + 1);
                if grown && self.grown.is_multiple_of((self.trees_total / 4).max(1)) {
                    self.tell("");
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.grown);
            bar.set_message(self.doing.clone());
        }
    }

    /// Says it, if there is no bar that shows it.
    fn tell(&mut self, doing: &str) {
        self.told_at = Instant::now();
        if self.bar.is_none() {
            say(&format!("{} of {} trees{doing}", self.grown, self.trees_total));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// Says what is being done whenever nothing was said for a while, until nobody notes any more.
fn break_silence(shown: &Weak<Mutex<Shown>>) {
    while let Some(shown) = shown.upgrade() {
        let mut noted = shown.lock();
        if noted.told_at.elapsed() >= LINE_INTERVAL {
            let doing = noted.doing.clone();
            noted.tell(&doing);
        }
        drop(noted);
        drop(shown);
        thread::sleep(LOOK_INTERVAL);
    }
}
