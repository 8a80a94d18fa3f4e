//! Clusters to test with: genuine processes, and one that says what the test wants.

use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::mesh::{
    Door, Formed, Generation, Peers, Site, Terms, Trust,
    channel::{Channel, Fault},
    form,
    message::Message,
};

/// Long enough for any machine; a test that needs it has failed.
const DEADLINE: Duration = Duration::from_secs(120);

/// What the genuine processes know each other by.
pub(super) const SECRET: &[u8] = b"sixteen bytes it has at least";

/// The ports of a cluster.
pub(super) struct Ports {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Ports {
    pub(super) fn take(processes: usize) -> Self {
        let listeners: Vec<_> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        Ports { listeners, addresses }
    }

    pub(super) fn address(&self, index: usize) -> SocketAddr {
        self.addresses[index]
    }

    pub(super) fn site(&self, index: usize) -> Site {
        let list: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let terms = terms(self.addresses.len());
        Site {
            peers: Peers::listed(&list.join(","), index).unwrap(),
            terms: Box::new(move || terms.clone()),
            trust: Trust::secret(SECRET).unwrap(),
            last_generation: 0,
            partitions: 4,
        }
    }

    /// Starts a genuine process.
    pub(super) fn start(&self, index: usize) -> Process {
        self.start_with(index, self.site(index))
    }

    pub(super) fn start_with(&self, index: usize, site: Site) -> Process {
        let mut door = Door::open(self.listeners[index].try_clone().unwrap(), site.trust.clone()).unwrap();
        Process(tokio::spawn(async move { (form(&site, &mut door).await, door) }))
    }

    /// Connects as a process that has the secret.
    pub(super) async fn dial(&self, index: usize) -> Channel {
        let address = self.address(index);
        let tcp = TcpStream::connect(address).await.unwrap();
        Trust::secret(SECRET).unwrap().dialled(tcp, address).await.unwrap()
    }
}

/// A process that forms a generation.
pub(super) struct Process(JoinHandle<(Formed, Door)>);

impl Process {
    pub(super) async fn formed(self) -> (Formed, Door) {
        within(self.0).await.unwrap()
    }

    /// Leaves as a process that was killed.
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

/// For what must not happen: long enough to see it if it does.
pub(super) async fn a_while() {
    sleep(Duration::from_millis(300)).await;
}

pub(super) fn terms(processes: usize) -> Terms {
    Terms {
        cluster: "test".into(),
        processes,
        workers: 2,
        program: "p".into(),
        dataflow: "d".into(),
        model: "m".into(),
    }
}

pub(super) fn hello(index: usize, incarnation: u64, processes: usize) -> Message {
    Message::Hello { index, incarnation, last_generation: 0, terms: terms(processes) }
}

/// Says something and returns the answer.
pub(super) async fn say(channel: &mut Channel, message: &Message) -> Result<Message, Fault> {
    channel.send(message).await?;
    within(channel.receive()).await
}

/// Why a process was refused.
pub(super) async fn refusal(mut channel: Channel, message: &Message) -> String {
    match say(&mut channel, message).await {
        Err(Fault::Refused(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// Says Hello as process `index` and returns the generation that it becomes part of.
pub(super) async fn enter(ports: &Ports, index: usize, incarnation: u64) -> (Channel, Generation, Vec<u64>) {
    let mut channel = ports.dial(0).await;
    let hello = hello(index, incarnation, ports.addresses.len());
    match say(&mut channel, &hello).await.unwrap() {
        Message::Form { generation, incarnations } => (channel, generation, incarnations),
        other => panic!("{other:?}"),
    }
}

/// All processes of a cluster, formed.
pub(super) async fn all_formed(processes: Vec<Process>) -> Vec<(Formed, Door)> {
    let mut formed = Vec::new();
    for process in processes {
        formed.push(process.formed().await);
    }
    formed
}
