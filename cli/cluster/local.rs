//! A cluster of processes on this machine, for `delaycast up --processes N`.

use std::{
    fs::{self, File},
    io::Write,
    net::{Ipv4Addr, TcpListener},
    num::NonZeroUsize,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

use anyhow::{Context, anyhow};
use delaycast_dataflows::score::StatusSource;
use engine::{
    runtime::{Mutex, MutexGuard, Stop},
    status::{Status, Wait},
    supervise::{ChildReport, supervise},
};

use super::supervisor::{program_fingerprint, scorer_command};
use crate::app::{HealthOption, NO_EVENTS, Urls};

/// The options of the cluster's processes.
pub(crate) struct LocalCluster<'a> {
    /// The directory of the system.
    pub(crate) dir: &'a Path,
    pub(crate) urls: Urls<'a>,
    pub(crate) models: &'a Path,
    /// Worker threads in each process.
    pub(crate) workers: NonZeroUsize,
    /// True if answers carry explanations.
    pub(crate) explain: bool,
    /// The health endpoint of this process; the others use the ports after it.
    pub(crate) health: &'a HealthOption,
}

/// The latest report of each running process.
type Reports = Mutex<Vec<Option<ChildReport>>>;

fn reports_of(reports: &Reports) -> MutexGuard<'_, Vec<Option<ChildReport>>> {
    reports.lock()
}

/// The state of the cluster, from the reports of its processes.
fn status(reports: &Reports) -> Status {
    let reports = reports_of(reports);
    let mut status = Status::of_all(reports.iter().flatten().map(|report| &report.status));
    if reports.iter().any(Option::is_none) {
        status.lag = None;
    }
    if reports.iter().any(|report| report.as_ref().is_none_or(|report| report.generation == 0)) {
        status.waiting.push(Wait { what: "all processes of the cluster".into(), for_s: 0 });
    }
    status
}

impl LocalCluster<'_> {
    /// Starts all processes, each supervised by a thread until a stop is requested. Returns a thread that ends when all
    /// have ended, and the source of the cluster's status.
    pub(crate) fn start(
        &self,
        processes: usize,
        stop: &Stop,
    ) -> anyhow::Result<(JoinHandle<anyhow::Result<()>>, StatusSource)> {
        let secret = self.dir.join("mesh.secret");
        write_secret(&secret)?;
        let mut listeners = Vec::new();
        for _ in 0..processes {
            listeners
                .push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the processes to meet at")?);
        }
        let addresses: Result<Vec<_>, _> = listeners.iter().map(TcpListener::local_addr).collect();
        let hosts: Vec<String> =
            addresses.context("a port without a number")?.iter().map(ToString::to_string).collect();
        let (hosts, program) = (hosts.join(","), program_fingerprint()?);
        let reports: Arc<Reports> = Arc::new(Mutex::new(vec![None; processes]));
        let mut threads = Vec::new();
        for (process, listener) in listeners.into_iter().enumerate() {
            let child = LocalChild {
                arguments: self.arguments(&hosts, process, &secret),
                urls: [self.urls.log, self.urls.store, self.urls.events.unwrap_or(NO_EVENTS)].map(str::to_owned),
                output: self.urls.output.map(str::to_owned),
                program: program.clone(),
                listener,
                process,
            };
            let (stop, reports) = (stop.clone(), Arc::clone(&reports));
            let run = move || child.run_supervised(&stop, &reports);
            let thread = thread::Builder::new().name(format!("keep-{process}")).spawn(run);
            threads.push(thread.context("cannot start a thread that keeps a scorer running")?);
        }
        let wait = move || {
            let ended: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
            ended.into_iter().try_for_each(|ended| ended.map_err(|_| anyhow!("who keeps a scorer running panicked"))?)
        };
        let running = thread::Builder::new().name("cluster".into()).spawn(wait).context("cannot start a thread")?;
        Ok((running, Arc::new(move || status(&reports))))
    }

    fn arguments(&self, hosts: &str, process: usize, secret: &Path) -> Vec<PathBuf> {
        let (number, process, workers) = (process, process.to_string(), self.workers.to_string());
        let options = ["score", "--cluster", "up", "--hosts", hosts, "--process", &process, "--workers", &workers];
        let mut arguments: Vec<PathBuf> = options.iter().map(PathBuf::from).collect();
        arguments.extend(["--explain".into(), self.explain.to_string().into()]);
        arguments.extend(["--mesh-secret".into(), secret.to_owned(), "--models".into(), self.models.to_owned()]);
        if let Some(address) = self.health.after(number) {
            arguments.extend(["--health".into(), address.to_string().into()]);
        }
        arguments
    }
}

struct LocalChild {
    arguments: Vec<PathBuf>,
    urls: [String; 3],
    output: Option<String>,
    program: String,
    listener: TcpListener,
    process: usize,
}

impl LocalChild {
    fn run_supervised(self, stop: &Stop, reports: &Reports) -> anyhow::Result<()> {
        let command = |start| {
            let mut command = scorer_command(&self.listener, &self.program, start, &self.arguments)?;
            // In the environment: a URL may hold a password, and other users can read a process's arguments.
            let variables = ["DELAYCAST_LOG_URL", "DELAYCAST_STORE_URL", "DELAYCAST_EVENTS"];
            command.envs(variables.iter().zip(&self.urls));
            command.envs(self.output.iter().map(|url| ("DELAYCAST_ANSWERS", url)));
            Ok(command)
        };
        let on_report = |report: Option<&ChildReport>| {
            if let Some(latest) = reports_of(reports).get_mut(self.process) {
                *latest = report.cloned();
            }
        };
        let name = format!("scorer {}", self.process);
        let supervised = supervise(&name, command, stop, &on_report);
        // The others would wait for it without end.
        stop.request();
        match supervised? {
            None | Some(0) => Ok(()),
            Some(code) => Err(anyhow!("{name} has left with code {code}")),
        }
    }
}

/// Writes a new secret that only this user may read.
fn write_secret(path: &Path) -> anyhow::Result<()> {
    let secret: String = (0..4).map(|_| format!("{:016x}", rand::random::<u64>())).collect();
    // Not into an existing file: its owner and its mode would remain.
    let _ = fs::remove_file(path);
    let written = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(secret.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
