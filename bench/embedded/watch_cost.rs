//! The scorer's throughput with a page that counts the answers in the same store, and without.

use delaycast::request::Request;
use serde::{Deserialize, Serialize};

use super::EmbeddedFile;
use crate::{
    process::{Process, Target},
    requests,
    results::{Compared, Measurement},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds, each of both
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// The throughput with the page; that without is the reference.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    watched: Compared,
}

impl Measurement for Options {
    const NAME: &'static str = "watch-cost";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let asked = requests::make(options.requests, 1)?;
    let watched = Compared::in_turns(options.rounds, |watched| landed_per_s(options, &asked, watched))?;
    Ok(Values { watched })
}

fn landed_per_s(options: &Options, asked: &[Request], watched: bool) -> anyhow::Result<f64> {
    let (file, _) = EmbeddedFile::with(asked, "")?;
    let _page = if watched { Some(Process::web(&options.target, &file.url)?) } else { None };
    let _scorer = Process::score(&options.target, options.workers, &file.url, &[])?;
    file.landed_per_s(asked.len(), |_| Ok(()))
}
