//! Processes that print lines of JSON, and take commands as lines.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;

use crate::process::Process;

/// A process of a peer. It ends when its input does.
pub(super) struct LineProcess {
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
    pub(super) process: Process,
}

impl LineProcess {
    /// Starts a command; what it logs goes into a file of this name.
    pub(super) fn start(command: &mut Command, name: &str) -> anyhow::Result<Self> {
        let log = Path::new("target/peers").join(format!("{name}.log"));
        std::fs::create_dir_all("target/peers")?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut process = Process::start(command)?;
        let (stdin, stdout) = process.pipes().context("its input and output are pipes")?;
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            let json = BufReader::new(stdout).lines().map_while(Result::ok).filter(|line| line.starts_with('{'));
            json.map(|line| send.send(line)).all(|sent| sent.is_ok())
        });
        Ok(LineProcess { stdin: Some(stdin), lines, log, process })
    }

    /// Sends a command.
    pub(super) fn command(&mut self, text: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("its input is closed")?;
        writeln!(stdin, "{text}").with_context(|| format!("it has ended: see {}", self.log.display()))
    }

    /// Waits for the next line.
    pub(super) fn line<L: DeserializeOwned>(&self, timeout: Duration) -> anyhow::Result<L> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => serde_json::from_str(&line).with_context(|| format!("a line of another form: {line}")),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("no result in {} s: see {}", timeout.as_secs(), self.log.display())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("it has ended without a result: see {}", self.log.display())
            }
        }
    }
}

impl Drop for LineProcess {
    fn drop(&mut self) {
        // A peer with a virtual machine ends both processes at the end of its input. One that is terminated would leave
        // the machine behind for a moment, which would take part in the next measurement.
        drop(self.stdin.take());
        self.process.wait_for_end(Duration::from_secs(15));
    }
}
