//! `--health`: the port that serves liveness, readiness and metrics.

use std::{future::pending, net::SocketAddr, sync::Arc, thread};

use anyhow::Context;
use clap::Args;
use delaycast::domain::Flights;
use delaycast_dataflows::monitor::{Monitor, Probe, start_probe};
use engine::{
    delivery::{Health, Unavailable},
    log::Log,
    process,
    runtime::Stop,
    sqlite,
    status::Status,
    store::{Lookup, Store},
};
use server::{HealthChecks, bind, serve_health};

/// An id that no request has: a look-up of it is cheap and finds nothing.
const PROBE_ID: &str = "delaycast-health";

/// The address of the health port.
#[derive(Args)]
pub(crate) struct HealthOption {
    /// Serve /livez, /readyz, /metrics and /status.json there, as in 127.0.0.1:9090; off unless given. Several
    /// processes take the ports that follow
    #[arg(long, value_name = "ADDRESS:PORT")]
    health: Option<SocketAddr>,
}

struct MonitorChecks(Arc<Monitor>);

impl HealthChecks for MonitorChecks {
    fn live(&self) -> Result<(), String> {
        self.0.live()
    }

    fn ready(&self) -> Vec<String> {
        self.0.ready()
    }

    fn metrics(&self) -> String {
        self.0.metrics()
    }

    fn status(&self) -> Option<Status> {
        self.0.status()
    }
}

impl HealthOption {
    /// Takes the port and serves it until the process ends; not ready at first, as model, log and store are missing.
    pub(crate) fn start(&self, stop: &Stop) -> anyhow::Result<Arc<Monitor>> {
        let monitor = Arc::new(Monitor::new(env!("CARGO_PKG_VERSION"), process::usage, stop));
        monitor.shows_files(sqlite::file_metrics);
        monitor.lacks("model", "not loaded");
        monitor.lacks("log", "not open");
        monitor.lacks("store", "not open");
        let Some(address) = self.health else { return Ok(monitor) };
        let listener = bind(address)?;
        let address = listener.local_addr().context("the listener has no address")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the health port")?;
        let checks = Arc::new(MonitorChecks(Arc::clone(&monitor)));
        let run = move || {
            if let Err(error) = runtime.block_on(serve_health(listener, checks, pending())) {
                tracing::error!("the health port is closed: {error}");
            }
        };
        thread::Builder::new().name("health".into()).spawn(run).context("cannot start a thread for the health port")?;
        tracing::info!("health and metrics: http://{address}");
        Ok(monitor)
    }

    /// Returns the health address of process `index` of a local cluster: the ports follow the one of this process.
    pub(crate) fn after(&self, index: usize) -> Option<SocketAddr> {
        let address = self.health?;
        let port = usize::from(address.port()) + 1 + index;
        // Port 0 takes a free port, in every process.
        let port = if address.port() == 0 { Some(0) } else { u16::try_from(port).ok() };
        Some(SocketAddr::new(address.ip(), port?))
    }

    /// Starts to probe the store at intervals.
    pub(crate) fn watch_store(
        &self,
        monitor: &Arc<Monitor>,
        store: &Arc<dyn Store<Flights>>,
        stop: &Stop,
    ) -> anyhow::Result<Option<Probe>> {
        let health = Health::new(format!("the store {}", store.describe()));
        let store = Arc::clone(store);
        let mut lookup: Option<Box<dyn Lookup>> = None;
        self.watch(monitor, "store", health, stop, move || {
            if lookup.is_none() {
                lookup = Some(store.lookup()?);
            }
            lookup.as_ref().map_or(Ok(()), |lookup| lookup.find(PROBE_ID).map(drop))
        })
    }

    /// Starts to probe the log at intervals, for a process that does not read it.
    pub(crate) fn watch_log(
        &self,
        monitor: &Arc<Monitor>,
        log: &Arc<dyn Log>,
        stop: &Stop,
    ) -> anyhow::Result<Option<Probe>> {
        let health = Health::new(format!("the log {}", log.describe()));
        let log = Arc::clone(log);
        self.watch(monitor, "log", health, stop, move || log.partitions().map(drop))
    }

    fn watch(
        &self,
        monitor: &Arc<Monitor>,
        name: &'static str,
        health: Health,
        stop: &Stop,
        look: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
    ) -> anyhow::Result<Option<Probe>> {
        // Without a port the result is not shown.
        if self.health.is_none() {
            return Ok(None);
        }
        let probing = start_probe(monitor, name, health, stop, look);
        probing.map(Some).with_context(|| format!("cannot start a thread to watch the {name}"))
    }
}
