//! The time from a clone of this repository to the first answer, and from the second start.
//!
//! The crates that the build needs are downloaded already: the build of this program has done so.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    time::{Instant, SystemTime},
};

use anyhow::Context;
use delaycast::request::Request;
use serde::{Deserialize, Serialize};

use crate::{
    page::Page,
    process::{Process, run_to_end},
    requests,
    results::{Measurement, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// Number of further starts
    #[arg(long, default_value_t = 5)]
    starts: usize,
}

/// Times from the beginning.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    cloned_s: f64,
    compiled_s: f64,
    /// The page is served: the model has been trained.
    ready_s: f64,
    answered_s: f64,
    /// Of the next start alone.
    second_ready_s: Spread,
    second_answered_s: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "first-answer";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let request = requests::make(1, 4)?.pop().context("a request")?;
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("delaycast");
    let (began, began_at) = (Instant::now(), SystemTime::now());
    run_to_end(Command::new("git").args(["clone", "--quiet", "--no-local", "."]).arg(&project))?;
    let cloned_s = began.elapsed().as_secs_f64();
    let first = start(&project, &request, began)?;
    let built_at = project.join("target/up/delaycast").metadata()?.modified()?;
    let compiled_s = built_at.duration_since(began_at)?.as_secs_f64();
    println!("  first start: {:.1} s, of which the build takes {:.1} s", first.1, compiled_s - cloned_s);
    let mut again = Vec::with_capacity(options.starts);
    for _ in 0..options.starts {
        again.push(start(&project, &request, Instant::now())?);
    }
    Ok(Values {
        cloned_s,
        compiled_s,
        ready_s: first.0,
        answered_s: first.1,
        second_ready_s: Spread::over(&again, |times| times.0)?,
        second_answered_s: Spread::over(&again, |times| times.1)?,
    })
}

/// Starts the system, asks, and stops it. Returns the times until the page is served, and until an answer is there.
fn start(project: &Path, request: &Request, began: Instant) -> anyhow::Result<(f64, f64)> {
    let mut up = Command::new(project.join("up"));
    up.args(["--port", "0"]).current_dir(project).stdin(Stdio::null()).stderr(Stdio::null());
    // Variables of a cargo that runs this program would change the build.
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARGO") && name != "CARGO_HOME") {
        up.env_remove(name);
    }
    let (_up, address) = Process::serving(&mut up)?;
    let ready_s = began.elapsed().as_secs_f64();
    Page::new(address).ask(request)?;
    Ok((ready_s, began.elapsed().as_secs_f64()))
}
