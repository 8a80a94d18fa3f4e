//! How far the training is.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use delaycast::{
    evaluate::{Split, Window},
    features::TrainingFlight,
};
use delaycast_dataflows::train::OnProgress;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::progress::say;

/// Shows on standard error how many trees are grown: a bar on a terminal, else a line at each quarter.
pub(super) fn trees(trees_total: u64) -> OnProgress {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} trees").ok();
    let bar = io::stderr().is_terminal().then(|| ProgressBar::new(trees_total)).zip(style);
    let bar = bar.map(|(bar, style)| bar.with_style(style));
    let grown = AtomicU64::new(0);
    Arc::new(move |progress| {
        if !progress.grown {
            return;
        }
        let grown = grown.fetch_add(1, Ordering::Relaxed) + 1;
        match &bar {
            Some(bar) if grown == trees_total => bar.finish_and_clear(),
            Some(bar) => bar.set_position(grown),
            None if grown.is_multiple_of((trees_total / 4).max(1)) => say(&format!("{grown} of {trees_total} trees")),
            None => {}
        }
    })
}

/// Says on standard error who learns from which flights.
pub(super) fn split(split: &Split<'_>) {
    let count = |flights: &[TrainingFlight]| HumanCount(flights.len() as u64).to_string();
    let days = |flights| Window::of(flights).map_or(String::new(), |days| format!(", {} to {}", days.from, days.to));
    if split.training.is_empty() {
        say("the data hold none of the flights that the model has learned: there is nothing to fit its rivals to");
    } else {
        say(&format!("training on {} flights{}", count(split.training), days(split.training)));
    }
    say(&format!("to be answered: {} flights{}", count(split.held_out), days(split.held_out)));
}
