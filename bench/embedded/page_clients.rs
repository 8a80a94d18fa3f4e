//! Many clients of the page at once, each of which asks, polls as the page does, and pauses: errors, latency, memory.

use std::{
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use delaycast::request::Request;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::folder;
use crate::{
    page::Page,
    process::{Process, Target},
    requests,
    results::{Measurement, Percentiles},
};

/// The pause of a client between an answer and its next question: between half and one and a half of this.
const THINK: Duration = Duration::from_secs(1);
/// Questions that a client has ready, and asks in turn.
const QUESTIONS: usize = 50;
/// The number of looks at the memory, evenly over the time.
const LOOKS: u32 = 6;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of clients
    #[arg(long, default_value_t = 500)]
    clients: usize,
    /// Duration, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    answers: usize,
    errors: usize,
    answers_per_s: f64,
    posted_ms: Percentiles,
    visible_ms: Percentiles,
    /// Resident memory of the whole system, at even intervals.
    resident_mib: Vec<f64>,
}

impl Measurement for Options {
    const NAME: &'static str = "page-clients";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let dir = folder()?;
    let (up, address) = Process::up(&options.target, dir.path(), &[])?;
    let questions = requests::make(QUESTIONS, 5)?;
    let (send, times) = channel();
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let clients: Vec<_> = (0..options.clients as u64)
        .map(|number| {
            let (page, questions, send) = (Page::new(address.clone()), questions.clone(), send.clone());
            thread::Builder::new().stack_size(256 << 10).spawn(move || {
                ask_until(until, number, &page, &questions, &|time| {
                    // The receiver is there until all clients have ended.
                    let _ = send.send(time);
                });
            })
        })
        .collect::<Result<_, _>>()
        .context("cannot start the clients")?;
    drop(send);
    let mut resident_mib = Vec::new();
    for _ in 0..LOOKS {
        thread::sleep(Duration::from_secs(options.seconds) / LOOKS);
        resident_mib.push(up.resident_mib()?);
    }
    for client in clients {
        client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
    }
    let (mut posted, mut visible, mut errors) = (Vec::new(), Vec::new(), 0);
    for time in times {
        match time {
            Ok((post, answer)) => {
                posted.push(post);
                visible.push(answer);
            }
            Err(error) => {
                errors += 1;
                println!("  an error: {error:#}");
            }
        }
    }
    Ok(Values {
        answers: visible.len(),
        errors,
        answers_per_s: visible.len() as f64 / options.seconds as f64,
        posted_ms: Percentiles::of(&posted)?,
        visible_ms: Percentiles::of(&visible)?,
        resident_mib,
    })
}

/// Asks until a time; `done` is told the times until the post is answered and until the answer is there, or the error.
fn ask_until(
    until: Instant,
    number: u64,
    page: &Page,
    questions: &[Request],
    done: &dyn Fn(anyhow::Result<(Duration, Duration)>),
) {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    // The clients begin one after the other, within a pause.
    thread::sleep(THINK.mul_f64(random.random()));
    while Instant::now() < until {
        let question = &questions[random.random_range(0..questions.len())];
        done(page.ask_with_pauses(question));
        thread::sleep(THINK.mul_f64(0.5 + random.random::<f64>()));
    }
}
