//! The end of a process whose generation is over, with one last line in its log.

use std::{process::exit, sync::OnceLock, thread, time::Duration};

use delaycast_dataflows::mesh::{Member, Peers, peer_of_thread};
use engine::runtime::Mutex;
use rustix::process::{Signal, getpid, kill_process};

use crate::{EXIT_TEMPORARY, progress::say};

/// The generation and the peers of this process, once it is part of one.
static MEMBERSHIP: OnceLock<(u64, Peers)> = OnceLock::new();
/// Held by the thread that writes the last line, until the process ends.
static EXIT_LOCK: Mutex<()> = Mutex::new(());
/// Timeout of a regular exit; the process is killed after it.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Remembers the generation, for the message about a lost peer.
pub(super) fn remember(member: &Member) {
    // A process is part of one generation at most.
    let _ = MEMBERSHIP.set((member.generation().number, member.peers().clone()));
}

/// Ends the process with a last line. Only the first thread that calls this writes it.
pub(super) fn leave(why: &str) -> ! {
    let _guard = EXIT_LOCK.lock();
    let (generation, own) = MEMBERSHIP.get().map_or((0, 0), |(generation, peers)| (*generation, peers.index()));
    say(&format!("process {own}: generation {generation} is over: {why}; starting again from the committed offsets"));
    // Exit handlers of libraries may hang.
    let kill = || {
        thread::sleep(EXIT_TIMEOUT);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without the thread there is no timeout.
    let _ = thread::Builder::new().name("end".into()).spawn(kill);
    exit(i32::from(EXIT_TEMPORARY))
}

/// Handles a panic of one of timely's connection threads: they panic when the other end is gone.
pub(crate) fn leave_if_a_peer_is_lost() {
    let thread = thread::current();
    if let Some(process) = thread.name().and_then(peer_of_thread) {
        let address = MEMBERSHIP.get().map_or("", |(_, peers)| peers.address(process));
        leave(&format!("process {process} ({address}) was lost"));
    }
}
