//! Three machines, a log, a store, a load, and the processes of a cluster.

use std::{
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use delaycast::{
    runtime::{Mutex, MutexGuard},
    supervise::SETTLED,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::{
    hosts::{DOMAIN, Host, Network},
    load::{Account, Load},
    pod::Pod,
    support::{give_models, long, run, seed},
};

/// One fault at a time.
static TURN: Mutex<()> = Mutex::new(());
/// Where processes meet.
pub(crate) const MESH_PORT: u16 = 2101;

/// What all processes stand on.
pub(crate) struct Ground {
    pub(crate) network: Network,
    pub(crate) dir: TempDir,
}

impl Ground {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The file that is log and store.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.path("delaycast.db").display())
    }

    /// Makes certificates for a name in a folder; where the folder has an authority, of that one.
    pub(crate) fn make_certificates(&self, folder: &str, name: &str) -> PathBuf {
        let dir = self.path(folder);
        let (status, _, stderr) = run(&["mesh", "certs", "--dir", &dir.to_string_lossy(), "--name", name], b"");
        assert!(status.success(), "{stderr}");
        dir
    }

    /// `delaycast score` on a machine, between log and store.
    pub(crate) fn score(&self, binary: &Path, host: &Host, certificates: &Path) -> Command {
        let mut command = host.command(binary);
        command.args(["score", "--log", &self.url(), "--store", &self.url(), "--workers", "2"]);
        command.arg("--models").arg(self.path("models")).arg("--mesh-certs").arg(certificates);
        for given in ["LOG_URL", "STORE_URL", "MODELS", "REPLICAS"] {
            command.env_remove(format!("DELAYCAST_{given}"));
        }
        command.env("DELAYCAST_LOG_LEVEL", "info");
        command
    }
}

/// The binary under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_delaycast"))
}

/// The processes of a cluster.
pub(crate) struct Cluster {
    ground: Rc<Ground>,
    name: &'static str,
    port: u16,
    pub(crate) replicas: usize,
    pods: Vec<Option<Pod>>,
}

impl Cluster {
    pub(crate) fn new(ground: &Rc<Ground>, name: &'static str, port: u16, replicas: usize) -> Self {
        let pods = ground.network.pods.iter().map(|_| None).collect();
        Cluster { ground: Rc::clone(ground), name, port, replicas, pods }
    }

    pub(crate) fn start(&mut self, index: usize) -> Instant {
        self.start_binary(index, binary())
    }

    pub(crate) fn start_binary(&mut self, index: usize, binary: &Path) -> Instant {
        let host = &self.ground.network.pods[index];
        let mut command = self.ground.score(binary, host, &self.ground.path("certs"));
        command.args(["--cluster", self.name, "--replicas", &self.replicas.to_string(), "--domain", DOMAIN]);
        command.args(["--mesh-port", &self.port.to_string()]);
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

    /// Tells one to stop and waits until it has.
    pub(crate) fn stop(&mut self, index: usize) {
        self.pod(index).tell_to_stop();
        assert_eq!(self.take(index).left(), Some(0), "process {index}");
    }

    /// Tells all to stop at once.
    pub(crate) fn stop_all(&mut self) {
        let running: Vec<Pod> = self.pods.iter_mut().filter_map(Option::take).collect();
        running.iter().for_each(Pod::tell_to_stop);
        for mut pod in running {
            assert_eq!(pod.left(), Some(0));
        }
    }

    /// The generation that all of them are of.
    pub(crate) fn generation(&self) -> u64 {
        let generations: Vec<_> = self.pods.iter().flatten().map(Pod::generation).collect();
        assert!(generations.iter().all(|generation| *generation == generations[0]), "{generations:?}");
        generations[0].expect("a generation has formed")
    }

    /// Waits until all but one have told that the generation is over since a moment; how long that took. Each must have
    /// named the generation and a process other than itself, and at least one of them the one that was lost: among the
    /// others one may be gone before the next has looked.
    pub(crate) fn others_left(&self, lost: usize, generation: u64, since: Instant) -> Duration {
        let others = self.pods.iter().enumerate().filter(|(index, pod)| *index != lost && pod.is_some());
        let told: Vec<_> = others.map(|(index, _)| (index, self.last_line(index, since))).collect();
        for (index, (_, line)) in &told {
            let named = (0..self.replicas).find(|process| line.contains(&format!(" is over: process {process} ")));
            let right = line.starts_with(&format!("process {index}: generation {generation} is over: "));
            assert!(right && named.is_some_and(|process| process != *index), "process {index}: {line}");
        }
        let names_it = |line: &str| line.contains(&format!(" is over: process {lost} "));
        assert!(told.iter().any(|(_, (_, line))| names_it(line)), "{told:?}");
        told.iter().map(|(_, (at, _))| at.duration_since(since)).max().unwrap()
    }

    /// What a process says when it leaves.
    pub(crate) fn last_line(&self, index: usize, since: Instant) -> (Instant, String) {
        self.pod(index).says(since, " is over: ")
    }
}

/// A cluster under load, for one test alone.
pub(crate) struct World {
    // In the order in which they are to go.
    pub(crate) cluster: Cluster,
    pub(crate) load: Load,
    pub(crate) ground: Rc<Ground>,
    pub(crate) random: ChaCha8Rng,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// Waits for the test's turn; `None` where there are no network namespaces. Nothing runs yet but the load.
    pub(crate) fn enter() -> Option<Self> {
        // A test that failed has left its turn, and nothing else.
        let turn = TURN.lock();
        let ground = Rc::new(Ground { network: Network::new(3)?, dir: tempfile::tempdir().unwrap() });
        let random = ChaCha8Rng::seed_from_u64(seed());
        ground.make_certificates("certs", "delaycast-mesh");
        give_models(ground.dir.path());
        let load = Load::start(&ground.path("delaycast.db"), &ground.url());
        let cluster = Cluster::new(&ground, "delaycast", MESH_PORT, 3);
        Some(World { cluster, load, ground, random, _turn: turn })
    }

    /// The same with three processes at work.
    pub(crate) fn at_work() -> Option<Self> {
        let mut world = Self::enter()?;
        world.cluster.start_all();
        world.settle();
        Some(world)
    }

    /// Waits until all partitions are answered, and some more: a fault may come at any moment. Of many faults each is to
    /// be one of its own, so that the pauses of supervisors do not grow: after a life of `SETTLED` they start over.
    pub(crate) fn settle(&mut self) {
        self.load.recovery(Instant::now());
        if long() {
            thread::sleep(SETTLED);
        }
        thread::sleep(Duration::from_millis(self.random.random_range(0..500)));
    }

    /// Accounts for all requests, holds that against the promise, and stops the cluster.
    pub(crate) fn finish(mut self, fault: &str, times: usize) -> Account {
        let account = self.load.account();
        let Account { messages, requests, lost, doubled, changed, looked_at, .. } = &account;
        println!(
            "{fault}: {times} times, {messages} messages, {requests} requests, lost {lost}, doubled {doubled}, \
             changed {changed} of {looked_at} looked at before"
        );
        assert_eq!((*lost, *doubled, *changed), (0, 0, 0));
        assert!(*messages > 0 && *looked_at > 0, "nothing was put to the test");
        self.cluster.stop_all();
        account
    }
}
