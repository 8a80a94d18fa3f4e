//! The faults of a soak, drawn with a seed.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use engine::runtime::Stop;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};

use super::{FaultCount, Options};
use crate::process::children;

/// The time for which a scorer or the store is suspended: longer than the failure timeout of the cluster, 2 s.
const SUSPENDED: Duration = Duration::from_secs(5);
/// The time for which the broker is: a producer gives a message up after 4 s.
const BROKER_SUSPENDED: Duration = Duration::from_secs(3);

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    ScorerKilled,
    ScorerSuspended,
    TwoScorersKilled,
    BrokerSuspended,
    StoreSuspended,
}

impl Fault {
    const ALL: [Fault; 5] = [
        Fault::ScorerKilled,
        Fault::ScorerSuspended,
        Fault::TwoScorersKilled,
        Fault::BrokerSuspended,
        Fault::StoreSuspended,
    ];

    fn name(self) -> &'static str {
        match self {
            Fault::ScorerKilled => "a scorer is killed",
            Fault::ScorerSuspended => "a scorer is suspended for 5 s",
            Fault::TwoScorersKilled => "two scorers are killed",
            Fault::BrokerSuspended => "the broker is suspended for 3 s",
            Fault::StoreSuspended => "the store is suspended for 5 s",
        }
    }
}

/// Makes a fault in each interval until a stop; returns their numbers, and the moments of all.
pub(super) fn run(options: &Options, up: Pid, stop: &Stop) -> anyhow::Result<(Vec<FaultCount>, Vec<Instant>)> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut made: Vec<(Fault, Instant)> = Vec::new();
    let server = |pid: i32| Pid::from_raw(pid).context("a server without a process");
    let (broker, store) = (server(options.kafka_pid)?, server(options.mongo_pid)?);
    while stop.sleep(Duration::from_secs(options.fault_every_s)) {
        let fault = Fault::ALL[random.random_range(0..Fault::ALL.len())];
        // Its supervisor may be restarting one.
        let scorers: Vec<Pid> = children(up).into_iter().map(|(pid, _)| pid).collect();
        let first = random.random_range(0..scorers.len().max(1));
        let scorer = |number: usize| scorers.get((first + number) % scorers.len().max(1)).copied();
        made.push((fault, Instant::now()));
        println!("    {}", fault.name());
        match fault {
            Fault::ScorerKilled => kill(scorer(0)),
            Fault::TwoScorersKilled => {
                kill(scorer(0));
                kill(scorer(1));
            }
            Fault::ScorerSuspended => suspend(scorer(0), SUSPENDED),
            Fault::BrokerSuspended => suspend(Some(broker), BROKER_SUSPENDED),
            Fault::StoreSuspended => suspend(Some(store), SUSPENDED),
        }
    }
    let times = |fault: Fault| made.iter().filter(|(of, _)| *of == fault).count();
    let counts = Fault::ALL.map(|fault| FaultCount { fault: fault.name().to_owned(), times: times(fault) });
    Ok((counts.to_vec(), made.into_iter().map(|(_, at)| at).collect()))
}

fn kill(process: Option<Pid>) {
    // It may have ended meanwhile.
    process.map(|pid| kill_process(pid, Signal::KILL));
}

fn suspend(process: Option<Pid>, time: Duration) {
    let Some(pid) = process else { return };
    if kill_process(pid, Signal::STOP).is_ok() {
        thread::sleep(time);
        // A supervisor kills a child that is suspended for longer than 2 s.
        let _ = kill_process(pid, Signal::CONT);
    }
}
