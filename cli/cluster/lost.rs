//! The last line of a process that leaves because another one is lost.

use std::{
    process::exit,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use delaycast_dataflows::mesh::{Member, Peers, peer_of_thread};

use crate::{EXIT_TEMPORARY, progress::say};

/// Where this process is, once it is part of a generation.
static PLACE: OnceLock<(u64, Peers)> = OnceLock::new();
static LEAVING: AtomicBool = AtomicBool::new(false);

/// From now on the loss of a peer can be told with its name.
pub(super) fn remember(member: &Member) {
    // There is one generation in the life of a process.
    let _ = PLACE.set((member.generation().number, member.peers().clone()));
}

/// Ends the process with a last line, said once, whoever notices first.
pub(super) fn leave(why: &str) -> ! {
    if !LEAVING.swap(true, Ordering::AcqRel) {
        let (generation, own) = PLACE.get().map_or((0, 0), |(generation, peers)| (*generation, peers.index()));
        say(&format!(
            "process {own}: generation {generation} is over: {why}; starting again from the committed offsets"
        ));
    }
    exit(i32::from(EXIT_TEMPORARY))
}

/// To be called when a thread panics: timely's threads that serve a connection do so when its other end is gone.
pub(crate) fn leave_if_a_peer_is_lost() {
    let thread = std::thread::current();
    if let Some(process) = thread.name().and_then(peer_of_thread) {
        let address = PLACE.get().map_or("", |(_, peers)| peers.address(process));
        leave(&format!("process {process} ({address}) was lost"));
    }
}
