//! The page's latency: from the POST to the first GET that returns the answer, with everything in one process.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{folder, latency::pause};
use crate::{
    page::Page,
    process::{Process, Target},
    requests,
    results::{Measurement, Percentiles},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 500)]
    requests: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    posted_ms: Percentiles,
    visible_ms: Percentiles,
}

impl Measurement for Options {
    const NAME: &'static str = "page-latency";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let dir = folder()?;
    let (_up, address) = Process::up(&options.target, dir.path(), &[])?;
    let (page, mut random) = (Page::new(address), ChaCha8Rng::seed_from_u64(1));
    let (mut posted, mut visible) = (Vec::new(), Vec::new());
    for request in requests::make(options.requests, 3)? {
        let (post, answer) = page.ask(&request)?;
        posted.push(post);
        visible.push(answer);
        pause(&mut random);
    }
    Ok(Values { posted_ms: Percentiles::of(&posted)?, visible_ms: Percentiles::of(&visible)? })
}
