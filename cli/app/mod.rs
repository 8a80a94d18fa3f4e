//! The application: the parts of the system's processes, in the order in which a process starts them.
//!
//! A subcommand maps its arguments to these steps and has no others. A process takes one or more roles:
//!
//! | role | step | subcommand |
//! |---|---|---|
//! | any | [`App::start`], [`App::open`] | all of these |
//! | scorer | [`System::connections`], [`System::models`] | `up`, `score` |
//! | scorer of a cluster | the same, after the mesh has formed | `score --hosts`, under its supervisor |
//! | page | [`System::serve`] | `up`, `web` |

mod health;
mod history;
mod models;
mod open;
mod operations;
mod page;
mod scorers;

use std::{sync::Arc, thread};

use anyhow::{Context, bail};
use delaycast::{
    domain::Flights,
    model::{ModelDir, VersionedModel},
};
use delaycast_dataflows::{
    live::EventLog,
    monitor::{Monitor, Probe},
    score::{Connections, Counters, Events, Models, StatusSource},
    watch::{EventSource, Sources},
};
use engine::{delivery::Unavailable, log::Log, output::Output, runtime::Stop, store::Store};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

pub(crate) use health::HealthOption;
pub(crate) use history::HistoryOption;
pub(crate) use models::with_routes_of;
pub(crate) use open::{
    NO_EVENTS, events_at, events_beside, events_of, inspect_events, inspect_log, inspect_store, open_answers,
    open_events, open_existing_events, open_existing_log, open_existing_store, open_log, open_store, retry_open, shown,
};
use page::Kept;
pub(crate) use page::{Listen, Listening, PageSources};
pub(crate) use scorers::ScorersOption;

/// A process that is starting: it handles signals and serves its health port.
pub(crate) struct App<'a> {
    pub(crate) stop: Stop,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) counters: Arc<Counters>,
    health: &'a HealthOption,
}

/// The URLs of a log and a store, of the events that a scorer takes into account, and of its output topic.
#[derive(Clone, Copy)]
pub(crate) struct Urls<'a> {
    pub(crate) log: &'a str,
    pub(crate) store: &'a str,
    pub(crate) events: Option<&'a str>,
    pub(crate) output: Option<&'a str>,
}

impl<'a> App<'a> {
    /// Takes the health port and listens for signals, before anything is opened: a taken port shows at once, the port
    /// names the dependency that is awaited, and a stop during the start is no failure.
    pub(crate) fn start(health: &'a HealthOption) -> anyhow::Result<Self> {
        let stop = Stop::default();
        let monitor = health.start(&stop)?;
        on_stop(&stop)?;
        Ok(App { stop, monitor, counters: Arc::new(Counters::of::<Flights>()), health })
    }

    /// Loads the model to start with; waits for a first one. `None` if a stop was requested meanwhile.
    pub(crate) fn first_model(&self, dir: &ModelDir) -> anyhow::Result<Option<VersionedModel>> {
        Ok(models::first(dir, &self.monitor, &self.stop)?)
    }

    /// Opens the log and the store, gets a model, and lays the store's routes over it. Each is waited for; `None` if a
    /// stop was requested meanwhile. The model comes last, as it may be trained first: an invalid URL shows at once.
    /// The log of events is not waited for.
    pub(crate) fn open(
        &self,
        urls: Urls<'_>,
        model: impl FnOnce() -> anyhow::Result<Option<VersionedModel>>,
    ) -> anyhow::Result<Option<System<'_>>> {
        let Some(log) = retry_open("the log", &self.stop, || open_log(urls.log))? else { return Ok(None) };
        let Some(store) = retry_open("the store", &self.stop, || open_store(urls.store))? else { return Ok(None) };
        let events = urls.events.map(open::events).transpose()?.map(Arc::new);
        let output = match urls.output {
            None if !store.keeps_answers() => {
                bail!("nothing would keep the answers: --store none needs an output topic, --answers URL")
            }
            None => None,
            Some(url) => {
                let opened = retry_open("the output topic", &self.stop, || open_answers(url))?;
                let Some(output) = opened else { return Ok(None) };
                Some(Output::new(output))
            }
        };
        self.monitor.has("log");
        let Some(model) = model()? else { return Ok(None) };
        let Some(model) = with_routes_of(&*store, model, &self.stop) else { return Ok(None) };
        self.monitor.uses(&model.version);
        self.monitor.has("store");
        let probing = self.health.watch_store(&self.monitor, &store, &self.stop)?;
        Ok(Some(System { _probing: [probing, None], app: self, log, store, events, output, model }))
    }
}

/// An open log and store, the events of a scorer, and the model that the process starts with.
pub(crate) struct System<'a> {
    /// Dropped first: the probes hold the log and the store, which must be closed in good order.
    _probing: [Option<Probe>; 2],
    app: &'a App<'a>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<dyn Store<Flights>>,
    pub(crate) events: Option<Arc<EventLog<Flights>>>,
    pub(crate) output: Option<Output>,
    pub(crate) model: VersionedModel,
}

impl System<'_> {
    /// Returns the connections of a scorer in this process, and shows its counters and its health from now on.
    pub(crate) fn connections(&self) -> Connections<Flights> {
        let connections = Connections::new(Arc::clone(&self.log), Arc::clone(&self.store));
        let connections = match &self.output {
            None => connections,
            Some(output) => connections.with_output(output.clone()),
        };
        self.app.monitor.scores(&connections, &self.app.counters);
        let Some(events) = &self.events else { return connections };
        self.app.monitor.reads_events(events.health(), events.counters());
        connections.with_events(Arc::clone(events) as _)
    }

    /// Returns the models of a scorer that starts with `first`, after its [`Self::connections`]: with both the process
    /// is ready. The directory `watches` is watched for others.
    pub(crate) fn models(
        &self,
        first: VersionedModel,
        explain: bool,
        watches: Option<&ModelDir>,
    ) -> anyhow::Result<Models<Flights>> {
        let App { stop, monitor, counters, .. } = self.app;
        monitor.uses(&first.version);
        monitor.has("model");
        models::models(first, explain, watches, &self.store, counters, stop)
    }

    /// Probes the log, too, for a process that has no scorer: nothing else reads it there.
    pub(crate) fn probe_log(&mut self) -> anyhow::Result<()> {
        let App { stop, monitor, health, .. } = self.app;
        self._probing[1] = health.watch_log(monitor, &self.log, stop)?;
        Ok(())
    }

    /// Returns what the page finds: the output topic has the answers if the store keeps none.
    fn kept(&self) -> Result<Kept, Unavailable> {
        let answers = match &self.output {
            Some(output) if !self.store.keeps_answers() => output.lookup()?,
            _ => self.store.lookup()?,
        };
        Ok(Kept { answers, batches: self.store.batches()? })
    }

    /// Counts answers as they land and serves the page until a stop is requested. `scorer` returns the status of the
    /// scorers that belong to the page. Blocks.
    pub(crate) fn serve(
        &self,
        listening: Listening,
        scorer: Option<StatusSource>,
        sources: PageSources,
    ) -> anyhow::Result<()> {
        let stop = &self.app.stop;
        self.app.monitor.has("model");
        let events = self
            .events
            .as_ref()
            .map(|events| EventSource { place: events.place().to_owned(), open: Arc::clone(events.opener()) });
        let counted = Sources { store: Arc::clone(&self.store), log: Arc::clone(&self.log), events: events.clone() };
        let operations = operations::watch(counted, scorer, stop)?;
        let logs = page::Logs { requests: &self.log, events };
        let serve = |kept| page::serve(listening, logs, kept, operations, sources, &self.model, stop);
        let served = self.kept().map_err(anyhow::Error::from).and_then(serve);
        stop.request();
        served
    }
}

/// Requests a stop at the first SIGINT or SIGTERM. A second one ends the process at once: nothing is lost by it.
pub(crate) fn on_stop(stop: &Stop) -> anyhow::Result<()> {
    let stop = stop.clone();
    at_first("stopping: waiting for what is in flight (again to leave at once)", move || stop.request())
}

/// Logs `message` and runs `act` at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(crate) fn at_first(message: &'static str, act: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
    let watch = move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            tracing::info!("{message}");
            act();
        }
        if let Some(signal) = arriving.next() {
            std::process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).context("cannot start a thread for signals")?;
    Ok(())
}
