//! `delaycast up`: the whole system on one machine, in one process or with scorers of their own.

use std::{
    fs::{self, File},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::Args as ClapArgs;
use delaycast::{
    address,
    model::{ModelDir, ModelDirError, VersionedModel},
};
use delaycast_dataflows::score::{self, Config, Connections, Counters, Models, Stop};
use rustix::fs::{FlockOperation, flock};

use crate::{
    cluster,
    health::HealthOption,
    operations::{self, Scoring},
    options::{self, ExplainOption},
    routes, signals, swap, train,
    web::{self, Listen},
};

/// Interval at which a training in progress checks for a stop.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Run the whole system here: log, scorer, store and page, with no services.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast up --port 8080 --workers 4
  delaycast up --processes 3

Without a model it first trains one on the bundled flights (New York 2013); `delaycast train` makes better ones.
Stop it with Ctrl-C: what was asked is answered first, or after the next start.")]
pub(crate) struct Args {
    /// Where everything is kept: the embedded log and store, the models
    #[arg(long, value_name = "DIR", default_value = "var")]
    dir: PathBuf,
    /// The model directory [default: DIR/models]
    #[arg(long, value_name = "DIR", env = "DELAYCAST_MODELS")]
    models: Option<PathBuf>,
    /// Worker threads of the score dataflow, and of the first training
    #[arg(long, value_name = "N", default_value = "2", value_parser = options::workers)]
    workers: NonZeroUsize,
    /// The request log [default: the embedded one, sqlite:DIR/delaycast.db]
    #[arg(long, value_name = "URL", env = "DELAYCAST_LOG_URL", hide_env_values = true)]
    log: Option<String>,
    /// The prediction store [default: the embedded one, sqlite:DIR/delaycast.db]
    #[arg(long, value_name = "URL", env = "DELAYCAST_STORE_URL", hide_env_values = true)]
    store: Option<String>,
    /// Score in a cluster of so many processes beside this one, which then only serves the page; 1 scores here
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    processes: u8,
    #[command(flatten)]
    explain: ExplainOption,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    health: HealthOption,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let _lock = lock(&args.dir)?;
    let listener = args.listen.listen()?;
    let embedded = address::of_file(&args.dir.join("delaycast.db"));
    let (stop, counters) = (Stop::default(), Arc::new(Counters::default()));
    let monitor = args.health.start(&stop)?;
    signals::on_stop(&stop)?;
    let (log_url, store_url) = (args.log.as_ref().unwrap_or(&embedded), args.store.as_ref().unwrap_or(&embedded));
    let Some(log) = options::patiently("the log", &stop, || options::open_log(log_url))? else { return Ok(()) };
    let Some(store) = options::patiently("the store", &stop, || options::open_store(store_url))? else { return Ok(()) };
    // Last, as it may train: who gave a wrong option is told at once.
    let models = args.models.clone().unwrap_or_else(|| args.dir.join("models"));
    let Some(model) = model(&models, args.workers, &stop)? else { return Ok(()) };
    let Some(model) = routes::with_routes_of(&*store, model, &stop) else { return Ok(()) };

    let atlas = model.model.atlas().clone();
    monitor.uses(&model.version);
    let _watching = args.health.watch_store(&monitor, &store, &stop)?;
    ["log", "model"].into_iter().for_each(|what| monitor.has(what));
    let (scoring, shown): (JoinHandle<anyhow::Result<()>>, Arc<dyn Scoring>) = if args.processes > 1 {
        let (models, workers, health) = (&models, args.workers, &args.health);
        let explain = args.explain.explain;
        let plan = cluster::Local { dir: &args.dir, log_url, store_url, models, workers, explain, health };
        let local = plan.start(args.processes.into(), &stop)?;
        (local.running, local.reports)
    } else {
        let connections = Connections::new(Arc::clone(&log), Arc::clone(&store));
        monitor.scores(&connections, &counters);
        let shown = operations::Scorer { counters: Arc::clone(&counters), connections: connections.clone() };
        let models = swap::models(model, args.explain, Some(&ModelDir::new(&models)), &store, &counters, &stop)?;
        (score_here(args.workers, connections, models, &counters, &stop)?, Arc::new(shown))
    };
    let operations = operations::watch(&log, &store, Some(shown), &stop)?;
    let served = web::serve(listener, args.listen.hosts(), &*log, &*store, operations, atlas, &stop);
    stop.ask();
    let scored = scoring.join().map_err(|_| anyhow!("the scorer panicked"))?;
    if args.processes == 1 {
        tracing::info!("stopped: {counters}");
    }
    served?;
    scored
}

/// Scores in this process, on a thread.
fn score_here(
    workers: NonZeroUsize,
    connections: Connections,
    models: Models,
    counters: &Arc<Counters>,
    stop: &Stop,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let (stop, counters, config) = (stop.clone(), Arc::clone(counters), Config::new(workers.get()));
    let run = move || {
        let result = score::run(&config, &connections, &models, &counters, &stop);
        // A page without a scorer would only make people wait.
        stop.ask();
        Ok(result?)
    };
    thread::Builder::new().name("score".into()).spawn(run).context("cannot start the scorer")
}

/// Holds the folder for as long as the file is open: two systems on one folder would each believe it to be theirs.
fn lock(dir: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the folder {}: choose another with --dir", dir.display()))?;
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| {
        format!("cannot open {}: is the folder yours? Else choose another with --dir", path.display())
    })?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another `delaycast up` uses {}: stop it, or choose another folder with --dir", dir.display());
    }
    Ok(file)
}

/// Returns the current model; trains one on the bundled flights if there is none. `None` if `stop` is asked for during
/// the training: it ends at once, for it publishes nothing before its end.
fn model(dir: &Path, workers: NonZeroUsize, stop: &Stop) -> anyhow::Result<Option<VersionedModel>> {
    let models = ModelDir::new(dir);
    match models.load_usable() {
        Err(ModelDirError::NoModel(_)) => {}
        loaded => return Ok(Some(loaded?)),
    }
    tracing::info!("no model in {} yet: training one on the bundled flights of 2013", dir.display());
    // The training does not watch `stop`: its thread ends with the process.
    let (send, trained) = mpsc::sync_channel(1);
    let train = move || drop(send.send(train::train_bundled(&models, workers)));
    thread::Builder::new().name("train".into()).spawn(train).context("cannot start the training")?;
    while !stop.asked() {
        match trained.recv_timeout(STOP_CHECK_INTERVAL) {
            Ok(model) => return model.map(Some),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the training ended without a model"),
        }
    }
    tracing::info!("stopped before the first model was trained: the next start trains it");
    Ok(None)
}
