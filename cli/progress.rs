//! Progress on standard error: a bar on a terminal, else a line every few seconds.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use engine::runtime::Mutex;
use indicatif::{HumanCount, ProgressBar, ProgressStyle, WeakProgressBar};

/// Interval of progress lines where there is no terminal.
pub(crate) const LINE_INTERVAL: Duration = Duration::from_secs(5);

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

/// Says what is read, if standard input is a terminal.
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
