//! `--scorers`: the state of scorers in other processes, read from their health ports.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use clap::Args;
use delaycast_dataflows::score::StatusSource;
use engine::{
    runtime::{Mutex, Stop},
    status::{Status, Wait},
};
use ureq::Agent;

/// Interval between two reads.
const READ_INTERVAL: Duration = Duration::from_secs(2);
/// Timeout of reading one scorer.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Upper bound on the scorers that are read: the mesh has no more processes.
const SCORERS_MAX: usize = 256;
/// Upper bound on the scorers that are read at once: one that does not answer takes [`READ_TIMEOUT`] from no other, and
/// as many as [`SCORERS_MAX`] take 8 s together.
const READS_MAX: usize = 32;
/// Upper bound on the bytes of a state.
const STATUS_BYTES_MAX: u64 = 1 << 20;

/// The scorers that belong to a page.
#[derive(Args)]
pub(crate) struct ScorersOption {
    /// The health port of the scorers, whose workers and dataflows /ops shows; each address of the name is one; may be
    /// given several times
    #[arg(long, value_name = "HOST:PORT", env = "DELAYCAST_SCORERS", value_delimiter = ',')]
    scorers: Vec<String>,
}

impl ScorersOption {
    /// Starts to read the scorers' states until a stop is requested; `None` if no scorers are named.
    pub(crate) fn watch(&self, stop: &Stop) -> anyhow::Result<Option<StatusSource>> {
        if self.scorers.is_empty() {
            return Ok(None);
        }
        let latest = Arc::new(Mutex::new(Status { lag: None, ..Status::default() }));
        let (names, shown, stop) = (self.scorers.clone(), Arc::clone(&latest), stop.clone());
        let agent: Agent = Agent::config_builder().timeout_global(Some(READ_TIMEOUT)).proxy(None).build().into();
        let run = move || {
            let mut silent_since = Vec::new();
            while !stop.is_requested() {
                *shown.lock() = read_all(&agent, &names, &mut silent_since);
                stop.sleep(READ_INTERVAL);
            }
        };
        thread::Builder::new().name("scorers".into()).spawn(run).context("cannot start a thread that reads scorers")?;
        Ok(Some(Arc::new(move || latest.lock().clone())))
    }
}

/// Reads all scorers. `silent_since` has those that do not answer.
fn read_all(agent: &Agent, names: &[String], silent_since: &mut Vec<(String, Instant)>) -> Status {
    let (mut addresses, mut statuses, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let found = name.to_socket_addrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        if found.is_empty() {
            silent.push(format!("the scorers at {name}, which has no address"));
        }
        addresses.extend(found);
    }
    addresses.truncate(SCORERS_MAX);
    for (address, status) in addresses.iter().zip(read_each(agent, &addresses)) {
        match status {
            Ok(status) => statuses.push(status),
            Err(error) => {
                tracing::debug!("the scorer at {address} does not answer: {error:#}");
                silent.push(format!("the scorer at {address}"));
            }
        }
    }
    silent_since.retain(|(what, _)| silent.contains(what));
    for what in silent {
        if !silent_since.iter().any(|(known, _)| *known == what) {
            silent_since.push((what, Instant::now()));
        }
    }
    let mut all = Status::of_all(statuses.iter());
    if !silent_since.is_empty() || statuses.is_empty() {
        // A part of the sum is not known.
        all.lag = None;
    }
    let waits = silent_since.iter();
    all.waiting.extend(waits.map(|(what, since)| Wait { what: what.clone(), for_s: since.elapsed().as_secs() }));
    all
}

/// Reads scorers, [`READS_MAX`] at a time. The results have the order of the addresses.
fn read_each(agent: &Agent, addresses: &[SocketAddr]) -> Vec<anyhow::Result<Status>> {
    let next = AtomicUsize::new(0);
    let found: Vec<Mutex<Option<anyhow::Result<Status>>>> = addresses.iter().map(|_| Mutex::default()).collect();
    let read_next = || {
        while let Some((address, cell)) = addresses.iter().zip(&found).nth(next.fetch_add(1, Ordering::Relaxed)) {
            *cell.lock() = Some(read(agent, *address));
        }
    };
    thread::scope(|scope| {
        // This thread reads, too. If the system refuses a thread, the others read what is left.
        for _ in 1..addresses.len().min(READS_MAX) {
            if thread::Builder::new().name("scorers".into()).spawn_scoped(scope, read_next).is_err() {
                break;
            }
        }
        read_next();
    });
    found.into_iter().map(|cell| cell.into_inner().unwrap_or_else(|| Err(anyhow!("it was not read")))).collect()
}

fn read(agent: &Agent, address: SocketAddr) -> anyhow::Result<Status> {
    let mut response = agent.get(format!("http://{address}/status.json")).call()?;
    let body = response.body_mut().with_config().limit(STATUS_BYTES_MAX).read_to_vec()?;
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use super::*;

    /// Answers `count` clients with a status.
    fn scorer(listener: TcpListener, count: usize, status: Status) -> thread::JoinHandle<()> {
        let body = serde_json::to_string(&status).unwrap();
        thread::spawn(move || {
            for _ in 0..count {
                let (mut client, _) = listener.accept().unwrap();
                let _ = client.read(&mut [0; 1024]).unwrap();
                write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
                    .unwrap();
            }
        })
    }

    #[test]
    fn the_states_of_all_scorers_are_added_and_a_silent_one_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap();
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let scorers = scorer(listener, 2, Status { in_flight: 3, lag: Some(7), ..Status::default() });
        let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
        let mut silent = Vec::new();
        let one = read_all(&agent, &[there.to_string()], &mut silent);
        assert_eq!((one.in_flight, one.lag, one.waiting.len()), (3, Some(7), 0));
        let one = read_all(&agent, &[there.to_string(), gone.to_string()], &mut silent);
        assert_eq!((one.in_flight, one.lag), (3, None));
        let silent: Vec<&str> = one.waiting.iter().map(|wait| &*wait.what).collect();
        assert_eq!(silent, [format!("the scorer at {gone}")]);
        scorers.join().unwrap();
    }

    /// The listeners take connections into their backlog and never answer, as hosts behind a firewall that drops do.
    #[test]
    fn silent_scorers_delay_each_other_and_the_others_by_one_timeout_in_all() {
        let silent: Vec<TcpListener> = (0..READS_MAX - 1).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
        let names: Vec<String> = silent.iter().chain([&listener]).map(address).collect();
        let scorer = scorer(listener, 1, Status { in_flight: 3, ..Status::default() });
        let within = Duration::from_secs(3);
        let agent: Agent = Agent::config_builder().timeout_global(Some(within)).build().into();
        let started = Instant::now();
        let all = read_all(&agent, &names, &mut Vec::new());
        let took = started.elapsed();
        assert_eq!((all.in_flight, all.waiting.len()), (3, READS_MAX - 1));
        assert!(
            took >= within && took < within * 3,
            "{took:?}: one after the other would take {READS_MAX} times as long"
        );
        scorer.join().unwrap();
    }

    #[test]
    fn results_have_the_order_of_the_addresses_beyond_the_bound_on_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (there, gone) = (listener.local_addr().unwrap(), "127.0.0.1:1".parse().unwrap());
        let mut addresses = vec![gone; READS_MAX * 2];
        addresses[READS_MAX + 5] = there;
        let scorer = scorer(listener, 1, Status::default());
        let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
        let found = read_each(&agent, &addresses);
        let answered: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_ok()).collect();
        assert_eq!((found.len(), answered), (READS_MAX * 2, vec![READS_MAX + 5]));
        scorer.join().unwrap();
    }
}
