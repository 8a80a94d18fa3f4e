//! `delaycast web`: the page alone.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};

use anyhow::Context;
use clap::Args as ClapArgs;
use delaycast::{atlas::Atlas, domain::Flights, log::Log, model::ModelDir, store::Store};
use delaycast_dataflows::score::{Stop, TICK};
use delaycast_web::{HostName, Hosts, Operations, Parts};

use crate::{health::HealthOption, operations, options::SystemOptions, routes, signals};

/// Where to listen.
#[derive(ClapArgs)]
pub(crate) struct Listen {
    /// Address to listen on; only this machine unless told otherwise
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: std::net::IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 5001)]
    pub(crate) port: u16,
    /// Also answer to this name; may be given several times. On a loopback address the page answers to localhost,
    /// 127.0.0.1 and [::1], on another one to any name, unless this names some
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<HostName>,
}

impl Listen {
    /// Takes the port.
    pub(crate) fn listen(&self) -> anyhow::Result<std::net::TcpListener> {
        Ok(delaycast_web::bind(SocketAddr::new(self.bind, self.port))?)
    }

    /// The names that the page answers to.
    pub(crate) fn hosts(&self) -> Hosts {
        Hosts::of(self.bind, &self.hosts)
    }
}

/// Serve the page, between a log and a store.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast web --log sqlite:var/delaycast.db \\
      --store sqlite:var/delaycast.db --port 8080

The known airports and airlines are those of the current model.")]
pub(crate) struct Args {
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    health: HealthOption,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listener = args.listen.listen()?;
    let stop = Stop::default();
    let monitor = args.health.start(&stop)?;
    let model = ModelDir::new(&args.system.models.models).load_usable()?;
    signals::on_stop(&stop)?;
    let Some((log, store)) = args.system.open(&stop)? else { return Ok(()) };
    monitor.has("log");
    let Some(model) = routes::with_routes_of(&*store, model, &stop) else { return Ok(()) };
    monitor.uses(&model.version);
    monitor.has("store");
    let _watching_log = args.health.watch_log(&monitor, &log, &stop)?;
    let _watching_store = args.health.watch_store(&monitor, &store, &stop)?;
    monitor.has("model");
    let operations = operations::watch(&log, &store, None, &stop)?;
    let hosts = args.listen.hosts();
    let served = serve(listener, hosts, &*log, &*store, operations, model.model.atlas().clone(), &stop);
    stop.ask();
    served
}

/// Serves until `stop` is asked, after saying where. Blocks.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    hosts: Hosts,
    log: &dyn Log,
    store: &dyn Store<Flights>,
    operations: Arc<dyn Operations>,
    atlas: Atlas,
    stop: &Stop,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let parts = Parts {
        requests: log.producer()?,
        answers: Arc::from(store.lookup()?),
        operations,
        atlas: Arc::new(atlas),
        config: delaycast_web::Config { hosts, ..delaycast_web::Config::default() },
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the web's threads")?;
    say_where(address);
    let stop = stop.clone();
    let stopped = async move {
        while !stop.asked() {
            tokio::time::sleep(TICK).await;
        }
    };
    Ok(runtime.block_on(delaycast_web::serve(listener, parts, stopped))?)
}

/// That nobody can read it, as standard output is closed or full, is no reason not to serve.
fn say_where(address: SocketAddr) {
    let _ = writeln!(io::stdout(), "delaycast is ready: http://{address}/");
}
