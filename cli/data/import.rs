//! `delaycast data import`: imports files of flights into a history.

use std::path::PathBuf;

use delaycast::history::import::{Event, Options, Summary, import_with};
use indicatif::{HumanBytes, HumanCount};

use crate::{
    options::Format,
    progress::{Meter, say},
};

/// Import flights from other formats into a history
///
/// Reads the zips and CSVs of BTS On-Time Performance and tables like them (separated by commas, semicolons, tabs or
/// bars), JSON lines and arrays, and Parquet; plain, or packed with zip, gzip, bzip2 or zstd. Formats are told by
/// content. In a directory or a zip, what holds no flights is passed over and named.
///
/// A table with Origin, Dest and Distance but no date is taken for the route table. Airports that are named by BTS's
/// numbers get the codes that any table of the import has beside them.
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
    /// Dates like 21/01/2015 have the day first; without this the month comes first, as BTS writes it
    #[arg(long)]
    day_first: bool,
    /// Bytes that one compressed file may unpack to, in GiB
    #[arg(long, value_name = "GIB", default_value_t = Options::default().unpacked_bytes_max >> 30,
          value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    unpacked_max: u64,
    /// Limit on the unpacked size of a compressed file, in times its size; not applied up to 64 MiB
    #[arg(long, value_name = "TIMES", default_value_t = Options::default().unpacked_ratio_max,
          value_parser = clap::value_parser!(u64).range(1..))]
    unpacked_ratio: u64,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let mut meter = Meter::new();
    let options = Options {
        day_first: args.day_first,
        unpacked_bytes_max: args.unpacked_max << 30,
        unpacked_ratio_max: args.unpacked_ratio,
    };
    let summary = import_with(&options, &args.paths, &args.out, &mut |event| match event {
        Event::Progress(progress) => meter.show(progress.bytes, progress.bytes_total, progress.rows),
        Event::Broken(row) => say(&format!("skipped {row}")),
    })?;
    drop(meter);
    args.format.print(&summary, summary_text)
}

fn summary_text(summary: &Summary) -> String {
    let count = |number: usize| HumanCount(number as u64);
    let mut text = format!(
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
    );
    if summary.skipped_total > 0 {
        text += &format!("\npassed over {}", HumanCount(summary.skipped_total));
        summary.skipped.iter().for_each(|skipped| text += &format!("\n  {skipped}"));
        let more = summary.skipped_total - summary.skipped.len() as u64;
        if more > 0 {
            text += &format!("\n  and {} more", HumanCount(more));
        }
    }
    text
}
