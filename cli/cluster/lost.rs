//! The last line of a process that leaves because another one is lost.

use std::{
    process::exit,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use delaycast_dataflows::mesh::{Member, Peers, peer_of_thread};
use rustix::process::{Signal, getpid, kill_process};

use crate::{EXIT_TEMPORARY, progress::say};

/// Where this process is, once it is part of a generation.
static PLACE: OnceLock<(u64, Peers)> = OnceLock::new();
/// Held by who says the last line, to the end of the process.
static LAST_WORD: Mutex<()> = Mutex::new(());
/// An end in good order that takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(1);

/// From now on the loss of a peer can be told with its name.
pub(super) fn remember(member: &Member) {
    // There is one generation in the life of a process.
    let _ = PLACE.set((member.generation().number, member.peers().clone()));
}

/// Ends the process with a last line, said once, whoever notices first.
pub(super) fn leave(why: &str) -> ! {
    let _to_the_end = LAST_WORD.lock().unwrap_or_else(PoisonError::into_inner);
    let (generation, own) = PLACE.get().map_or((0, 0), |(generation, peers)| (*generation, peers.index()));
    say(&format!("process {own}: generation {generation} is over: {why}; starting again from the committed offsets"));
    // What libraries do at the end is not in our hands.
    let kill = || {
        thread::sleep(HANGS);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without a thread it ends as it can.
    let _ = thread::Builder::new().name("end".into()).spawn(kill);
    exit(i32::from(EXIT_TEMPORARY))
}

/// To be called when a thread panics: timely's threads that serve a connection do so when its other end is gone.
pub(crate) fn leave_if_a_peer_is_lost() {
    let thread = thread::current();
    if let Some(process) = thread.name().and_then(peer_of_thread) {
        let address = PLACE.get().map_or("", |(_, peers)| peers.address(process));
        leave(&format!("process {process} ({address}) was lost"));
    }
}
