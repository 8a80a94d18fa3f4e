//! Runs the real binary in real processes, for end-to-end tests. Each process is killed by its id when its test ends.

#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::unwrap_used, clippy::panic)]

pub mod interrupt;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use rustix::process::{Pid, Signal, kill_process};

/// Upper bound on any wait: it exceeds the time that any machine needs.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The topic of the wire contract.
pub const TOPIC: &str = "flight_delay_classification_request";

/// Returns whether the full counts are requested (`./test long`).
pub fn long() -> bool {
    std::env::var_os("DELAYCAST_TEST_LONG").is_some()
}

/// Returns the URLs of a Kafka and a MongoDB for tests, if they are set; `./test` sets them.
pub fn services() -> Option<(String, String)> {
    match (std::env::var("KAFKA_URL"), std::env::var("MONGO_URL")) {
        (Ok(kafka), Ok(mongo)) => Some((kafka, mongo)),
        _ => {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_SERVICES").is_none(), "KAFKA_URL and MONGO_URL are not set");
            println!("skipped: KAFKA_URL and MONGO_URL name no Kafka and no MongoDB to test with");
            None
        }
    }
}

/// Returns the seed in DELAYCAST_SEED, else a random one. Prints it, so that a failure can be reproduced.
pub fn seed() -> u64 {
    let given = std::env::var("DELAYCAST_SEED").ok().map(|seed| seed.parse().expect("DELAYCAST_SEED is a number"));
    let seed = given.unwrap_or_else(rand::random);
    println!("DELAYCAST_SEED={seed}");
    seed
}

/// Waits until a condition holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The variables that the binary reads. They are removed, because a developer's settings must not change a test.
const VARIABLES: [&str; 6] = [
    "DELAYCAST_LOG_LEVEL",
    "DELAYCAST_LOG",
    "DELAYCAST_LOG_URL",
    "DELAYCAST_STORE_URL",
    "DELAYCAST_EVENTS",
    "DELAYCAST_MODELS",
];

/// Creates a command of the binary under test, without the variables that it reads.
pub fn delaycast(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delaycast"));
    command.args(arguments).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    // By default it is in the working directory, which is that of the sources here.
    command.env("DELAYCAST_HISTORY_INDEX", Path::new(env!("CARGO_TARGET_TMPDIR")).join("history.db"));
    command
}

/// Runs a command to its end and returns (status, stdout, stderr).
pub fn run(arguments: &[&str], input: &[u8]) -> (ExitStatus, String, String) {
    let mut command = delaycast(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_vec();
    let feed = thread::spawn(move || {
        // A command that fails early does not read its input.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the command ends");
    feed.join().expect("the feeding thread ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}

/// A process that runs until it is stopped.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts the binary. Its stderr is that of the test.
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut delaycast(arguments))
    }

    /// Starts any command.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (send, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
        Process { child, lines }
    }

    /// Waits for a line on stdout with this prefix, and returns the rest of it.
    pub fn line_after(&self, prefix: &str) -> String {
        self.line_after_within(prefix, DEADLINE)
    }

    /// Waits for a line like [`Process::line_after`], long enough for a build.
    pub fn line_after_a_build(&self, prefix: &str) -> String {
        self.line_after_within(prefix, 15 * DEADLINE)
    }

    fn line_after_within(&self, prefix: &str, deadline: Duration) -> String {
        let start = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_sub(start.elapsed())) {
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
        panic!("it never printed {prefix:?}");
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the process id for signals.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child is ours").is_none()
    }

    /// Sends SIGKILL, and waits for the end.
    pub fn kill(mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }

    /// Sends SIGTERM, and waits for the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("the child is ours");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status.code();
            }
            assert!(start.elapsed() < DEADLINE, "it does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the child processes of all threads of a process.
pub fn children(parent: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero())).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids =
        |list: String| list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>();
    lists.flat_map(pids).collect()
}

/// Returns a model directory that this binary trained on the bundled flights. The tests that only score share it.
pub fn models() -> &'static Path {
    static MODELS: OnceLock<PathBuf> = OnceLock::new();
    MODELS.get_or_init(|| {
        let binary = fs::metadata(env!("CARGO_BIN_EXE_delaycast")).expect("the binary is there");
        let built =
            binary.modified().expect("it has a time").duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = all.join(format!("models-{built}"));
        if !dir.join("current").exists() {
            // Other test programs may do the same at this moment: the first that is done gives the directory its name.
            let trained = tempfile::tempdir_in(all).expect("a temporary directory").keep();
            let (status, _, stderr) = run(&["train", "--models", &trained.to_string_lossy()], b"");
            assert!(status.success(), "{stderr}");
            if fs::rename(&trained, &dir).is_err() {
                fs::remove_dir_all(&trained).expect("it can be removed");
            }
        }
        dir
    })
}

/// Copies the shared models into the folder of a `delaycast up`.
pub fn give_models(dir: &Path) {
    copy(models(), &dir.join("models"));
}

/// Copies a folder and all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Creates a request with an id in the wire format.
pub fn request(id: &str, dep_delay: f64) -> String {
    format!(
        r#"{{"UUID": "{id}", "Carrier": "AA", "Origin": "JFK", "Dest": "SFO", "FlightDate": "2016-12-25", "DepDelay": {dep_delay}, "Timestamp": "2026-11-23T13:41:32.246003"}}"#
    )
}
