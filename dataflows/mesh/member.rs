//! A process's place in a generation: from the open port to the connections that timely runs on.

use std::{
    any::Any,
    io,
    time::{Duration, Instant},
};

use timely::communication::{
    Hooks,
    allocator::{AllocatorBuilder, ProcessBuilder, zero_copy::initialize::initialize_networking_from_sockets},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout_at},
};

use super::{Door, DoorError, Formed, Generation, Peers, Site, Terms, form};

/// One may be busy with a stranger's handshake while another carries the bytes of the generation.
const THREADS: usize = 2;
/// How often the word to stop is looked for while a generation forms.
const LOOK: Duration = Duration::from_millis(20);
/// When the workers have left, what they sent last has so long to get on its way.
const FAREWELL: Duration = Duration::from_secs(1);

/// A process that is to be part of a cluster.
pub struct Mesh {
    runtime: Runtime,
    door: Door,
    site: Site,
}

impl Mesh {
    /// Starts to listen for the other processes.
    pub fn open(listener: std::net::TcpListener, site: Site) -> Result<Self, DoorError> {
        // A panic in a thread of this name ends the process, as those of timely's own network threads do.
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("mesh").enable_all().build()?;
        let door = {
            let _within = runtime.enter();
            Door::open(listener, site.trust.clone())?
        };
        Ok(Mesh { runtime, door, site })
    }

    /// Forms the next generation with the others, however long they take; `None` if told to stop meanwhile. Blocks.
    pub fn form(self, stop: impl Fn() -> bool) -> Option<Member> {
        let Mesh { runtime, mut door, site } = self;
        let formed = runtime.block_on(async {
            let told_to_stop = async {
                while !stop() {
                    sleep(LOOK).await;
                }
            };
            tokio::select! {
                formed = form(&site, &mut door) => Some(formed),
                () = told_to_stop => None,
            }
        });
        let Some(formed) = formed else {
            // A name service that does not answer must not hold up who leaves.
            runtime.shutdown_background();
            return None;
        };
        runtime.spawn(door.refuse_all(formed.generation));
        Some(Member { runtime, formed, peers: site.peers })
    }
}

/// A process of a generation that stands.
pub struct Member {
    runtime: Runtime,
    formed: Formed,
    peers: Peers,
}

impl Member {
    /// Which generation.
    pub fn generation(&self) -> Generation {
        self.formed.generation
    }

    /// What its processes agree on.
    pub fn terms(&self) -> &Terms {
        &self.formed.terms
    }

    /// Its processes.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Hands the connections to timely: what its workers are built from, and what is to be kept until they have left.
    /// To be called once.
    pub(crate) fn allocators(&mut self) -> io::Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>)> {
        let (workers, hooks) = (self.formed.terms.workers, Hooks::default());
        let local = ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), hooks.spill.clone());
        let links = std::mem::take(&mut self.formed.links);
        let (builders, guard) = initialize_networking_from_sockets(local, links, self.peers.index(), workers, hooks)?;
        Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
    }

    /// Waits until what the workers have sent last is on its way, so that the others see an end and not a loss.
    pub(crate) fn close(self) {
        let (deadline, pumps) = (Instant::now() + FAREWELL, self.formed.pumps);
        self.runtime.block_on(async {
            for pump in pumps {
                let _ = timeout_at(deadline.into(), pump).await;
            }
        });
        self.runtime.shutdown_background();
    }
}

/// The process whose connection a thread serves, if timely has named the thread so. When a process is gone, it is these
/// threads that panic.
pub fn peer_of_thread(name: &str) -> Option<usize> {
    ["timely:recv-", "timely:send-"].iter().find_map(|prefix| name.strip_prefix(prefix)?.parse().ok())
}
