//! The process that scores, under its supervisor, for one generation.

use std::{
    io,
    net::TcpListener,
    os::fd::AsFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use anyhow::Context;
use delaycast::{
    domain::Flights,
    log::Log,
    model::{ModelDir, VersionedModel},
    store::Store,
    supervise::{self, Report},
};
use delaycast_dataflows::{
    mesh::{Certificates, ClusterSpec, Mesh, MeshConfig, Peers},
    score::{self, Config, Connections, Counters, Stop},
};

use super::lost;
use crate::{routes, score::Args, signals, swap};

/// The version of what the processes of a cluster exchange: those of two never form a generation.
const DATAFLOW: &str = "score 2";

/// How often it is looked whether there is a new certificate, to tell until when it is valid.
const CERTIFICATE: Duration = Duration::from_secs(60);

/// Runs until the generation is over or it is told to stop.
pub(crate) fn run(args: &Args, peers: Peers, supervisor: u32) -> anyhow::Result<()> {
    supervise::tie(supervisor)?;
    let (stop, counters, generation) = (Stop::default(), Arc::new(Counters::default()), Arc::new(AtomicU64::new(0)));
    // Before anything else, so that whoever asks learns what is waited for.
    let monitor = args.health.start(&stop)?;
    monitor.lacks("mesh", "not formed");
    signals::on_stop(&stop)?;
    let connections: Arc<Mutex<Option<Connections>>> = Arc::default();
    report(&counters, &generation, &connections, args.cluster.certificates()?)?;
    counters.restarts.set(args.cluster.life.restarts);
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned().context("cannot take the port")?);

    let Some((log, store)) = args.system.open(&stop)? else { return Ok(()) };
    monitor.has("log");
    let models = ModelDir::new(&args.system.models.models);
    let Some(model) = routes::with_routes_of(&*store, models.load_usable()?, &stop) else { return Ok(()) };
    monitor.has("store");
    let _watching = args.health.watch_store(&monitor, &store, &stop)?;
    let opened = Connections::new(Arc::clone(&log), Arc::clone(&store));
    *connections.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
    monitor.scores(&opened, &counters);
    let Some(partitions) = score::partitions(&opened, &stop) else { return Ok(()) };

    monitor.uses(&model.version);
    monitor.has("model");
    let model = Arc::new(Mutex::new(model));
    let mesh_config = MeshConfig {
        spec: spec(args, &peers, &*log, &store, models.clone(), &model, &stop),
        credentials: args.cluster.credentials()?,
        last_generation: args.cluster.life.after_generation,
        partitions,
        peers,
    };
    let Some(member) = Mesh::open(listener, mesh_config)?.form(|| stop.asked()) else { return Ok(()) };
    lost::remember(&member);
    generation.store(member.generation().number, Ordering::Relaxed);
    let (number, spec) = (member.generation().number, member.spec());
    let ClusterSpec { processes, workers, model: version, .. } = spec;
    tracing::info!(
        "generation {number} has formed: process {} of {processes}, with {workers} workers each, scoring with model {version}",
        member.peers().index(),
    );
    counters.generation.set(number);
    monitor.has("mesh");
    let model = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
    monitor.uses(&model.version);
    // One process is enough to notice a new model: all are sent it.
    let watches = (member.peers().index() == 0).then_some(&models);
    let models = swap::models(model, args.explain, watches, &store, &counters, &stop)?;
    let config = Config::new(args.workers.get());
    let leave = |loss| lost::leave(&format!("{loss}"));
    let result = score::run_in_cluster(&config, member, &opened, &models, &counters, &stop, leave);
    tracing::info!("stopped: {counters}");
    // Who reports holds on to it, and only the last who closes an embedded file leaves it whole.
    *connections.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(result?)
}

/// What all processes must agree on. A model that has become current is loaded before it is offered to the others.
fn spec(
    args: &Args,
    peers: &Peers,
    log: &dyn Log,
    store: &Arc<dyn Store<Flights>>,
    models: ModelDir,
    model: &Arc<Mutex<VersionedModel>>,
    stop: &Stop,
) -> Box<dyn Fn() -> ClusterSpec + Send + Sync> {
    let agreed = ClusterSpec {
        cluster: args.cluster.cluster.clone(),
        processes: peers.count(),
        workers: args.workers.get(),
        program: args.cluster.life.program.clone(),
        dataflow: format!("{DATAFLOW}, from {} to {}", log.describe(), store.describe()),
        model: String::new(),
    };
    let (store, model, stop) = (Arc::clone(store), Arc::clone(model), stop.clone());
    Box::new(move || {
        let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
        match models.current() {
            Ok(current) if current == model.version => {}
            Ok(_) => match models.load_current().map(|loaded| routes::with_routes_of(&*store, loaded, &stop)) {
                Ok(Some(loaded)) => *model = loaded,
                Ok(None) => {}
                Err(error) => tracing::warn!("staying with model {}: {error}", model.version),
            },
            Err(error) => tracing::warn!("staying with model {}: {error}", model.version),
        }
        ClusterSpec { model: model.version.to_string(), ..agreed.clone() }
    })
}

/// Starts to tell the supervisor how it goes.
fn report(
    counters: &Arc<Counters>,
    generation: &Arc<AtomicU64>,
    connections: &Arc<Mutex<Option<Connections>>>,
    certificates: Option<Certificates>,
) -> anyhow::Result<()> {
    let (counters, generation, connections) = (Arc::clone(counters), Arc::clone(generation), Arc::clone(connections));
    let mut read_at: Option<Instant> = None;
    let now = move || {
        if let Some(certificates) = &certificates
            && read_at.is_none_or(|at| at.elapsed() >= CERTIFICATE)
        {
            read_at = Some(Instant::now());
            let expires = certificates.expires().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            expires.iter().for_each(|since_epoch| counters.certificate_expires_at_s.set(since_epoch.as_secs()));
        }
        let connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = connections.iter().flat_map(Connections::waiting);
        Report {
            generation: generation.load(Ordering::Relaxed),
            read: counters.read.get(),
            retired: counters.retired.get(),
            lag: counters.lag.get(),
            waiting: waits.map(|(what, waiting)| (what.to_owned(), waiting.since.elapsed().as_secs())).collect(),
        }
    };
    supervise::report(now).context("cannot start a thread that reports")
}
