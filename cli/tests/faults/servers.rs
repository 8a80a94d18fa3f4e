//! A Kafka and a MongoDB-protocol server that tests can stop and kill.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Weak},
};

use engine::runtime::{Mutex, MutexGuard};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::services;

/// Serializes the tests: one fault at a time.
static TURN: Mutex<()> = Mutex::new(());
/// The servers, while any test uses them.
static RUNNING: Mutex<Weak<Servers>> = Mutex::new(Weak::new());

/// The servers. They start with the first test and end with the last.
struct Servers {
    state: PathBuf,
}

impl Servers {
    fn start() -> Self {
        let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}", std::process::id()));
        let servers = Servers { state };
        servers.script(&["start"]);
        servers
    }

    /// Runs scripts/services for these servers; returns its output.
    fn script(&self, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
        let mut command = Command::new(script);
        // Containers cannot be killed by process id.
        command.args(arguments).env("DELAYCAST_SERVICES", &self.state).env("DELAYCAST_SERVICES_FROM", "packages");
        for given in ["KAFKA_URL", "MONGO_URL", "KAFKA_PORT", "MONGO_PORT"] {
            command.env_remove(given);
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.script(&["wipe"]);
        let _ = fs::remove_dir_all(&self.state);
    }
}

/// Servers that one test uses exclusively.
pub(crate) struct ExclusiveServers {
    // Released before the servers.
    _turn: MutexGuard<'static, ()>,
    servers: Arc<Servers>,
}

impl ExclusiveServers {
    /// Waits for the test's turn; `None` without services.
    pub(crate) fn acquire() -> Option<Self> {
        services()?;
        let servers = {
            let mut running = RUNNING.lock();
            running.upgrade().unwrap_or_else(|| {
                let servers = Arc::new(Servers::start());
                *running = Arc::downgrade(&servers);
                servers
            })
        };
        let turn = TURN.lock();
        // A failed test may have left servers stopped.
        servers.script(&["start"]);
        Some(ExclusiveServers { _turn: turn, servers })
    }

    /// Returns the port of `kafka` or `mongo`.
    pub(crate) fn port(&self, name: &str) -> u16 {
        fs::read_to_string(self.servers.state.join(format!("{name}.port"))).unwrap().trim().parse().unwrap()
    }

    pub(crate) fn kafka(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port("kafka"))
    }

    pub(crate) fn mongo(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port("mongo"))
    }

    /// Stops a server gracefully; its data stay.
    pub(crate) fn stop(&self, name: &str) {
        self.servers.script(&["stop", name]);
    }

    /// Starts a server again on the same port, and waits until it serves.
    pub(crate) fn start(&self, name: &str) {
        self.servers.script(&["start", name]);
    }

    /// Kills a server with SIGKILL.
    pub(crate) fn kill(&self, name: &str) {
        let file = fs::read_to_string(self.servers.state.join(format!("{name}.pid"))).unwrap();
        let pid: i32 = file.split_whitespace().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}
