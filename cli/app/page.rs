//! The page: its address and its server.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr, TcpListener},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use delaycast::{domain::Flights, model::VersionedModel};
use delaycast_dataflows::{score::TICK, watch::EventSource};
use delaycast_web::{CorsOrigin, Login, OperationsAccess, Parts, RateConfig, Replay};
use engine::{
    log::{DeadLetterKinds, DeadLetters, LetterLog, Log, LogDeadLetters},
    runtime::Stop,
    store::{Batches, Lookup},
};
use server::{AllowedHosts, HostName, Operations};

use super::history::IndexedHistory;

/// The address of the page.
#[derive(Args)]
pub(crate) struct Listen {
    /// Address to listen on; only this machine unless told otherwise
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 5001)]
    port: u16,
    /// Also answer to this name; may be given several times. On a loopback address the page answers to localhost,
    /// 127.0.0.1 and [::1], on another one to any name, unless this names some
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<HostName>,
    /// Let scripts of this site use the API below /api/v1, as in https://page.example; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<CorsOrigin>,
    /// Show /ops to those who have the login in this file, a line USER:PASSWORD. Without it /ops is shown on a loopback
    /// address only
    #[arg(long, value_name = "FILE", env = "DELAYCAST_OPERATIONS_LOGIN")]
    operations_login: Option<PathBuf>,
    /// Show /ops to everyone who reaches the page, as something else protects it
    #[arg(long, conflicts_with = "operations_login")]
    operations_open: bool,
    /// Upper bound on the questions of a client in a minute, for a page that is public [default: none]
    #[arg(long, value_name = "N")]
    questions_per_minute: Option<NonZeroU32>,
    /// The proxies in front of the page, each of which appends the address of its client to X-Forwarded-For
    #[arg(long, value_name = "N", default_value_t = 0)]
    proxies: usize,
}

impl Listen {
    /// Takes the port.
    pub(crate) fn listen(&self) -> anyhow::Result<Listening> {
        let operations = match &self.operations_login {
            Some(file) => OperationsAccess::Login(Login::read(file)?),
            None if self.operations_open => OperationsAccess::Open,
            None => OperationsAccess::of(self.bind),
        };
        let listener = server::bind(SocketAddr::new(self.bind, self.port))?;
        let rate = RateConfig { per_minute: self.questions_per_minute, proxies: self.proxies };
        let hosts = AllowedHosts::of(self.bind, &self.hosts);
        Ok(Listening { listener, hosts, cors: self.cors.clone(), operations, rate })
    }
}

/// An open port, the names that the page answers to there, and what its clients may do.
pub(crate) struct Listening {
    listener: TcpListener,
    hosts: AllowedHosts,
    cors: Vec<CorsOrigin>,
    operations: OperationsAccess,
    rate: RateConfig,
}

/// The sources of the page beside the log and the store.
pub(crate) struct PageSources {
    /// The replayed day, as of whose time flights are asked about.
    pub(crate) replay: Option<Arc<dyn Replay>>,
    /// The history, whose index is prepared while the page is served.
    pub(crate) history: IndexedHistory,
}

/// The logs of the page.
pub(super) struct Logs<'a> {
    pub(super) requests: &'a Arc<dyn Log>,
    pub(super) events: Option<EventSource>,
}

/// The answers and batches that the page finds in the store, or in the output topic.
pub(super) struct Kept {
    pub(super) answers: Box<dyn Lookup>,
    pub(super) batches: Box<dyn Batches>,
}

/// Prints the page's address and serves it until a stop is requested. Blocks.
pub(super) fn serve(
    Listening { listener, hosts, cors, operations: access, rate }: Listening,
    Logs { requests: log, events }: Logs<'_>,
    Kept { answers, batches }: Kept,
    operations: Arc<dyn Operations>,
    PageSources { replay, history }: PageSources,
    model: &VersionedModel,
    stop: &Stop,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the web's threads")?;
    let producer = log.producer()?;
    // Last, so that nothing of the start waits for it.
    let preparing = history.prepare(stop)?;
    let kinds = DeadLetterKinds::of_log::<Flights>;
    let parts = Parts {
        requests: producer,
        answers: Arc::from(answers),
        batches: Arc::from(batches),
        operations,
        dead_letters: Arc::new(LogDeadLetters::new(Arc::clone(log), kinds(LetterLog::Requests))),
        event_letters: events.map(|EventSource { place, open }| {
            Arc::new(LogDeadLetters::opened_later(place, open, kinds(LetterLog::Events))) as Arc<dyn DeadLetters>
        }),
        airports: Arc::new(model.model.airports().clone()),
        history: preparing.preparation.clone(),
        config: delaycast_web::Config {
            hosts,
            cors,
            operations: access,
            rate,
            replay,
            asks_weather: model.model.takes_weather(),
            ..delaycast_web::Config::default()
        },
    };
    // A standard output that is closed or full is no reason not to serve.
    let _ = writeln!(io::stdout(), "delaycast is ready: http://{address}/");
    let stop = stop.clone();
    let stopped = async move {
        while !stop.is_requested() {
            tokio::time::sleep(TICK).await;
        }
    };
    Ok(runtime.block_on(delaycast_web::serve(listener, parts, stopped))?)
}
