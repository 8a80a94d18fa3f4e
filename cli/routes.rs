//! `delaycast data load-routes`: loads a route table into a store.

use std::path::PathBuf;

use anyhow::{Context, bail};
use delaycast::{
    history::import::{Event, import_routes},
    routes::{Loaded, load, table_of},
};
use engine::store;
use indicatif::HumanCount;

use crate::{
    options::{Format, StoreOption},
    progress::{Meter, bar, say},
};

/// Load a route table into a store
///
/// Scorers and pages that start read it, and its distances go before those of their model. Routes that are there stay;
/// those that differ are named, and changed with --replace. It can be repeated.
#[derive(clap::Args)]
#[command(after_help = "Example:
  delaycast data load-routes origin_dest_distances.jsonl \\
      --store mongodb://db:27017/agile_data_science")]
pub(crate) struct LoadArgs {
    /// Route tables (JSON lines, CSV or Parquet with Origin, Dest and Distance), or histories that have one
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreOption,
    /// Change the routes that are there with another distance
    #[arg(long)]
    replace: bool,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The error for a store without a route table.
const NO_TABLE: &str = "the embedded store keeps no route table: give another with --store mongodb://HOST/DATABASE; or let \
                        `delaycast data import` put the table into a history, and `delaycast train --data` into a model";

/// Runs the command.
pub(crate) fn run(args: &LoadArgs) -> anyhow::Result<()> {
    // Checked before it is opened: opening an embedded store creates it.
    if store::keeps_reference(&args.store.url) == Some(false) {
        bail!("{NO_TABLE}");
    }
    let store = args.store.open()?;
    let table = table_of(&*store).with_context(|| NO_TABLE)?;
    let mut meter = Meter::new();
    let routes = import_routes(&args.paths, &mut |event| match event {
        Event::Progress(progress) => meter.show(progress.bytes, progress.bytes_total, progress.rows),
        Event::Broken(row) => say(&format!("skipped {row}")),
    })?;
    drop(meter);
    let bar = bar(0, "{bar:30} {pos} of {len} routes");
    let loaded = load(&*table, &routes, args.replace, &mut |done, total| match &bar {
        Some(bar) => {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        None => say(&format!("{done} of {total} routes")),
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let loaded = loaded.with_context(|| {
        format!("not all routes are in the {}: run this again, it goes on where it stopped", store.describe())
    })?;
    args.format.print(&loaded, in_words)
}

fn in_words(loaded: &Loaded) -> String {
    let count = |number: usize| HumanCount(number as u64);
    let mut text = format!(
        "new        {}\nthere      {}\ndiffering  {}",
        count(loaded.new),
        count(loaded.same),
        count(loaded.differing)
    );
    if loaded.differing > 0 {
        text +=
            if loaded.replaced { ", replaced:" } else { ", kept as they are in the store (--replace changes them):" };
    }
    for (route, miles) in &loaded.differing_named {
        text += &format!("\n  {}-{}: {} miles given, {miles} in the store", route.origin, route.dest, route.miles);
    }
    text
}
