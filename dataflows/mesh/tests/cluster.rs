//! Clusters under test: real processes, and channels that send what the test wants.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::mesh::{
    ClusterSpec, Credentials, Formed, Generation, Listener, MeshConfig, Peers,
    channel::{Channel, ChannelError, Message},
    form, handshake,
};

/// Long enough for any machine: a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(120);

/// An address at which no process listens.
pub(super) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// The secret of the real processes.
pub(super) const SECRET: &[u8] = b"sixteen bytes it has at least";

/// The listening ports of a cluster.
pub(super) struct Ports {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Ports {
    pub(super) fn bind(processes: usize) -> Self {
        let listeners: Vec<_> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        Ports { listeners, addresses }
    }

    pub(super) fn address(&self, index: usize) -> SocketAddr {
        self.addresses[index]
    }

    pub(super) fn config(&self, index: usize) -> MeshConfig {
        let list: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let spec = spec(self.addresses.len());
        MeshConfig {
            peers: Peers::from_list(&list.join(","), index).unwrap(),
            spec: Box::new(move || spec.clone()),
            credentials: Credentials::secret(SECRET).unwrap(),
            last_generation: 0,
            partitions: 4,
        }
    }

    /// Starts a real process.
    pub(super) fn start(&self, index: usize) -> Process {
        self.start_with(index, self.config(index))
    }

    pub(super) fn start_with(&self, index: usize, config: MeshConfig) -> Process {
        let listener = self.listeners[index].try_clone().unwrap();
        let mut listener = Listener::open(listener, config.credentials.clone()).unwrap();
        Process(tokio::spawn(async move { (form(&config, &mut listener).await, listener) }))
    }

    /// Accepts a connection in place of a process.
    pub(super) async fn accept(&self, index: usize) -> Channel {
        let listener = self.listeners[index].try_clone().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (tcp, address) = tokio::net::TcpListener::from_std(listener).unwrap().accept().await.unwrap();
        handshake::accept(&Credentials::secret(SECRET).unwrap(), tcp, address).await.unwrap()
    }

    /// Connects as a process that has the secret.
    pub(super) async fn connect(&self, index: usize) -> Channel {
        let address = self.address(index);
        let tcp = TcpStream::connect(address).await.unwrap();
        handshake::connect(&Credentials::secret(SECRET).unwrap(), tcp, address).await.unwrap()
    }
}

/// A process that forms a generation.
pub(super) struct Process(JoinHandle<(Formed, Listener)>);

impl Process {
    pub(super) async fn formed(self) -> (Formed, Listener) {
        within(self.0).await.unwrap()
    }

    /// Ends like a process that is killed.
    pub(super) async fn kill(self) {
        self.0.abort();
        let _ = self.0.await;
    }

    pub(super) fn has_formed(&self) -> bool {
        self.0.is_finished()
    }
}

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("waited in vain")
}

/// Waits long enough to observe what must not happen, if it does.
pub(super) async fn settle() {
    sleep(Duration::from_millis(300)).await;
}

pub(super) fn spec(processes: usize) -> ClusterSpec {
    ClusterSpec {
        cluster: "test".into(),
        processes,
        workers: 2,
        program: "p".into(),
        dataflow: "d".into(),
        model: "m".into(),
    }
}

pub(super) fn hello(index: usize, incarnation: u64, processes: usize) -> Message {
    hello_from(ANYWHERE, index, incarnation, processes)
}

/// A Hello of a process that listens at an address.
pub(super) fn hello_from(address: SocketAddr, index: usize, incarnation: u64, processes: usize) -> Message {
    Message::Hello { index, incarnation, address: Some(address), last_generation: 0, spec: spec(processes) }
}

/// Sends a message and returns the answer.
pub(super) async fn request(channel: &mut Channel, message: &Message) -> Result<Message, ChannelError> {
    channel.send(message).await?;
    within(channel.receive()).await
}

/// Sends a message and returns the reason of its rejection.
pub(super) async fn rejection(mut channel: Channel, message: &Message) -> String {
    match request(&mut channel, message).await {
        Err(ChannelError::Rejected(reason)) => reason,
        other => panic!("not rejected: {other:?}"),
    }
}

/// Sends a Hello as process `index` and returns the generation that it becomes part of.
pub(super) async fn enter(ports: &Ports, index: usize, incarnation: u64) -> (Channel, Generation, Vec<u64>) {
    let mut channel = ports.connect(0).await;
    let hello = hello(index, incarnation, ports.addresses.len());
    match request(&mut channel, &hello).await.unwrap() {
        Message::Form { generation, incarnations, .. } => (channel, generation, incarnations),
        other => panic!("{other:?}"),
    }
}

/// Waits until all processes of a cluster have formed.
pub(super) async fn all_formed(processes: Vec<Process>) -> Vec<(Formed, Listener)> {
    let mut formed = Vec::new();
    for process in processes {
        formed.push(process.formed().await);
    }
    formed
}
