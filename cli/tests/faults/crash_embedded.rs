//! Tests of the promise under SIGKILL on the embedded file.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use delaycast::domain::Flights;
use engine::{
    sqlite::Inspector,
    store::{self, Lookup, Outcome},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Process, TOPIC, delaycast, long, models, request, run, seed, until};

fn answered(lookup: &dyn Lookup, id: &str) -> Option<String> {
    match lookup.find(id).expect("the store serves") {
        Some(Outcome::Answered(document)) => Some(serde_json::to_string(&document).expect("JSON")),
        Some(Outcome::Rejected(reason)) => panic!("{id} was rejected: {reason}"),
        None => None,
    }
}

#[test]
fn twenty_thousand_requests_survive_five_kills_at_random() {
    let (requests, kills) = (20_000, if long() { 100 } else { 5 });
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let score = || {
        let models = models().to_string_lossy();
        Process::start(&["score", "--log", &url, "--store", &url, "--models", &models])
    };

    // Requests arrive while the scorer is killed; some are sent twice, with other values.
    let lines: Vec<String> = (0..requests)
        .map(|number| {
            let id = if number % 100 == 99 { number - 1 } else { number };
            request(&format!("request-{id}"), f64::from(number % 180) - 60.0)
        })
        .collect();
    let ids: Vec<String> =
        (0..requests).filter(|number| number % 100 != 99).map(|number| format!("request-{number}")).collect();
    let feeder = {
        let (url, pause) = (url.clone(), Duration::from_millis(4 * kills));
        thread::spawn(move || {
            let mut send =
                delaycast(&["send", "-", "--log", &url]).stdin(std::process::Stdio::piped()).spawn().unwrap();
            let mut stdin = send.stdin.take().unwrap();
            for chunk in lines.chunks(200) {
                std::io::Write::write_all(&mut stdin, (chunk.join("\n") + "\n").as_bytes()).unwrap();
                thread::sleep(pause);
            }
            drop(stdin);
            assert!(send.wait().unwrap().success());
        })
    };

    // A checker reads all the time, and records the first version of each answer.
    let seen: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let over = Arc::new(AtomicBool::new(false));
    let observer = {
        let (url, ids, seen, over) = (url.clone(), ids.clone(), Arc::clone(&seen), Arc::clone(&over));
        let mut random = ChaCha8Rng::from_rng(&mut random);
        thread::spawn(move || {
            let lookup = store::open::<Flights>(&url).unwrap().lookup().unwrap();
            while !over.load(Ordering::Acquire) {
                let id = &ids[random.random_range(0..ids.len())];
                if let Some(document) = answered(&*lookup, id) {
                    let mut seen = seen.lock().unwrap();
                    assert_eq!(seen.entry(id.clone()).or_insert_with(|| document.clone()), &document, "{id} changed");
                }
            }
        })
    };

    for kill in 1..=kills {
        let scorer = score();
        thread::sleep(Duration::from_millis(random.random_range(20..700)));
        println!("kill {kill}: {} answers had been seen", seen.lock().unwrap().len());
        scorer.kill();
    }
    feeder.join().unwrap();
    let scorer = score();
    let inspector = Inspector::open(&path).unwrap();
    let committed = || inspector.committed_offsets(TOPIC).unwrap().iter().map(|row| row.next.0).sum::<u64>();
    // One more request, so that this scorer has one before it is stopped: the others may be answered already.
    let (status, _, stderr) = run(&["send", "-", "--log", &url], request("last", 0.0).as_bytes());
    assert!(status.success(), "{stderr}");
    until("everything is committed", || committed() == requests as u64 + 1);
    assert_eq!(scorer.terminate(), Some(0));
    over.store(true, Ordering::Release);
    observer.join().unwrap();

    let lookup = store::open::<Flights>(&url).unwrap().lookup().unwrap();
    let lost: Vec<&String> = ids.iter().filter(|id| answered(&*lookup, id).is_none()).collect();
    assert_eq!(lost, Vec::<&String>::new());
    let seen = seen.lock().unwrap();
    for (id, first) in &*seen {
        assert_eq!(answered(&*lookup, id).as_ref(), Some(first), "{id} changed after it was first visible");
    }
    assert_eq!(inspector.answers().unwrap(), ids.len() as u64 + 1);
    println!("{} requests, {kills} kills: 0 lost, 0 duplicated, 0 of {} seen early changed", requests, seen.len());
}
