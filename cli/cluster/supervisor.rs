//! The supervisor process: it holds the listening port and restarts the scorer.

use std::{
    env, fs,
    io::{self, Read},
    net::TcpListener,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::Command,
};

use anyhow::Context;
use delaycast_dataflows::mesh::Peers;
use engine::{
    runtime::{Stop, hex},
    supervise::{ChildStart, SuperviseError, supervise},
};
use sha2::{Digest, Sha256};

use super::ClusterOptions;
use crate::app;

/// The running program, also after its file was replaced.
const PROGRAM: &str = "/proc/self/exe";

/// Runs until a stop is requested.
pub(crate) fn run(cluster: &ClusterOptions, peers: &Peers) -> anyhow::Result<()> {
    let stop = Stop::default();
    app::on_stop(&stop)?;
    // Checked before the first child starts, so that a wrong option is reported once.
    cluster.credentials()?;
    let (listener, program) = (cluster.listen(peers)?, program_fingerprint()?);
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let command = |start| scorer_command(&listener, &program, start, &arguments);
    let name = format!("the scorer of process {}", peers.index());
    let supervised = supervise(&name, command, &stop, &|_| {});
    match supervised {
        // The child has logged the reason.
        Err(SuperviseError::CannotStart { code, .. }) | Ok(Some(code @ 1..)) => std::process::exit(code),
        supervised => Ok(supervised.map(drop)?),
    }
}

/// Returns the command of a scorer as a child. It inherits the port as its standard input, so that the port stays open
/// across restarts.
pub(super) fn scorer_command(
    listener: &TcpListener,
    program: &str,
    start: ChildStart,
    arguments: &[impl AsRef<std::ffi::OsStr>],
) -> io::Result<Command> {
    let mut command = Command::new(PROGRAM);
    command.arg0("delaycast").args(arguments).stdin(OwnedFd::from(listener.try_clone()?));
    command.args(["--child-of", &std::process::id().to_string(), "--program", program]);
    command.args(["--after-generation", &start.after_generation.to_string()]);
    command.args(["--restarts", &start.restarts.to_string()]);
    Ok(command)
}

/// Returns a fingerprint of this program: processes of different programs never form a generation.
pub(super) fn program_fingerprint() -> anyhow::Result<String> {
    let read = || -> io::Result<String> {
        let (mut file, mut sha, mut buffer) = (fs::File::open(PROGRAM)?, Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => sha.update(&buffer[..count]),
            }
        }
        // Eight bytes distinguish builds, and are short enough for a message.
        Ok(hex::encode(&sha.finalize()[..8]))
    };
    read().with_context(|| format!("cannot read {PROGRAM}, the program itself"))
}
