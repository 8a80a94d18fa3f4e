//! `delaycast up`: the whole system on one machine, in one process or with a cluster of scorers.

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
use delaycast::model::{ModelDir, VersionedModel};
use delaycast_dataflows::score::{self, Config, StatusSource};
use delaycast_web::Replay;
use engine::{address, model::ModelDirError, runtime::Stop};
use rustix::fs::{FlockOperation, flock};

use crate::{
    app::{App, HealthOption, HistoryOption, Listen, PageSources, System, Urls, events_of, open_events},
    cluster,
    demo::{self, Demo},
    options::{self, ExplainOption, OutputOption},
    train,
};

/// Interval at which a training in progress checks for a stop.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Run the whole system here: log, scorer, store and page, with no services.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast up --port 8080 --workers 4
  delaycast up --processes 3
  delaycast up --demo

Without a model it first trains one on the bundled flights (New York 2013); `delaycast train` makes better ones.
Stop it with Ctrl-C: what was asked is answered first, or after the next start.")]
pub(crate) struct Args {
    /// Where everything is kept: the embedded log and store, the models, the index of the history
    #[arg(long, value_name = "DIR", default_value = "var")]
    dir: PathBuf,
    /// Replay a day of New York: an hour passes in a minute, and flights are followed. Everything is kept in DIR/demo,
    /// and begins anew with each start
    #[arg(long, conflicts_with_all = ["models", "log", "store", "events"])]
    demo: bool,
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
    /// The log of events, which answers take into account: sqlite:PATH, kafka://HOST:PORT/TOPIC, or none [default: the
    /// topic of events beside an embedded --log, else none]
    #[arg(long, value_name = "URL", env = "DELAYCAST_EVENTS", hide_env_values = true)]
    events: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    /// Score in a cluster of so many processes beside this one, which then only serves the page; 1 scores here
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    processes: u8,
    #[command(flatten)]
    explain: ExplainOption,
    #[command(flatten)]
    history: HistoryOption,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    health: HealthOption,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let dir = if args.demo { args.dir.join("demo") } else { args.dir.clone() };
    let _lock = lock(&dir)?;
    let listening = args.listen.listen()?;
    let app = App::start(&args.health)?;
    let database = dir.join("delaycast.db");
    if args.demo {
        demo::clear(&database)?;
    }
    let embedded = address::of_file(&database);
    let (log, store) = (args.log.as_ref().unwrap_or(&embedded), args.store.as_ref().unwrap_or(&embedded));
    let events = events_of(args.events.as_deref(), log)?;
    let urls = Urls { log, store, events: events.as_deref(), output: args.output.url.as_deref() };
    let models = args.models.clone().unwrap_or_else(|| dir.join("models"));
    let Some(system) = app.open(urls, || model(&models, args, &app.stop))? else { return Ok(()) };
    let (scoring, status) = if args.processes > 1 {
        let (models, workers, health) = (&*models, args.workers, &args.health);
        let cluster = cluster::LocalCluster { dir: &dir, urls, models, workers, explain: args.explain.explain, health };
        cluster.start(args.processes.into(), &app.stop)?
    } else {
        score_here(args, &app, &system, &ModelDir::new(&models))?
    };
    let (replay, replaying) = match urls.events.filter(|_| args.demo) {
        None => (None, None),
        Some(events) => {
            let (demo, thread) = Demo::start(open_events(events)?.producer()?, system.log.producer()?, &app.stop)?;
            (Some(demo as Arc<dyn Replay>), Some(thread))
        }
    };
    let history = args.history.indexed_in(&dir.join("history.db"));
    let served = system.serve(listening, Some(status), PageSources { replay, history });
    let scored = scoring.join().map_err(|_| anyhow!("the scorer panicked"))?;
    let replayed = replaying.map_or(Ok(()), |thread| thread.join().map_err(|_| anyhow!("the replay panicked"))?);
    if args.processes == 1 {
        tracing::info!("stopped: {}", app.counters);
    }
    served?;
    scored?;
    replayed
}

/// Scores in this process, on a thread. Returns the thread and the source of its status.
fn score_here(
    args: &Args,
    app: &App<'_>,
    system: &System<'_>,
    dir: &ModelDir,
) -> anyhow::Result<(JoinHandle<anyhow::Result<()>>, StatusSource)> {
    let connections = system.connections();
    let models = system.models(system.model.clone(), args.explain.explain, Some(dir))?;
    let (stop, counters, config) = (app.stop.clone(), Arc::clone(&app.counters), Config::new(args.workers.get()));
    let status = connections.status_source(&counters);
    let run = move || {
        let result = score::run(&config, &connections, &models, &counters, &stop);
        // A page without a scorer would only make its users wait.
        stop.request();
        Ok(result?)
    };
    let thread = thread::Builder::new().name("score".into()).spawn(run).context("cannot start the scorer")?;
    Ok((thread, status))
}

/// Locks the folder while the returned file is open: two systems on one folder would disturb each other.
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

/// Returns the current model; trains one on the bundled flights if there is none. `None` if a stop was requested during
/// the training, which publishes nothing before its end.
fn model(dir: &Path, args: &Args, stop: &Stop) -> anyhow::Result<Option<VersionedModel>> {
    let (models, workers, demo_day) = (ModelDir::new(dir), args.workers, args.demo.then(demo::day));
    match models.load_usable() {
        Err(ModelDirError::NoModel(_)) => {}
        loaded => return Ok(Some(loaded?)),
    }
    tracing::info!("no model in {} yet: training one on the bundled flights of 2013", dir.display());
    // The training does not watch `stop`: its thread ends with the process.
    let (send, trained) = mpsc::sync_channel(1);
    let train = move || drop(send.send(train::train_bundled(&models, workers, demo_day)));
    thread::Builder::new().name("train".into()).spawn(train).context("cannot start the training")?;
    while !stop.is_requested() {
        match trained.recv_timeout(STOP_CHECK_INTERVAL) {
            Ok(model) => return model.map(Some),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the training ended without a model"),
        }
    }
    tracing::info!("stopped before the first model was trained: the next start trains it");
    Ok(None)
}
