//! `delaycast web`: the page alone.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use delaycast::model::ModelDir;

use crate::{
    app::{App, HealthOption, HistoryOption, Listen, PageSources, ScorersOption, Urls, events_of},
    options::{OutputOption, SystemOptions},
};

/// Serve the page, between a log and a store.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast web --log sqlite:var/delaycast.db \\
      --store sqlite:var/delaycast.db --port 8080

With --store none and --answers the page finds answers in the topic that scorers write; the latest are kept in memory,
up to 128 MiB. Nothing is followed then, and no batches are kept.

The known airports and airlines are those of the current model. Waits for a log, a store and a first model that are not
there yet.")]
pub(crate) struct Args {
    #[command(flatten)]
    system: SystemOptions,
    /// The log of events, whose dead letters /ops shows: sqlite:PATH, kafka://HOST:PORT/TOPIC, or none [default: the
    /// topic of events beside an embedded --log, else none]
    #[arg(long, value_name = "URL", env = "DELAYCAST_EVENTS", hide_env_values = true)]
    events: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    #[command(flatten)]
    history: HistoryOption,
    /// The file of the index over that history; it is made where it is missing, or of another history
    #[arg(long, value_name = "FILE", default_value = "var/history.db", env = "DELAYCAST_HISTORY_INDEX")]
    history_index: PathBuf,
    #[command(flatten)]
    scorers: ScorersOption,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    health: HealthOption,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listening = args.listen.listen()?;
    let app = App::start(&args.health)?;
    let events = events_of(args.events.as_deref(), &args.system.log.url)?;
    let urls = Urls { events: events.as_deref(), output: args.output.url.as_deref(), ..args.system.urls() };
    let models = ModelDir::new(&args.system.models.models);
    let Some(mut system) = app.open(urls, || app.first_model(&models))? else { return Ok(()) };
    system.probe_log()?;
    let sources = PageSources { replay: None, history: args.history.indexed_in(&args.history_index) };
    system.serve(listening, args.scorers.watch(&app.stop)?, sources)
}
