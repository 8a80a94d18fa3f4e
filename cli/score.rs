//! `delaycast score`: the score dataflow alone.

use clap::Args as ClapArgs;
use delaycast::model::ModelDir;
use delaycast_dataflows::score::{Config, run as run_dataflow};

use crate::{app::App, cluster, options::ScorerOptions};

/// Score the requests of a log into a store, until told to stop
///
/// Alone, or as one process of a cluster (--hosts or --replicas). A process of a cluster keeps its scorer running: when
/// any of them is lost, all start again from the committed offsets.
#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  delaycast score --log sqlite:var/delaycast.db \\
      --store sqlite:var/delaycast.db --models var/models
  delaycast score --hosts a:2101,b:2101 --process 0 --mesh-certs certs \\
      --log kafka://k:9092 --store mongodb://m/db

It waits for a log, a store and a first model that are not there yet. For a log of events it does not wait.

On SIGINT or SIGTERM it reads no more, waits up to 8 s until what it has read is durable, and commits.
Exit codes: 0 all is durable and committed; 75 it is not, and will be read again at the next start.")]
pub(crate) struct Args {
    #[command(flatten)]
    scorer: ScorerOptions,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let options = &args.scorer;
    match (options.cluster.peers()?, options.cluster.supervisor.child_of) {
        (Some(peers), Some(supervisor)) => cluster::run_child(options, peers, supervisor),
        (Some(peers), None) => cluster::run_supervisor(&options.cluster, &peers),
        (None, _) => run_alone(options),
    }
}

fn run_alone(options: &ScorerOptions) -> anyhow::Result<()> {
    let app = App::start(&options.health)?;
    let dir = ModelDir::new(&options.system.models.models);
    let Some(system) = app.open(options.urls(), || app.first_model(&dir))? else { return Ok(()) };
    tracing::info!("scoring with model {} on {} workers", system.model.version, options.workers);
    let connections = system.connections();
    let models = system.models(system.model.clone(), options.explain.explain, Some(&dir))?;
    let result = run_dataflow(&Config::new(options.workers.get()), &connections, &models, &app.counters, &app.stop);
    tracing::info!("stopped: {}", app.counters);
    Ok(result?)
}
