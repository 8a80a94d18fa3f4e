//! A process as a member of a generation: from the open port to the connections that timely runs on.

use std::{
    any::Any,
    io,
    time::{Duration, Instant},
};

use rand::RngExt;
use timely::communication::{
    Hooks,
    allocator::{AllocatorBuilder, ProcessBuilder, zero_copy::initialize::initialize_networking_from_sockets},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::{sleep, timeout, timeout_at},
};

use super::{
    attempt::{Attempt, AttemptError, Waiting, follow, lead},
    channel::Generation,
    config::{ClusterSpec, MeshConfig, Peers},
    connection::Link,
    listener::{Listener, ListenerError},
};

/// Timeout of one attempt to form a generation; another follows.
pub const FORMATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest pause between two attempts; the shortest is a quarter of it.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Threads of the runtime: two, so that a handshake does not delay the proxy of an encrypted connection.
const THREADS: usize = 2;
/// Interval of the check for a request to stop during the formation.
const STOP_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Upper bound on the wait for the proxies to send the workers' last data.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A process that forms a generation with others.
pub struct Mesh {
    runtime: Runtime,
    listener: Listener,
    config: MeshConfig,
}

impl Mesh {
    /// Starts to listen for the other processes.
    pub fn open(listener: std::net::TcpListener, config: MeshConfig) -> Result<Self, ListenerError> {
        // A panic in a thread of this name ends the process, as in timely's own network threads.
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("mesh").enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            Listener::open(listener, config.credentials.clone())?
        };
        Ok(Mesh { runtime, listener, config })
    }

    /// Forms the next generation with the others, without a deadline; `None` if `stop` asks for it. Blocks.
    pub fn form(self, stop: impl Fn() -> bool) -> Option<Member> {
        let Mesh { runtime, mut listener, config } = self;
        let formed = runtime.block_on(async {
            let stopped = async {
                while !stop() {
                    sleep(STOP_POLL_INTERVAL).await;
                }
            };
            tokio::select! {
                formed = form(&config, &mut listener) => Some(formed),
                () = stopped => None,
            }
        });
        let Some(formed) = formed else {
            // A pending DNS lookup must not delay the end of the process.
            runtime.shutdown_background();
            return None;
        };
        runtime.spawn(listener.reject_all(formed.generation));
        Some(Member { runtime, formed, peers: config.peers })
    }
}

/// A generation that has formed.
#[derive(Debug)]
pub struct Formed {
    /// Its identity.
    pub generation: Generation,
    /// The properties that its processes agree on.
    pub spec: ClusterSpec,
    /// A link to each process by number; none to this one.
    pub links: Vec<Option<Link>>,
    /// The tasks behind each [`Link::Proxied`]; each ends when both ends have closed.
    pub proxies: Vec<JoinHandle<()>>,
}

/// Forms the next generation with the other processes; attempts it until it succeeds. Dropping the future gives up.
pub async fn form(config: &MeshConfig, listener: &mut Listener) -> Formed {
    let mut last_warning = String::new();
    loop {
        let (spec, incarnation) = ((config.spec)(), rand::rng().random());
        let attempt = Attempt { config, spec, incarnation, waiting: Waiting::default() };
        let why = match timeout(FORMATION_TIMEOUT, form_once(&attempt, listener)).await {
            Ok(Ok(formed)) => return formed,
            Ok(Err(error)) => error.to_string(),
            Err(_) => attempt.waiting.get(),
        };
        // Log repetitions once.
        if why != last_warning {
            tracing::warn!("mesh: no generation yet: {why}");
            last_warning = why;
        }
        let pause = RETRY_PAUSE.mul_f64(rand::rng().random_range(0.25..1.0));
        sleep(pause).await;
    }
}

async fn form_once(attempt: &Attempt<'_>, listener: &mut Listener) -> Result<Formed, AttemptError> {
    let (generation, channels) = match attempt.config.peers.index() {
        0 => lead(attempt, listener).await?,
        _ => follow(attempt, listener).await?,
    };
    let mut formed = Formed { generation, spec: attempt.spec.clone(), links: Vec::new(), proxies: Vec::new() };
    for (index, channel) in channels.into_iter().enumerate() {
        let Some(channel) = channel else {
            formed.links.push(None);
            continue;
        };
        let link = Link::new(channel.into_transport());
        let (link, proxy) = link.map_err(|error| attempt.peer_error(index)(error.into()))?;
        formed.links.push(Some(link));
        formed.proxies.extend(proxy);
    }
    Ok(formed)
}

/// A process as a member of a generation.
pub struct Member {
    runtime: Runtime,
    formed: Formed,
    peers: Peers,
}

impl Member {
    /// Returns the generation.
    pub fn generation(&self) -> Generation {
        self.formed.generation
    }

    /// Returns the properties that the generation's processes agree on.
    pub fn spec(&self) -> &ClusterSpec {
        &self.formed.spec
    }

    /// Returns the generation's processes.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Hands the connections to timely: returns the builders of its workers, and a guard to keep until they have ended.
    /// Must be called once.
    pub(crate) fn allocators(&mut self) -> io::Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>)> {
        let (workers, hooks) = (self.formed.spec.workers, Hooks::default());
        let local = ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), hooks.spill.clone());
        let links = std::mem::take(&mut self.formed.links);
        let (builders, guard) = initialize_networking_from_sockets(local, links, self.peers.index(), workers, hooks)?;
        Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
    }

    /// Waits until the workers' last data is sent, so that the other processes see an orderly end and not a failure.
    pub(crate) fn close(self) {
        let (deadline, proxies) = (Instant::now() + DRAIN_TIMEOUT, self.formed.proxies);
        self.runtime.block_on(async {
            for proxy in proxies {
                let _ = timeout_at(deadline.into(), proxy).await;
            }
        });
        self.runtime.shutdown_background();
    }
}

/// Returns the process that a thread of timely is connected to, from the thread's name. These threads panic when the
/// connection is lost.
pub fn peer_of_thread(name: &str) -> Option<usize> {
    ["timely:recv-", "timely:send-"].iter().find_map(|prefix| name.strip_prefix(prefix)?.parse().ok())
}
