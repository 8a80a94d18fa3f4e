//! How far the training is.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use delaycast_dataflows::train::OnTree;
use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::say;

/// Shows on standard error how many trees are grown: a bar on a terminal, else a line at each quarter.
pub(super) fn trees(trees_total: u64) -> OnTree {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} trees").ok();
    let bar = io::stderr().is_terminal().then(|| ProgressBar::new(trees_total)).zip(style);
    let bar = bar.map(|(bar, style)| bar.with_style(style));
    let grown = AtomicU64::new(0);
    Arc::new(move || {
        let grown = grown.fetch_add(1, Ordering::Relaxed) + 1;
        match &bar {
            Some(bar) if grown == trees_total => bar.finish_and_clear(),
            Some(bar) => bar.set_position(grown),
            None if grown.is_multiple_of((trees_total / 4).max(1)) => say(&format!("{grown} of {trees_total} trees")),
            None => {}
        }
    })
}
