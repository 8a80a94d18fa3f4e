//! `delaycast data fetch`: fetches the zips of BTS into a folder.

use std::path::PathBuf;

use anyhow::bail;
use delaycast::history::fetch::{BTS_URL, Fetcher, Limits, Month, Months, Summary};
use indicatif::HumanBytes;

use super::meter::FetchMeter;
use crate::{app, options::Format};

/// Upper bound on months named in an error; more are only counted.
const NAMED_MAX: usize = 12;

/// Fetch the flights of the United States, as BTS publishes them, month by month
///
/// Gets the zips of On-Time Performance that `delaycast data import` reads: 10 to 35 MB a month. What breaks off or is
/// stopped with Ctrl-C is gone on with by the next run of the same command. Zips that are there and whole are left
/// alone; to get one anew, remove it. The exit code is 0 only if all months are there in the end; one that is not
/// published (yet) does not keep the others from being fetched.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    delaycast data fetch --from 2015-01 --to 2015-12 --out bts\n  \
    delaycast data import bts --out flights-2015\n  \
    delaycast train --data flights-2015")]
pub(super) struct Args {
    /// The first month
    #[arg(long, value_name = "YYYY-MM")]
    from: Month,
    /// The last month
    #[arg(long, value_name = "YYYY-MM")]
    to: Month,
    /// The folder that has the zips under the names that BTS gives them. Proxies are taken from the environment
    #[arg(long, value_name = "URL", default_value = BTS_URL)]
    base_url: String,
    /// The folder to write the zips to
    #[arg(long, value_name = "DIR", default_value = "bts")]
    out: PathBuf,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let months = Months::new(args.from, args.to)?;
    let fetcher = Fetcher::new(&args.base_url, Limits::default())?;
    let stop = fetcher.stop();
    app::at_first("stopping: what is there is kept, and the next run goes on with it", move || stop.request())?;
    let mut meter = FetchMeter::new(months);
    let summary = fetcher.fetch(months, &args.out, &mut |event| meter.show(&event))?;
    drop(meter);
    args.format.print(&summary, summary_text)?;
    if let Some(reason) = &summary.ended_early {
        bail!(
            "{} of {} months are not in {}: {reason}; run this again, it goes on where it stopped",
            summary.months - summary.fetched - summary.present,
            summary.months,
            summary.out.display()
        );
    }
    if !summary.is_complete() {
        bail!("{}", missing_text(&summary));
    }
    Ok(())
}

fn summary_text(summary: &Summary) -> String {
    let rate = summary.bytes_received as f64 / summary.seconds.max(1e-3);
    let mut text = format!(
        "fetched      {} ({} in {:.1} s, {}/s)\nthere before {}\nunpublished  {}\nfailed       {}\nleft         {}",
        summary.fetched,
        HumanBytes(summary.bytes_received),
        summary.seconds,
        HumanBytes(rate as u64),
        summary.present,
        summary.unpublished.len(),
        summary.failed.len(),
        summary.left.len(),
    );
    if summary.is_complete() {
        text += &format!("\nNext: delaycast data import {} --out DIR", summary.out.display());
    }
    text
}

/// Names the absent months, with advice.
fn missing_text(summary: &Summary) -> String {
    let named = |months: &[Month]| {
        let names: Vec<String> = months.iter().take(NAMED_MAX).map(Month::to_string).collect();
        let more = months.len() - names.len();
        if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
    };
    let mut parts = Vec::new();
    if !summary.unpublished.is_empty() {
        let at_bts = if summary.base_url == BTS_URL { "" } else { " there" };
        parts.push(format!("{} not published{at_bts} (yet)", named(&summary.unpublished)));
    }
    if !summary.failed.is_empty() {
        parts.push(format!(
            "{} could not be had (the reasons stand above; run this again later)",
            named(&summary.failed)
        ));
    }
    format!("not all months are in {}: {}", summary.out.display(), parts.join("; "))
}
