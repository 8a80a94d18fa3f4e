//! The resident memory of a scorer while many answers land in the embedded store.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::EmbeddedFile;
use crate::{
    process::{Process, Target},
    requests,
    results::{Measurement, Spread},
};

/// Number of readings.
const READINGS: usize = 10;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 500_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    answered_per_s: f64,
    /// Resident memory after each tenth of the requests.
    resident_mib: Vec<f64>,
    /// The same, without the first tenth.
    from_second_tenth_mib: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "memory";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let (file, _) = EmbeddedFile::with(&requests::make(options.requests, 1)?, "")?;
    let scorer = Process::score(&options.target, options.workers, &file.url, &[])?;
    let mut resident_mib = Vec::with_capacity(READINGS);
    let answered_per_s = file.landed_per_s(options.requests, |landed| {
        while landed >= options.requests * (resident_mib.len() + 1) / READINGS && resident_mib.len() < READINGS {
            resident_mib.push(scorer.resident_mib()?);
        }
        Ok(())
    })?;
    let later = resident_mib.get(1..).context("too few readings")?;
    Ok(Values { answered_per_s, from_second_tenth_mib: Spread::of(later.iter().copied())?, resident_mib })
}
