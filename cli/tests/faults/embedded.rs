//! The embedded file: its disk is full, or somebody else has it locked.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use delaycast::{
    sqlite::Inspector,
    store::{self, Outcome},
};

use crate::support::{Process, TOPIC, delaycast, long, models, request, run, until};

/// So many requests fill what the small disk has left several times over.
const REQUESTS: usize = 6000;

fn lines(from: usize, to: usize) -> String {
    (from..to).map(|number| request(&format!("e-{number}"), (number % 180) as f64 - 60.0) + "\n").collect()
}

/// On a file system of its own, in name spaces that are gone with the process.
#[test]
fn a_full_disk_is_waited_out() {
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("skipped: this system lets nobody mount a small disk (unshare -rm)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (disk, said) = (dir.path().join("disk"), dir.path().join("said"));
    fs::create_dir(&disk).unwrap();
    let url = format!("sqlite:{}", disk.join("delaycast.db").display());
    let binary = env!("CARGO_BIN_EXE_delaycast");
    let script = "mount -t tmpfs -o size=24m tmpfs \"$1\" && shift && exec \"$@\"";
    let models = models().to_string_lossy();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh", &disk.to_string_lossy(), binary, "score"]);
    command.args(["--log", &url, "--store", &url, "--models", &models]).stdin(Stdio::null());
    command.stderr(fs::File::create(&said).unwrap());
    let scorer = Process::spawn(&mut command);
    // What the process sees there; from outside it is another folder.
    let inside = |name: &str| format!("/proc/{}/root{}", scorer.id(), disk.join(name).display());
    until("the database is there", || fs::metadata(inside("delaycast.db")).is_ok());
    let seen = format!("sqlite:{}", inside("delaycast.db"));
    let send = |text: &str| {
        let (status, _, stderr) = run(&["send", "-", "--log", &seen], text.as_bytes());
        assert!(status.success(), "{stderr}");
    };
    // Whoever writes to the log has a file of its own on the same disk: so the requests come first.
    send(&lines(0, 500));
    until("the first are answered", || answered(&seen, 0, 500) == 500);
    fs::write(inside("ballast"), vec![0; 64 << 20]).unwrap_err();
    let (status, _, stderr) = run(&["send", "-", "--log", &seen], lines(500, REQUESTS).as_bytes());
    assert!(!status.success() && stderr.contains("full"), "a full disk is told to who publishes: {stderr}");
    until("the scorer tells", || fs::read_to_string(&said).unwrap().contains("full"));
    thread::sleep(Duration::from_secs(if long() { 20 } else { 2 }));
    fs::remove_file(inside("ballast")).unwrap();
    send(&lines(500, REQUESTS));
    until("all are answered", || answered(&seen, REQUESTS - 1, REQUESTS) == 1);
    let inspector = Inspector::open(inside("delaycast.db").as_ref()).unwrap();
    until("all is committed", || {
        inspector.committed_offsets(TOPIC).unwrap().iter().all(|committed| committed.next == committed.end)
    });
    let (answers, found) = (inspector.answers().unwrap() as usize, answered(&seen, 0, REQUESTS));
    println!("disk full: 1 times, {REQUESTS} requests, lost {}, doubled {}", REQUESTS - found, answers - found);
    assert_eq!((answers, found), (REQUESTS, REQUESTS));
    drop(inspector);
    assert_eq!(scorer.terminate(), Some(0));
}

fn answered(url: &str, from: usize, to: usize) -> usize {
    let lookup = store::open(url).unwrap().lookup().unwrap();
    let is_answered = |number: &usize| matches!(lookup.find(&format!("e-{number}")), Ok(Some(Outcome::Answered(_))));
    (from..to).filter(is_answered).count()
}

/// Longer than any single call waits for a lock.
#[test]
fn a_file_locked_at_the_start_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (path, said) = (dir.path().join("delaycast.db"), dir.path().join("said"));
    let url = format!("sqlite:{}", path.display());
    let (status, _, stderr) = run(&["send", "-", "--log", &url], lines(0, 10).as_bytes());
    assert!(status.success(), "{stderr}");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let models = models().to_string_lossy();
    let mut command = delaycast(&["score", "--log", &url, "--store", &url, "--models", &models]);
    let mut scorer = Process::spawn(command.stderr(fs::File::create(&said).unwrap()));
    until("it tells", || fs::read_to_string(&said).unwrap().contains("locked"));
    thread::sleep(Duration::from_secs(if long() { 20 } else { 3 }));
    assert!(scorer.is_running());
    other.execute_batch("ROLLBACK").unwrap();
    until("all are answered", || answered(&url, 0, 10) == 10);
    println!("file locked at the start: 1 times, 10 requests, lost 0");
    assert_eq!(scorer.terminate(), Some(0));
    // Told to stop while it waits it stops, too.
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &models]);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(scorer.terminate(), Some(0));
}
