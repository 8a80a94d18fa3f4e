//! Where others connect to: each stranger is heard on a task of its own, and only who has proven itself gets in.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    task::{AbortHandle, JoinHandle},
    time::{sleep, timeout},
};

use super::{
    Generation, HANDSHAKE, Trust, TrustError,
    channel::{Channel, Fault},
    link::tune,
    message::Message,
    refusals::{STRANGERS, turn_away},
};

/// So many strangers are heard at once. One more, and the one who has been silent for the longest is shown out: a
/// genuine process takes milliseconds.
pub const STRANGERS_MAX: usize = 64;
/// After an error in accepting, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// A process that has proven itself, and the first that it said.
pub(super) struct Arrival {
    pub(super) message: Message,
    pub(super) channel: Channel,
}

/// An open port. It is closed when dropped.
pub struct Door {
    arrivals: Receiver<Arrival>,
    listening: JoinHandle<()>,
}

/// Why a port cannot be listened at.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The system.
    #[error("cannot listen for other processes: {0}")]
    Io(#[from] io::Error),
    /// A secret is not enough here.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Door {
    /// Listens. To be called within a runtime, as the future of an `async` function is.
    pub fn open(listener: std::net::TcpListener, trust: Trust) -> Result<Self, DoorError> {
        listener.set_nonblocking(true)?;
        trust.suffices(listener.local_addr()?)?;
        let listener = TcpListener::from_std(listener)?;
        let (send, arrivals) = channel(STRANGERS_MAX);
        Ok(Door { arrivals, listening: tokio::spawn(listen(listener, trust, send)) })
    }

    /// Tells everybody who knocks that a generation runs, until dropped.
    pub async fn refuse_all(mut self, generation: Generation) {
        while let Some(Arrival { channel, .. }) = self.arrivals.recv().await {
            turn_away(
                channel,
                format!("generation {} runs, and ends with the first of its processes", generation.number),
            )
            .await;
        }
    }

    /// The next who gets in.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, trust: Trust, arrivals: Sender<Arrival>) {
    let mut strangers: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("mesh: cannot accept a connection: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        strangers.retain(|stranger| !stranger.is_finished());
        if strangers.len() >= STRANGERS_MAX {
            strangers.pop_front().inspect(AbortHandle::abort);
        }
        let (trust, arrivals) = (trust.clone(), arrivals.clone());
        strangers.push_back(tokio::spawn(hear(tcp, address, trust, arrivals)).abort_handle());
    }
}

async fn hear(tcp: TcpStream, address: SocketAddr, trust: Trust, arrivals: Sender<Arrival>) {
    match timeout(HANDSHAKE, introduce(tcp, address, &trust)).await.unwrap_or(Err(Fault::Silent)) {
        // Nobody listens any more, or for too long: then this one is to dial again.
        Ok(arrival) => drop(timeout(HANDSHAKE, arrivals.send(arrival)).await),
        // Somebody who only looks whether the port is open, or a process that was killed while it waited.
        Err(fault) if fault.is_end() => {
            tracing::debug!("mesh: a connection from {address} ended before it was one");
        }
        Err(fault) => STRANGERS.say(format!("refused a connection from {address}: {fault}")),
    }
}

async fn introduce(tcp: TcpStream, address: SocketAddr, trust: &Trust) -> Result<Arrival, Fault> {
    tune(&tcp)?;
    let mut channel = trust.answered(tcp, address).await?;
    let message = channel.receive().await?;
    Ok(Arrival { message, channel })
}
