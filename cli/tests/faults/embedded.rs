//! Tests of the embedded file on a full disk, and locked by another process.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use delaycast::domain::Flights;
use engine::{
    sqlite::Inspector,
    store::{self, Outcome},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Process, TOPIC, delaycast, long, models, request, run, until};

/// Requests that need several times the space of the small disk.
const REQUESTS: usize = 6000;

fn lines(from: usize, to: usize) -> String {
    (from..to).map(|number| request(&format!("e-{number}"), (number % 180) as f64 - 60.0) + "\n").collect()
}

/// Set if the test runs in its own namespaces, in which it can mount a small disk.
const INSIDE: &str = "DELAYCAST_TEST_MAY_MOUNT";

#[test]
fn a_full_disk_is_waited_out() {
    if std::env::var_os(INSIDE).is_some() {
        return fill_a_disk();
    }
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("skipped: this system forbids mounts in a user namespace (unshare -rm)");
        return;
    }
    // The test starts itself in new namespaces, which end with it.
    let this = std::env::current_exe().unwrap();
    let mut inside = Command::new("unshare");
    inside.arg("-rm").arg(this).args(["embedded::a_full_disk_is_waited_out", "--exact", "--nocapture"]);
    let status = inside.env(INSIDE, "1").stdin(Stdio::null()).status().unwrap();
    assert!(status.success());
}

fn fill_a_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, output) = (dir.path().join("disk"), dir.path().join("said"));
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&disk).status();
    assert!(mounted.unwrap().success());
    let (path, ballast) = (disk.join("delaycast.db"), disk.join("ballast"));
    let url = format!("sqlite:{}", path.display());
    let models = models().to_string_lossy();
    let mut command = delaycast(&["score", "--log", &url, "--store", &url, "--models", &models]);
    let scorer = Process::spawn(command.stderr(fs::File::create(&output).unwrap()));
    let send = |text: &str| run(&["send", "-", "--log", &url], text.as_bytes());
    let sent = |text: &str| {
        let (status, _, stderr) = send(text);
        assert!(status.success(), "{stderr}");
    };
    sent(&lines(0, 500));
    until("the first are answered", || answered(&url, 0, 500) == 500);
    // Messages wait while the scorer is stopped, so that the answers exceed the disk.
    let pid = Pid::from_raw(scorer.id() as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    sent(&lines(500, 2000));
    fs::write(&ballast, vec![0; 64 << 20]).unwrap_err();
    let (status, _, stderr) = send(&lines(2000, REQUESTS));
    assert!(!status.success() && stderr.contains("full"), "a full disk is told to who publishes: {stderr}");
    kill_process(pid, Signal::CONT).unwrap();
    until("the scorer reports the full disk", || fs::read_to_string(&output).unwrap().contains("full"));
    thread::sleep(Duration::from_secs(if long() { 20 } else { 2 }));
    fs::remove_file(&ballast).unwrap();
    sent(&lines(2000, REQUESTS));
    let inspector = Inspector::open(&path).unwrap();
    let committed = || inspector.committed_offsets(TOPIC).unwrap().iter().map(|it| it.next.0).sum::<u64>() as usize;
    // Refused messages may have landed in part before the disk was full.
    until("all is committed", || committed() >= REQUESTS && messages_in(&url) == committed());
    let (answers, found) = (inspector.answers().unwrap() as usize, answered(&url, 0, REQUESTS));
    println!("disk full: 1 times, {REQUESTS} requests, lost {}, doubled {}", REQUESTS - found, answers - found);
    assert_eq!((answers, found), (REQUESTS, REQUESTS));
    drop(inspector);
    assert_eq!(scorer.terminate(), Some(0));
}

fn answered(url: &str, from: usize, to: usize) -> usize {
    let lookup = store::open::<Flights>(url).unwrap().lookup().unwrap();
    let is_answered = |number: &usize| matches!(lookup.find(&format!("e-{number}")), Ok(Some(Outcome::Answered(_))));
    (from..to).filter(is_answered).count()
}

/// Returns the number of messages in the log.
fn messages_in(url: &str) -> usize {
    let path = url.strip_prefix("sqlite:").unwrap();
    let database = rusqlite::Connection::open(path).unwrap();
    database.query_row("SELECT sum(next_offset) FROM partitions", [], |row| row.get::<_, i64>(0)).unwrap() as usize
}

/// Longer than the lock timeout of any call.
#[test]
fn a_file_locked_at_the_start_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (path, output) = (dir.path().join("delaycast.db"), dir.path().join("said"));
    let url = format!("sqlite:{}", path.display());
    let (status, _, stderr) = run(&["send", "-", "--log", &url], lines(0, 10).as_bytes());
    assert!(status.success(), "{stderr}");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let models = models().to_string_lossy();
    let mut command = delaycast(&["score", "--log", &url, "--store", &url, "--models", &models]);
    let mut scorer = Process::spawn(command.stderr(fs::File::create(&output).unwrap()));
    until("the scorer reports the lock", || fs::read_to_string(&output).unwrap().contains("locked"));
    thread::sleep(Duration::from_secs(if long() { 20 } else { 3 }));
    assert!(scorer.is_running());
    other.execute_batch("ROLLBACK").unwrap();
    until("all are answered", || answered(&url, 0, 10) == 10);
    println!("file locked at the start: 1 times, 10 requests, lost 0");
    assert_eq!(scorer.terminate(), Some(0));
    // A stop ends the wait.
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &models]);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(scorer.terminate(), Some(0));
}
