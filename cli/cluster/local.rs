//! A whole cluster on this machine, for `delaycast up --processes N`.

use std::{
    fs::{self, File},
    io::Write,
    net::{Ipv4Addr, TcpListener},
    num::NonZeroUsize,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, anyhow};
use delaycast::supervise::{Report, supervise};
use delaycast_dataflows::score::Stop;

use super::supervisor::{program, scorer};
use crate::{health::HealthOption, operations::Scoring};

/// What the processes of the cluster are made from.
pub(crate) struct Local<'a> {
    /// The system's folder.
    pub(crate) dir: &'a Path,
    pub(crate) log_url: &'a str,
    pub(crate) store_url: &'a str,
    pub(crate) models: &'a Path,
    /// In each process.
    pub(crate) workers: NonZeroUsize,
    /// Whether answers say why.
    pub(crate) explain: bool,
    /// Where this process tells how it is; the others do at the ports after it.
    pub(crate) health: &'a HealthOption,
}

/// The processes, being kept running.
pub(crate) struct Running {
    /// Ends once all have left.
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
    /// What they say of themselves.
    pub(crate) reports: Arc<Reports>,
}

/// The latest report of each process that runs.
pub(crate) struct Reports(Mutex<Vec<Option<Report>>>);

impl Reports {
    fn get(&self) -> MutexGuard<'_, Vec<Option<Report>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scoring for Reports {
    fn in_flight(&self) -> u64 {
        self.get().iter().flatten().map(|report| report.read.saturating_sub(report.retired)).sum()
    }

    fn lag(&self) -> Option<u64> {
        self.get().iter().map(|report| report.as_ref()?.lag).sum()
    }

    fn waiting(&self) -> Vec<(String, u64)> {
        let reports = self.get();
        let mut waiting: Vec<(String, u64)> = Vec::new();
        for (what, for_s) in reports.iter().flatten().flat_map(|report| report.waiting.iter().cloned()) {
            // All of them wait for the same log and the same store.
            match waiting.iter_mut().find(|(known, _)| *known == what) {
                Some((_, known_s)) => *known_s = for_s.max(*known_s),
                None => waiting.push((what, for_s)),
            }
        }
        if reports.iter().any(|report| report.as_ref().is_none_or(|report| report.generation == 0)) {
            waiting.push(("all processes of the cluster".into(), 0));
        }
        waiting
    }
}

impl Local<'_> {
    /// Starts all processes, each kept running by a thread until `stop` is asked.
    pub(crate) fn start(&self, processes: usize, stop: &Stop) -> anyhow::Result<Running> {
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
        let (hosts, program) = (hosts.join(","), program()?);
        let reports = Arc::new(Reports(Mutex::new(vec![None; processes])));
        let mut threads = Vec::new();
        for (process, listener) in listeners.into_iter().enumerate() {
            let child = LocalChild {
                arguments: self.arguments(&hosts, process, &secret),
                urls: [self.log_url.to_owned(), self.store_url.to_owned()],
                program: program.clone(),
                listener,
                process,
            };
            let (stop, reports) = (stop.clone(), Arc::clone(&reports));
            let run = move || child.keep_running(&stop, &reports);
            let thread = thread::Builder::new().name(format!("keep-{process}")).spawn(run);
            threads.push(thread.context("cannot start a thread that keeps a scorer running")?);
        }
        let wait = move || {
            let ended: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
            ended.into_iter().try_for_each(|ended| ended.map_err(|_| anyhow!("who keeps a scorer running panicked"))?)
        };
        let running = thread::Builder::new().name("cluster".into()).spawn(wait).context("cannot start a thread")?;
        Ok(Running { running, reports })
    }

    fn arguments(&self, hosts: &str, process: usize, secret: &Path) -> Vec<PathBuf> {
        let (number, process, workers) = (process, process.to_string(), self.workers.to_string());
        let words = ["score", "--cluster", "up", "--hosts", hosts, "--process", &process, "--workers", &workers];
        let mut arguments: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
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
    urls: [String; 2],
    program: String,
    listener: TcpListener,
    process: usize,
}

impl LocalChild {
    fn keep_running(self, stop: &Stop, reports: &Reports) -> anyhow::Result<()> {
        let command = |start| {
            let mut command = scorer(&self.listener, &self.program, start, &self.arguments)?;
            // In a URL there may be a password, and arguments can be read by everybody on this machine.
            let [log_url, store_url] = &self.urls;
            command.env("DELAYCAST_LOG_URL", log_url).env("DELAYCAST_STORE_URL", store_url);
            Ok(command)
        };
        let seen = |report: Option<&Report>| {
            if let Some(latest) = reports.get().get_mut(self.process) {
                *latest = report.cloned();
            }
        };
        let name = format!("scorer {}", self.process);
        let supervised = supervise(&name, command, &|| stop.asked(), &seen);
        // The others would wait for it for ever.
        stop.ask();
        match supervised? {
            None | Some(0) => Ok(()),
            Some(code) => Err(anyhow!("{name} has left with code {code}")),
        }
    }
}

/// A new secret at each start, for this user's eyes.
fn write_secret(path: &Path) -> anyhow::Result<()> {
    let secret: String = (0..4).map(|_| format!("{:016x}", rand::random::<u64>())).collect();
    // Never into a file that is there: its owner and its mode would stay.
    let _ = fs::remove_file(path);
    let written = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(secret.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
