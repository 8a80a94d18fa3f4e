//! `delaycast data import`: files of flights to a history.

use std::path::PathBuf;

use delaycast::history::import::{Event, Summary, import};
use indicatif::{HumanBytes, HumanCount};

use crate::{
    format::Format,
    progress::{Meter, say},
};

/// Import flights from other formats into a history
///
/// Reads the zips and CSVs of BTS On-Time Performance, JSON lines (plain or .bz2), and Parquet as this command writes it.
/// JSON lines with Origin, Dest and Distance but no date are taken for the route table.
#[derive(clap::Args)]
#[command(after_help = "Example:
  delaycast data import On_Time_*_2015_*.zip origin_dest_distances.jsonl \\
      --out flights-2015")]
pub(super) struct Args {
    /// Files, or directories of files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The directory to write: flights.parquet, unflown.parquet (cancelled and diverted flights), and routes.parquet if
    /// there is a route table. It must not hold a history yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let mut meter = Meter::new();
    let summary = import(&args.paths, &args.out, &mut |event| match event {
        Event::Progress(progress) => meter.show(progress.bytes, progress.bytes_total, progress.rows),
        Event::Broken(row) => say(&format!("skipped {row}")),
    })?;
    drop(meter);
    args.format.print(&summary, in_words)
}

fn in_words(summary: &Summary) -> String {
    let count = |number: usize| HumanCount(number as u64);
    format!(
        "{} rows of {} files in {:.1} s ({} rows/s), written to {}\n\
         flown      {}\ncancelled  {}\ndiverted   {}\nbroken     {}\nduplicate  {}\nroutes     {}\n\
         days       {} to {}\nairports   {}\nairlines   {}\nwritten    {}",
        HumanCount(summary.rows),
        summary.files,
        summary.seconds,
        HumanCount(summary.rows_per_second as u64),
        summary.out.display(),
        count(summary.flown),
        count(summary.cancelled),
        count(summary.diverted),
        HumanCount(summary.broken),
        count(summary.duplicates),
        count(summary.routes),
        summary.from,
        summary.to,
        count(summary.airports),
        count(summary.airlines),
        HumanBytes(summary.bytes_written),
    )
}
