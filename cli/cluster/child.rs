//! The scorer under its supervisor, for one generation.

use std::{
    io,
    net::TcpListener,
    os::fd::AsFd,
    process::exit,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use anyhow::Context;
use delaycast::{
    domain::Flights,
    model::{ModelDir, VersionedModel},
};
use delaycast_dataflows::{
    mesh::{Certificates, ClusterSpec, Member, Mesh, MeshConfig, Peers, peer_of_thread},
    score::{self, Config, Counters, Events, StatusSource},
};
use engine::{
    runtime::{Mutex, Stop},
    store::Store,
    supervise::{self, ChildReport},
};
use rustix::process::{Signal, getpid, kill_process};

use crate::{
    EXIT_TEMPORARY,
    app::{App, System, with_routes_of},
    options::ScorerOptions,
    progress::say,
};

/// The version of the data that processes exchange: processes of different versions never form a generation.
const DATAFLOW: &str = "score 2";
/// Timeout of a regular exit; the process is killed after it.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval of the check for a renewed certificate, whose expiry is exported.
const CERTIFICATE_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The generation and the peers of this process, once it is part of one.
static MEMBERSHIP: OnceLock<(u64, Peers)> = OnceLock::new();
/// Held by the thread that writes the last line, until the process ends.
static EXIT_LOCK: Mutex<()> = Mutex::new(());
/// The source of the scorer's status, for the thread that reports.
type SharedStatusSource = Arc<OnceLock<StatusSource>>;

/// Runs until the generation is over or a stop is requested.
pub(crate) fn run(options: &ScorerOptions, peers: Peers, supervisor: u32) -> anyhow::Result<()> {
    supervise::end_with_parent(supervisor)?;
    let app = App::start(&options.health)?;
    let (stop, counters, generation) = (&app.stop, &app.counters, Arc::new(AtomicU64::new(0)));
    app.monitor.lacks("mesh", "not formed");
    let status = SharedStatusSource::default();
    report(counters, &generation, &status, options.cluster.certificates()?)?;
    counters.restarts.set(options.cluster.supervisor.restarts);
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned().context("cannot take the port")?);

    let models = ModelDir::new(&options.system.models.models);
    let Some(system) = app.open(options.urls(), || app.first_model(&models))? else { return Ok(()) };
    let opened = system.connections();
    status.get_or_init(|| opened.status_source(counters));
    let Some(partitions) = score::partitions(&opened, stop) else { return Ok(()) };

    app.monitor.has("model");
    let model = Arc::new(Mutex::new(system.model.clone()));
    let mesh_config = MeshConfig {
        spec: spec(options, &peers, dataflow(&system), &system.store, models.clone(), &model, stop),
        credentials: options.cluster.credentials()?,
        last_generation: options.cluster.supervisor.after_generation,
        partitions,
        peers,
    };
    let Some(member) = Mesh::open(listener, mesh_config)?.form(|| stop.is_requested()) else { return Ok(()) };
    remember(&member);
    generation.store(member.generation().number, Ordering::Relaxed);
    let (number, spec) = (member.generation().number, member.spec());
    let ClusterSpec { processes, workers, model: version, .. } = spec;
    tracing::info!(
        "generation {number} has formed: process {} of {processes}, with {workers} workers each, scoring with model {version}",
        member.peers().index(),
    );
    counters.generation.set(number);
    app.monitor.has("mesh");
    let model = model.lock().clone();
    // One process watches the directory: it sends a new model to the others.
    let watched = (member.peers().index() == 0).then_some(&models);
    let models = system.models(model, options.explain.explain, watched)?;
    let config = Config::new(options.workers.get());
    let leave = |loss| leave(&format!("{loss}"));
    let result = score::run_in_cluster(&config, member, &opened, &models, counters, stop, leave);
    tracing::info!("stopped: {counters}");
    Ok(result?)
}

/// Returns what the dataflow is built from: a process that reads events has another one, and that of each process reads
/// its share of the partitions alone.
fn dataflow(system: &System<'_>) -> String {
    let events = system.events.as_ref();
    let events = events.map_or("without events".to_owned(), |events| format!("with {}", events.health().what()));
    let output = system.output.as_ref().map_or(String::new(), |output| format!(" and {}", output.describe()));
    format!("{DATAFLOW}, from {} to {}{output}, {events}", system.log.describe(), system.store.describe())
}

/// Returns the spec that all processes must agree on. A new current model is loaded before it enters the spec.
fn spec(
    options: &ScorerOptions,
    peers: &Peers,
    dataflow: String,
    store: &Arc<dyn Store<Flights>>,
    models: ModelDir,
    model: &Arc<Mutex<VersionedModel>>,
    stop: &Stop,
) -> Box<dyn Fn() -> ClusterSpec + Send + Sync> {
    let agreed = ClusterSpec {
        cluster: options.cluster.cluster.clone(),
        processes: peers.count(),
        workers: options.workers.get(),
        program: options.cluster.supervisor.program.clone(),
        dataflow,
        model: String::new(),
    };
    let (store, model, stop) = (Arc::clone(store), Arc::clone(model), stop.clone());
    Box::new(move || {
        let mut model = model.lock();
        match models.current() {
            Ok(current) if current == model.version => {}
            Ok(_) => match models.load_current().map(|loaded| with_routes_of(&*store, loaded, &stop)) {
                Ok(Some(loaded)) => *model = loaded,
                Ok(None) => {}
                Err(error) => tracing::warn!("staying with model {}: {error}", model.version),
            },
            Err(error) => tracing::warn!("staying with model {}: {error}", model.version),
        }
        ClusterSpec { model: model.version.to_string(), ..agreed.clone() }
    })
}

/// Starts to report to the supervisor.
fn report(
    counters: &Arc<Counters>,
    generation: &Arc<AtomicU64>,
    status: &SharedStatusSource,
    certificates: Option<Certificates>,
) -> anyhow::Result<()> {
    let (counters, generation, status) = (Arc::clone(counters), Arc::clone(generation), Arc::clone(status));
    let mut read_at: Option<Instant> = None;
    let now = move || {
        if let Some(certificates) = &certificates
            && read_at.is_none_or(|at| at.elapsed() >= CERTIFICATE_CHECK_INTERVAL)
        {
            read_at = Some(Instant::now());
            let expires = certificates.expires().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            expires.iter().for_each(|since_epoch| counters.certificate_expires_at_s.set(since_epoch.as_secs()));
        }
        let status = status.get().map(|status| status()).unwrap_or_default();
        ChildReport { generation: generation.load(Ordering::Relaxed), status }
    };
    supervise::start_reports(now).context("cannot start a thread that reports")
}

/// Remembers the generation, for the message about a lost peer.
fn remember(member: &Member) {
    // A process is part of one generation at most.
    let _ = MEMBERSHIP.set((member.generation().number, member.peers().clone()));
}

/// Ends the process with a last line. Only the first thread that calls this writes it.
fn leave(why: &str) -> ! {
    let _guard = EXIT_LOCK.lock();
    let (generation, own) = MEMBERSHIP.get().map_or((0, 0), |(generation, peers)| (*generation, peers.index()));
    say(&format!("process {own}: generation {generation} is over: {why}; starting again from the committed offsets"));
    // Exit handlers of libraries may hang.
    let kill = || {
        thread::sleep(EXIT_TIMEOUT);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without the thread there is no timeout.
    let _ = thread::Builder::new().name("end".into()).spawn(kill);
    exit(i32::from(EXIT_TEMPORARY))
}

/// Handles a panic of one of timely's connection threads: they panic when the other end is gone.
pub(crate) fn leave_if_a_peer_is_lost() {
    let thread = thread::current();
    if let Some(process) = thread.name().and_then(peer_of_thread) {
        let address = MEMBERSHIP.get().map_or("", |(_, peers)| peers.address(process));
        leave(&format!("process {process} ({address}) was lost"));
    }
}
