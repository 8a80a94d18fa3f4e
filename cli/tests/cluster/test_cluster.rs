//! A cluster under load: three hosts, a log, a store, a load of requests, and the processes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use engine::{
    runtime::{Mutex, MutexGuard},
    supervise::STABLE_AFTER,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::{
    hosts::{DOMAIN, Host, Network},
    load::{Audit, Load},
    pod::Pod,
    support::{give_models, long, run, seed},
};

/// Locked by the running test: one test at a time injects faults.
static EXCLUSIVE: Mutex<()> = Mutex::new(());
/// The listening port of each process.
pub(crate) const MESH_PORT: u16 = 2101;

/// The hosts and the directory that all processes share.
pub(crate) struct Environment {
    pub(crate) network: Network,
    pub(crate) dir: TempDir,
}

impl Environment {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns the URL of the file that is log and store.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.path("delaycast.db").display())
    }

    /// Creates certificates for a name in a directory; an existing authority signs them.
    pub(crate) fn make_certificates(&self, dir: &str, name: &str) -> PathBuf {
        let dir = self.path(dir);
        let (status, _, stderr) = run(&["mesh", "certs", "--dir", &dir.to_string_lossy(), "--name", name], b"");
        assert!(status.success(), "{stderr}");
        dir
    }

    /// Returns the command of `delaycast score` on a host.
    pub(crate) fn score(&self, binary: &Path, host: &Host, certificates: &Path) -> Command {
        let mut command = host.command(binary);
        command.args(["score", "--log", &self.url(), "--store", &self.url(), "--workers", "2"]);
        command.arg("--models").arg(self.path("models")).arg("--mesh-certs").arg(certificates);
        for variable in ["LOG_URL", "STORE_URL", "EVENTS", "MODELS", "REPLICAS"] {
            command.env_remove(format!("DELAYCAST_{variable}"));
        }
        command.env("DELAYCAST_LOG_LEVEL", "info");
        command
    }
}

/// Returns the binary under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_delaycast"))
}

/// The processes of a cluster.
pub(crate) struct Cluster {
    environment: Rc<Environment>,
    name: &'static str,
    port: u16,
    pub(crate) replicas: usize,
    /// Where the others reach process 0, in place of its own name.
    pub(crate) leader: Option<&'static str>,
    pods: Vec<Option<Pod>>,
}

impl Cluster {
    pub(crate) fn new(environment: &Rc<Environment>, name: &'static str, port: u16, replicas: usize) -> Self {
        let pods = environment.network.pods.iter().map(|_| None).collect();
        Cluster { environment: Rc::clone(environment), name, port, replicas, leader: None, pods }
    }

    pub(crate) fn start(&mut self, index: usize) -> Instant {
        self.start_binary(index, binary())
    }

    pub(crate) fn start_binary(&mut self, index: usize, binary: &Path) -> Instant {
        let host = &self.environment.network.pods[index];
        let mut command = self.environment.score(binary, host, &self.environment.path("certs"));
        command.args(["--cluster", self.name, "--replicas", &self.replicas.to_string(), "--domain", DOMAIN]);
        command.args(["--mesh-port", &self.port.to_string()]);
        if let Some(leader) = self.leader {
            command.args(["--mesh-leader", &format!("{leader}:{}", self.port)]);
        }
        let pod = Pod::start(&format!("{} of {}", host.hostname, self.name), &mut command);
        let started = pod.started;
        assert!(self.pods[index].replace(pod).is_none(), "it runs already");
        started
    }

    pub(crate) fn start_all(&mut self) -> Instant {
        let first = self.start(0);
        for index in 1..self.replicas {
            self.start(index);
        }
        first
    }

    pub(crate) fn pod(&self, index: usize) -> &Pod {
        self.pods[index].as_ref().expect("it runs")
    }

    pub(crate) fn take(&mut self, index: usize) -> Pod {
        self.pods[index].take().expect("it runs")
    }

    /// Stops a process and waits for its end.
    pub(crate) fn stop(&mut self, index: usize) {
        self.pod(index).terminate();
        assert_eq!(self.take(index).wait(), Some(0), "process {index}");
    }

    /// Stops all processes at the same time.
    pub(crate) fn stop_all(&mut self) {
        let running: Vec<Pod> = self.pods.iter_mut().filter_map(Option::take).collect();
        running.iter().for_each(Pod::terminate);
        for mut pod in running {
            assert_eq!(pod.wait(), Some(0));
        }
    }

    /// Returns the generation of all processes.
    pub(crate) fn generation(&self) -> u64 {
        let generations: Vec<_> = self.pods.iter().flatten().map(Pod::generation).collect();
        assert!(generations.iter().all(|generation| *generation == generations[0]), "{generations:?}");
        generations[0].expect("a generation has formed")
    }

    /// Waits until all processes but `lost` have logged the end of the generation; returns the time that it took. Each
    /// must name the generation and a process other than itself, and at least one must name `lost`: one of the others
    /// may end before the next has noticed.
    pub(crate) fn wait_until_others_left(&self, lost: usize, generation: u64, since: Instant) -> Duration {
        let others = self.pods.iter().enumerate().filter(|(index, pod)| *index != lost && pod.is_some());
        let ends: Vec<_> = others.map(|(index, _)| (index, self.last_line(index, since))).collect();
        for (index, (_, line)) in &ends {
            let named = (0..self.replicas).find(|process| line.contains(&format!(" is over: process {process} ")));
            let right = line.starts_with(&format!("process {index}: generation {generation} is over: "));
            assert!(right && named.is_some_and(|process| process != *index), "process {index}: {line}");
        }
        let names_it = |line: &str| line.contains(&format!(" is over: process {lost} "));
        assert!(ends.iter().any(|(_, (_, line))| names_it(line)), "{ends:?}");
        ends.iter().map(|(_, (at, _))| at.duration_since(since)).max().unwrap()
    }

    /// Waits for the last line of a process that leaves.
    pub(crate) fn last_line(&self, index: usize, since: Instant) -> (Instant, String) {
        self.pod(index).wait_for_line(since, " is over: ")
    }
}

/// A cluster under load, for one test.
pub(crate) struct TestCluster {
    // In drop order.
    pub(crate) cluster: Cluster,
    pub(crate) load: Load,
    pub(crate) environment: Rc<Environment>,
    pub(crate) random: ChaCha8Rng,
    _exclusive: MutexGuard<'static, ()>,
}

impl TestCluster {
    /// Waits for the lock and starts the load; `None` where there are no network namespaces.
    pub(crate) fn acquire() -> Option<Self> {
        let exclusive = EXCLUSIVE.lock();
        let environment = Rc::new(Environment { network: Network::new(3)?, dir: tempfile::tempdir().unwrap() });
        let random = ChaCha8Rng::seed_from_u64(seed());
        environment.make_certificates("certs", "delaycast-mesh");
        give_models(environment.dir.path());
        let load = Load::start(&environment.path("delaycast.db"), &environment.url());
        let cluster = Cluster::new(&environment, "delaycast", MESH_PORT, 3);
        Some(TestCluster { cluster, load, environment, random, _exclusive: exclusive })
    }

    /// Returns a cluster with three running processes.
    pub(crate) fn running() -> Option<Self> {
        let mut test = Self::acquire()?;
        test.cluster.start_all();
        test.settle();
        Some(test)
    }

    /// Waits until the requests of all partitions are answered, and for a random time: faults happen at any moment. In
    /// long runs each child runs for `STABLE_AFTER` first, so that the supervisors' backoff does not grow.
    pub(crate) fn settle(&mut self) {
        self.load.recovery(Instant::now());
        if long() {
            thread::sleep(STABLE_AFTER);
        }
        thread::sleep(Duration::from_millis(self.random.random_range(0..500)));
    }

    /// Audits all requests, asserts the promise, and stops the cluster.
    pub(crate) fn finish(mut self, fault: &str, times: usize) -> Audit {
        let audit = self.load.audit();
        let Audit { messages, requests, lost, doubled, changed, observed, .. } = &audit;
        println!(
            "{fault}: {times} times, {messages} messages, {requests} requests, lost {lost}, doubled {doubled}, \
             changed {changed} of {observed} looked at before"
        );
        assert_eq!((*lost, *doubled, *changed), (0, 0, 0));
        assert!(*messages > 0 && *observed > 0, "no message or no answer was observed");
        self.cluster.stop_all();
        audit
    }
}
