//! The score dataflow in its default configuration, into a sink that drops, as a process of its own, so that its memory
//! and its start can be measured.

use std::{path::PathBuf, sync::Arc};

use delaycast::model::{Model, ModelDir};
use delaycast_dataflows::score::Models;
use serde::{Deserialize, Serialize};

use crate::services::score::{NullStore, Run};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The log
    #[arg(long)]
    log: String,
    /// The model directory
    #[arg(long)]
    models: PathBuf,
    /// Worker threads
    #[arg(long)]
    workers: usize,
    /// The number of requests that wait
    #[arg(long)]
    requests: usize,
}

/// A line of output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// Some requests are answered.
    Answered(usize),
    /// All are, at so many a second.
    PerS(f64),
}

/// Answers all requests. Waits for the end of its input before it ends, so that it can be looked at.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let print = |line: Line| {
        println!("{}", serde_json::to_string(&line)?);
        anyhow::Ok(())
    };
    let model = ModelDir::new(&options.models).load_current()?.map(Model::explaining);
    let models = Models::fixed(Arc::new(model));
    let mut is_first = true;
    let run = Run { workers: options.workers, count: options.requests, log: &options.log, models: &models };
    let rate = run.score(Arc::new(NullStore), |answered| {
        if std::mem::take(&mut is_first) { print(Line::Answered(answered)) } else { Ok(()) }
    })?;
    print(Line::PerS(rate))?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
