//! Answers per second into the embedded store, beside the store's throughput alone.

use std::{
    thread,
    time::{Duration, Instant},
};

use chrono::Utc;
use delaycast::{
    domain::{Answer, Flights},
    model::{Model, ModelDir, VersionedModel},
    request::{Request, decode, encode},
};
use engine::{document::Json, log, sqlite::Inspector, store};

use crate::{Options, process::Process, requests};

/// Interval between two counts of the answers and readings of the memory.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);
/// Number of memory readings that are printed.
const MEMORY_SAMPLES: usize = 10;
/// Rows per write of the reference.
const REFERENCE_BATCH: usize = 2000;

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let asked = requests::make(options.requests, 1)?;
    let started = Instant::now();
    requests::publish(&log::open::<Flights>(&url)?.producer()?, &asked)?;
    report("published and acknowledged", options.requests, started.elapsed());

    let inspector = Inspector::open(&path)?;
    let scorer = Process::score(options, &url, &url, &[])?;
    let (mut first, mut memory) = (None, Vec::new());
    loop {
        let landed = inspector.answers()? as usize;
        if landed > 0 {
            let (seen_at, seen) = *first.get_or_insert((Instant::now(), landed));
            if landed >= options.requests * (memory.len() + 1) / MEMORY_SAMPLES {
                memory.push(format!("{:.0}", scorer.resident_mib()?));
            }
            if landed == options.requests {
                report("answered and durable", landed - seen, seen_at.elapsed());
                println!("  {:.2} CPU s in all, start and model load included", scorer.cpu_s()?);
                break;
            }
        }
        thread::sleep(SAMPLE_INTERVAL);
    }
    println!("  resident memory at each tenth, MiB: {}", memory.join(" "));
    drop(scorer);
    reference(&asked, &ModelDir::new(&options.models).load_current()?.map(Model::explaining))
}

/// Measures each step alone, on one thread. The last one is the store's own throughput.
fn reference(asked: &[Request], VersionedModel { version, model }: &VersionedModel) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".")?;
    let store = store::open(&format!("sqlite:{}", dir.path().join("reference.db").display()))?;
    let messages: Vec<String> = asked.iter().map(encode).collect();
    let started = Instant::now();
    let decoded = messages.iter().filter(|message| decode(message.as_bytes()).is_ok()).count();
    report("decoded alone", decoded, started.elapsed());

    let mut scores = Vec::with_capacity(asked.len());
    let started = Instant::now();
    model.score(asked, &mut scores);
    report("scored alone", asked.len(), started.elapsed());
    let answer = |(request, score): (&Request, _)| Answer {
        request: request.clone(),
        score,
        model: version.clone(),
        scored_at: Utc::now(),
    };
    let answers: Vec<Answer> = asked.iter().zip(scores).map(answer).collect();
    let started = Instant::now();
    let mut bytes = 0;
    for answer in &answers {
        bytes += serde_json::to_string(&Json(&answer.to_document()))?.len();
    }
    report("put into JSON alone", answers.len(), started.elapsed());
    println!("  {} bytes each", bytes / answers.len());

    let mut writer = store.answers()?;
    let started = Instant::now();
    for batch in answers.chunks(REFERENCE_BATCH) {
        writer.write(batch)?;
    }
    report("written to the store alone", answers.len(), started.elapsed());
    Ok(())
}

fn report(what: &str, count: usize, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", count as f64 / seconds);
}
