//! The process that is started: it holds the port and keeps a scorer running behind it.

use std::{
    env, fs,
    io::{self, Read},
    net::TcpListener,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::Command,
};

use anyhow::Context;
use delaycast::{
    runtime::{Stop, hex},
    supervise::{Start, SuperviseError, supervise},
};
use delaycast_dataflows::mesh::Peers;
use sha2::{Digest, Sha256};

use super::ClusterOptions;
use crate::app;

/// This very program, even after another one was put in its place.
const PROGRAM: &str = "/proc/self/exe";

/// Runs until told to stop.
pub(crate) fn run(cluster: &ClusterOptions, peers: &Peers) -> anyhow::Result<()> {
    let stop = Stop::default();
    app::on_stop(&stop)?;
    // Before anything is started: who gives a wrong option is told once.
    cluster.credentials()?;
    let (listener, program) = (cluster.listen(peers)?, program()?);
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let command = |start| scorer(&listener, &program, start, &arguments);
    let name = format!("the scorer of process {}", peers.index());
    let supervised = supervise(&name, command, &stop, &|_| {});
    match supervised {
        // It has said why.
        Err(SuperviseError::CannotStart { code, .. }) | Ok(Some(code @ 1..)) => std::process::exit(code),
        supervised => Ok(supervised.map(drop)?),
    }
}

/// A scorer as a child of this process, with the port on its standard input: so the port is open all the time.
pub(super) fn scorer(
    listener: &TcpListener,
    program: &str,
    start: Start,
    arguments: &[impl AsRef<std::ffi::OsStr>],
) -> io::Result<Command> {
    let mut command = Command::new(PROGRAM);
    command.arg0("delaycast").args(arguments).stdin(OwnedFd::from(listener.try_clone()?));
    command.args(["--child-of", &std::process::id().to_string(), "--program", program]);
    command.args(["--after-generation", &start.after_generation.to_string()]);
    command.args(["--restarts", &start.restarts.to_string()]);
    Ok(command)
}

/// A fingerprint of this program: processes of two programs never form a generation.
pub(super) fn program() -> anyhow::Result<String> {
    let read = || -> io::Result<String> {
        let (mut file, mut sha, mut buffer) = (fs::File::open(PROGRAM)?, Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => sha.update(&buffer[..count]),
            }
        }
        // The first eight bytes are plenty to tell builds apart, and short enough to be read in a message.
        Ok(hex::encode(&sha.finalize()[..8]))
    };
    read().with_context(|| format!("cannot read {PROGRAM}, the program itself"))
}
