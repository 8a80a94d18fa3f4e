//! One attempt to form a generation: its state, its connections to other processes, and its two sides. Process 0 leads,
//! the others follow.

use std::{
    fmt, io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use engine::{clock, runtime::Mutex};
use futures_util::future::try_join_all;
use rand::RngExt;
use tokio::{
    net::TcpStream,
    pin,
    time::{sleep, timeout},
};

use super::{
    channel::{Channel, ChannelError, Generation, Incarnation, Message},
    config::{ClusterSpec, MeshConfig},
    connection::configure,
    handshake,
    listener::{Incoming, Listener, reject},
};

/// Timeout of a connection with its handshake; it is retried afterwards.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Minimum time between two warnings about the same connection.
const WARN_INTERVAL: Duration = Duration::from_secs(10);
/// Longest pause between two connection attempts; the shortest is a tenth of it.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A failed attempt.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("process {index} ({address}): {error}")]
    Peer { index: usize, address: String, error: ChannelError },
    #[error("process 0 has started over while this one waited for {0}")]
    LeaderRestarted(String),
    #[error("the port was closed")]
    ListenerClosed,
    #[error("there is a new model")]
    SpecChanged,
}

/// The event that an attempt waits for, logged when the attempt times out.
#[derive(Default)]
pub(super) struct Waiting(Mutex<String>);

impl Waiting {
    pub(super) fn set(&self, event: impl fmt::Display) {
        *self.0.lock() = event.to_string();
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().clone()
    }
}

/// The state of an attempt.
pub(super) struct Attempt<'a> {
    pub(super) config: &'a MeshConfig,
    pub(super) spec: ClusterSpec,
    pub(super) incarnation: Incarnation,
    pub(super) waiting: Waiting,
}

impl Attempt<'_> {
    /// Converts an error of process 0; a closed connection is reported with the event that was waited for.
    fn leader_error(&self, error: ChannelError) -> AttemptError {
        match error.is_closed() {
            true => AttemptError::LeaderRestarted(self.waiting.get()),
            false => self.peer_error(0)(error),
        }
    }

    /// Converts an error of a process.
    pub(super) fn peer_error(&self, index: usize) -> impl Fn(ChannelError) -> AttemptError + use<'_> {
        let address = self.config.peers.address(index);
        move |error| AttemptError::Peer { index, address: address.to_owned(), error }
    }

    /// Connects to a process of a lower number; retries until it succeeds. Tries in turns the address that the process
    /// has told, if it has, and those that its name has: an address may not be reachable from everywhere, and the
    /// answer of a name service may be out of date.
    async fn connect(&self, index: usize, told: Option<SocketAddr>) -> Channel {
        let mut warned_at: Option<Instant> = None;
        let mut address = told;
        loop {
            let once = async {
                match address {
                    Some(address) => self.connect_to(&[address]).await,
                    None => self.connect_to(&self.config.peers.resolve(index).await?).await,
                }
            };
            let connected = timeout(CONNECT_TIMEOUT, once).await;
            // By its name after the address, and by the address, if there is one, after its name.
            address = address.xor(told);
            match connected.unwrap_or(Err(ChannelError::Timeout)) {
                Ok(channel) => return channel,
                Err(error) => {
                    let why = format!("process {index} ({}): {error}", self.config.peers.address(index));
                    // Log no warning for a process that has not started yet.
                    if !error.is_unavailable() && warned_at.is_none_or(|at| at.elapsed() >= WARN_INTERVAL) {
                        tracing::warn!("mesh: cannot connect to {why}");
                        warned_at = Some(Instant::now());
                    }
                    self.waiting.set(why);
                }
            }
            let pause = RETRY_PAUSE.mul_f64(rand::rng().random_range(0.1..1.0));
            sleep(pause).await;
        }
    }

    async fn connect_to(&self, addresses: &[SocketAddr]) -> Result<Channel, ChannelError> {
        let mut last_error = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        for &address in addresses {
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    configure(&tcp)?;
                    return handshake::connect(&self.config.credentials, tcp, address).await;
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error.into())
    }
}

/// A new generation, and the channel to each process by number; none to this one.
type Connected = (Generation, Vec<Option<Channel>>);

/// A follower that has sent its Hello.
struct Follower {
    incarnation: Incarnation,
    address: Option<SocketAddr>,
    last_generation: u64,
    channel: Channel,
}

/// Runs an attempt in process 0: waits for the followers, announces the generation, and starts it.
pub(super) async fn lead(attempt: &Attempt<'_>, listener: &mut Listener) -> Result<Connected, AttemptError> {
    let followers = wait_for_followers(attempt, listener).await?;
    let known =
        followers.iter().map(|follower| follower.last_generation).fold(attempt.config.last_generation, u64::max);
    let generation = Generation {
        number: known.saturating_add(1),
        id: rand::rng().random(),
        clock_ms: clock::now().timestamp_millis().unsigned_abs(),
        partitions: attempt.config.partitions,
    };
    let incarnations: Vec<Incarnation> =
        [attempt.incarnation].into_iter().chain(followers.iter().map(|follower| follower.incarnation)).collect();
    attempt.waiting.set("the processes to connect to each other");
    let addresses = followers.iter().map(|follower| follower.address).collect();
    let form = Message::Form { generation, incarnations, addresses };
    let numbered = followers.into_iter().enumerate();
    let ready = try_join_all(numbered.map(|(i, follower)| wait_until_ready(attempt, i + 1, follower, &form))).await?;
    let started = try_join_all(ready.into_iter().enumerate().map(|(i, mut channel)| async move {
        channel.send(&Message::Go).await.map_err(attempt.peer_error(i + 1))?;
        Ok(Some(channel))
    }));
    let mut channels = vec![None];
    channels.extend(started.await?);
    Ok((generation, channels))
}

/// Waits for a Hello of each follower; returns them by number, from 1.
async fn wait_for_followers(attempt: &Attempt<'_>, listener: &mut Listener) -> Result<Vec<Follower>, AttemptError> {
    let mut followers: Vec<Option<Follower>> = (1..attempt.config.peers.count()).map(|_| None).collect();
    loop {
        let missing = (1..).zip(&followers).filter(|(_, follower)| follower.is_none()).map(|(index, _)| index);
        let missing: Vec<String> =
            missing.map(|index: usize| format!("{index} ({})", attempt.config.peers.address(index))).collect();
        if missing.is_empty() {
            return Ok(followers.into_iter().flatten().collect());
        }
        attempt.waiting.set(format_args!("process {} is not here", missing.join(", ")));
        let Incoming { message, channel } = listener.next().await.ok_or(AttemptError::ListenerClosed)?;
        match check_hello(attempt, message) {
            Ok((index, follower)) => {
                if let Some(slot) = followers.get_mut(index - 1) {
                    *slot = Some(follower(channel));
                }
            }
            Err(reason) => {
                reject(channel, reason).await;
                // This process may itself be outdated: a new model may have become current since the attempt began.
                if (attempt.config.spec)() != attempt.spec {
                    return Err(AttemptError::SpecChanged);
                }
            }
        }
    }
}

/// Returns the number of the sender of a Hello, and what makes it a follower; or the reason to reject it.
fn check_hello(
    attempt: &Attempt<'_>,
    message: Message,
) -> Result<(usize, impl FnOnce(Channel) -> Follower + use<>), String> {
    let Message::Hello { index, incarnation, address, last_generation, spec } = message else {
        return Err(format!("a Hello was due, not a {}", message.name()));
    };
    if let Some(difference) = attempt.spec.difference(&spec) {
        return Err(difference);
    }
    if !(1..attempt.config.peers.count()).contains(&index) {
        return Err(format!("there is no process {index} to be waited for"));
    }
    Ok((index, move |channel| Follower { incarnation, address, last_generation, channel }))
}

/// Announces the generation to a follower and waits until it has its connections.
async fn wait_until_ready(
    attempt: &Attempt<'_>,
    index: usize,
    follower: Follower,
    form: &Message,
) -> Result<Channel, AttemptError> {
    let mut channel = follower.channel;
    let ready = async {
        channel.send(form).await?;
        match channel.receive().await? {
            Message::Ready => Ok(()),
            other => Err(ChannelError::Unexpected { got: other.name(), wanted: "Ready" }),
        }
    };
    ready.await.map_err(attempt.peer_error(index))?;
    Ok(channel)
}

/// Runs an attempt in any other process: sends Hello to process 0, connects to the other followers, waits for Go.
pub(super) async fn follow(attempt: &Attempt<'_>, listener: &mut Listener) -> Result<Connected, AttemptError> {
    let (config, incarnation) = (attempt.config, attempt.incarnation);
    let (index, leader_error) = (config.peers.index(), |error| attempt.leader_error(error));
    let mut leader = attempt.connect(0, None).await;
    // The others reach this process at the interface from which it reaches process 0.
    let interface = leader.local_address().map_err(|error| leader_error(error.into()))?.ip();
    let address = Some(SocketAddr::new(interface, config.peers.port(index)));
    let last_generation = config.last_generation;
    let hello = Message::Hello { index, incarnation, address, last_generation, spec: attempt.spec.clone() };
    leader.send(&hello).await.map_err(leader_error)?;

    attempt.waiting.set(format_args!("process 0 ({}), which waits for others", config.peers.address(0)));
    let mut early_joins = Vec::new();
    let form = wait_for_form(&mut leader, listener, &mut early_joins, config.peers.count());
    let (generation, incarnations, addresses) = form.await.map_err(leader_error)?;
    let complete = incarnations.len() == config.peers.count() && addresses.len() + 1 == incarnations.len();
    if !complete || incarnations.get(index) != Some(&incarnation) {
        return Err(leader_error(ChannelError::Protocol));
    }

    attempt.waiting.set("the processes to connect to each other");
    let joined = async {
        tokio::try_join!(
            join_lower(attempt, generation, &addresses),
            accept_higher(attempt, generation, &incarnations, early_joins, listener)
        )
    };
    // Process 0 sends nothing before all are ready: anything received here ends the attempt.
    let (lower, higher) = tokio::select! {
        joined = joined => joined?,
        received = leader.receive() => return Err(leader_error(match received {
            Ok(other) => ChannelError::Unexpected { got: other.name(), wanted: "nothing" },
            Err(error) => error,
        })),
    };
    leader.send(&Message::Ready).await.map_err(leader_error)?;
    match leader.receive().await.map_err(leader_error)? {
        Message::Go => {}
        other => return Err(leader_error(ChannelError::Unexpected { got: other.name(), wanted: "Go" })),
    }
    let channels = [Some(leader)].into_iter().chain(lower.into_iter().map(Some)).chain([None]);
    Ok((generation, channels.chain(higher.into_iter().map(Some)).collect()))
}

/// Waits for the Form message; keeps the Join messages of processes that have received theirs earlier.
async fn wait_for_form(
    leader: &mut Channel,
    listener: &mut Listener,
    early_joins: &mut Vec<Incoming>,
    early_joins_max: usize,
) -> Result<(Generation, Vec<Incarnation>, Vec<Option<SocketAddr>>), ChannelError> {
    // Pinned outside the loop: `receive` must not be cancelled halfway through a message.
    let message = leader.receive();
    pin!(message);
    loop {
        tokio::select! {
            message = &mut message => return match message? {
                Message::Form { generation, incarnations, addresses } => Ok((generation, incarnations, addresses)),
                other => Err(ChannelError::Unexpected { got: other.name(), wanted: "Form" }),
            },
            Some(incoming) = listener.next() => match incoming.message {
                Message::Join { .. } if early_joins.len() < early_joins_max => early_joins.push(incoming),
                Message::Join { .. } => incoming.channel.reject("too many join at once".into()).await,
                _ => {
                    let reason = "only process 0 gathers the others: are the addresses in the same order everywhere?";
                    reject(incoming.channel, reason.into()).await;
                }
            },
        }
    }
}

/// Joins all processes between process 0 and this one at the addresses that they have told process 0, from process 1
/// on; returns their channels in order.
async fn join_lower(
    attempt: &Attempt<'_>,
    generation: Generation,
    addresses: &[Option<SocketAddr>],
) -> Result<Vec<Channel>, AttemptError> {
    let index = attempt.config.peers.index();
    let join = &Message::Join { index, incarnation: attempt.incarnation, generation: generation.id };
    try_join_all((1..index).zip(addresses).map(|(peer, &told)| async move {
        let mut channel = attempt.connect(peer, told).await;
        channel.send(join).await.map_err(attempt.peer_error(peer))?;
        match channel.receive().await.map_err(attempt.peer_error(peer))? {
            Message::Joined => Ok(channel),
            other => Err(attempt.peer_error(peer)(ChannelError::Unexpected { got: other.name(), wanted: "Joined" })),
        }
    }))
    .await
}

/// Waits until all processes of a higher number have joined; returns their channels in order.
async fn accept_higher(
    attempt: &Attempt<'_>,
    generation: Generation,
    incarnations: &[Incarnation],
    early_joins: Vec<Incoming>,
    listener: &mut Listener,
) -> Result<Vec<Channel>, AttemptError> {
    let first = attempt.config.peers.index() + 1;
    let mut joined: Vec<Option<Channel>> = (first..incarnations.len()).map(|_| None).collect();
    let mut early_joins = early_joins.into_iter();
    while joined.iter().any(Option::is_none) {
        let Incoming { message, mut channel } = match early_joins.next() {
            Some(incoming) => incoming,
            None => listener.next().await.ok_or(AttemptError::ListenerClosed)?,
        };
        let peer = match message {
            Message::Join { index, incarnation, generation: id } if id == generation.id => {
                let known = incarnations.get(index) == Some(&incarnation);
                index.checked_sub(first).filter(|_| known).map(|slot| (index, slot))
            }
            _ => None,
        };
        let Some((index, slot)) = peer else {
            reject(channel, format!("generation {} forms without it", generation.number)).await;
            continue;
        };
        channel.send(&Message::Joined).await.map_err(attempt.peer_error(index))?;
        if let Some(slot) = joined.get_mut(slot) {
            *slot = Some(channel);
        }
    }
    Ok(joined.into_iter().flatten().collect())
}
