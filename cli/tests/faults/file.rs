//! Tests of the embedded file while other processes delete, replace or read it, and after a crash.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use delaycast::domain::Flights;
use engine::{
    sqlite::Inspector,
    store::{self, Outcome},
};
use serde_json::Value;

use crate::support::{Process, TOPIC, delaycast, give_models, long, models, request, run, until};

const FORM: [(&str, &str); 5] =
    [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A `delaycast up` on a folder, with its page, its health port and its output.
struct Up {
    process: Process,
    page: String,
    health: String,
    output: PathBuf,
}

impl Up {
    fn start(dir: &Path) -> Self {
        let health = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let output = dir.join("stderr");
        let mut command = delaycast(&["up", "--port", "0", "--dir", &dir.to_string_lossy(), "--health", &health]);
        let process =
            Process::spawn(command.stderr(fs::File::options().create(true).append(true).open(&output).unwrap()));
        let page = process.line_after("delaycast is ready: ");
        Up { process, page, health, output }
    }

    /// Sends a request. Returns its id if it was acknowledged, else the status.
    fn ask(&self) -> Result<String, u16> {
        let url = format!("{}flights/delays/predict/classify_realtime", self.page);
        let request = ureq::post(url).config().http_status_as_error(false).build();
        let mut response = request.send_form(FORM).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let reply: Value = serde_json::from_str(&text).unwrap_or_default();
        match reply["id"].as_str() {
            Some(id) if response.status() == 200 && reply["status"] == "OK" => Ok(id.to_owned()),
            _ => Err(response.status().as_u16()),
        }
    }

    fn is_answered(&self, id: &str) -> bool {
        let url = format!("{}flights/delays/predict/classify_realtime/response/{id}", self.page);
        let mut response = ureq::get(url).config().http_status_as_error(false).build().call().unwrap();
        response.body_mut().read_to_string().unwrap().contains("\"OK\"")
    }

    fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.health);
        let mut response = ureq::get(url).config().http_status_as_error(false).build().call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }
}

/// A change to the file at a path.
type Damage = fn(&Path);

fn copy_over(from: &Path, to: &Path) {
    let other = beside(to, ".new");
    fs::copy(from, &other).unwrap();
    fs::rename(other, to).unwrap();
}

/// The name, the change, and true if the file has all acknowledged requests after a restart.
const DAMAGES: [(&str, Damage, bool); 6] = [
    ("its -wal is deleted", |path| fs::remove_file(beside(path, "-wal")).unwrap(), true),
    ("its -shm is deleted", |path| fs::remove_file(beside(path, "-shm")).unwrap(), true),
    ("its -wal is replaced", |path| copy_over(&beside(path, "-wal"), &beside(path, "-wal")), false),
    ("it is replaced by another file", |path| copy_over(path, path), false),
    ("it is written over", |path| fs::write(path, vec![0; 8192]).unwrap(), false),
    (
        "all three are deleted",
        |path| ["", "-wal", "-shm"].iter().for_each(|suffix| fs::remove_file(beside(path, suffix)).unwrap()),
        false,
    ),
];

#[test]
fn the_file_is_deleted_or_replaced_under_a_running_system() {
    let (mut asked, mut refused, mut lost) = (0, 0, 0);
    for (name, harm, is_kept) in DAMAGES {
        let dir = tempfile::tempdir().unwrap();
        give_models(dir.path());
        let path = dir.path().join("delaycast.db");
        let up = Up::start(dir.path());
        let before: Vec<String> = (0..20).map(|_| up.ask().unwrap()).collect();
        until("all are answered", || before.iter().all(|id| up.is_answered(id)));
        asked += before.len();
        harm(&path);
        // From here on no request is acknowledged, not even the first.
        for _ in 0..5 {
            assert_eq!(up.ask(), Err(503), "{name}");
            refused += 1;
        }
        until("it is not ready", || up.get("/readyz").0 == 503);
        let (_, waits) = up.get("/readyz");
        assert!(waits.contains("no longer what this process has open"), "{name}: {waits}");
        assert!(up.get("/metrics").1.contains("delaycast_file_intact{file=") && up.get("/livez").0 == 200);
        assert_eq!(up.output().matches("ERROR").count(), 1, "{name}: {}", up.output());
        // The file is not silently opened again.
        assert!(!up.is_answered(&before[0]) && up.ask() == Err(503), "{name}");
        if name == "its -wal is deleted" {
            until("what it held is written", || up.output().contains("is in the file now"));
        }
        if name == "all three are deleted" {
            assert!(!path.exists());
            let (status, stdout, _) = doctor(&path, dir.path());
            assert!(!status && stdout.contains("there is no"), "{stdout}");
            assert!(!path.exists() && !beside(&path, "-wal").exists(), "the doctor has made a file");
        }
        up.process.kill();
        if is_kept {
            let again = Up::start(dir.path());
            lost += before.iter().filter(|id| !again.is_answered(id)).count();
            assert!(again.ask().is_ok());
            assert_eq!(again.process.terminate(), Some(0));
        }
    }
    println!("file deleted or replaced: {} times, {asked} requests, {refused} refused, lost {lost}", DAMAGES.len());
    assert_eq!(lost, 0);
}

fn doctor(path: &Path, dir: &Path) -> (bool, String, String) {
    let (url, models) = (format!("sqlite:{}", path.display()), dir.join("models"));
    let arguments = ["doctor", "--log", &url, "--store", &url, "--models", &models.to_string_lossy()];
    let (status, stdout, stderr) = run(&arguments, b"");
    (status.success(), stdout, stderr)
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(|number| request(&format!("f-{number}"), (number % 180) as f64 - 60.0) + "\n").collect()
}

fn answered(url: &str, to: usize) -> usize {
    let lookup = store::open::<Flights>(url).unwrap().lookup().unwrap();
    let is_answered = |number: &usize| matches!(lookup.find(&format!("f-{number}")), Ok(Some(Outcome::Answered(_))));
    (0..to).filter(is_answered).count()
}

#[test]
fn a_read_transaction_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let (path, output) = (dir.path().join("delaycast.db"), dir.path().join("said"));
    let url = format!("sqlite:{}?wal=8", path.display());
    let send = |from, to| run(&["send", "-", "--log", &url], lines(from, to).as_bytes());
    assert!(send(0, 100).0.success());
    let models = models().to_string_lossy();
    let mut command = delaycast(&["score", "--log", &url, "--store", &url, "--models", &models]);
    let scorer = Process::spawn(command.stderr(fs::File::create(&output).unwrap()));
    until("the first are answered", || answered(&url, 100) == 100);
    let mut reader = rusqlite::Connection::open(&path).unwrap();
    let reading = reader.transaction().unwrap();
    reading.query_row("SELECT count(*) FROM answers", [], |_| Ok(())).unwrap();
    // The write-ahead log grows to its bound, and then publishing fails.
    let mut sent = 100;
    let refusal = loop {
        let (status, _, stderr) = send(sent, sent + 1000);
        if !status.success() {
            break stderr;
        }
        sent += 1000;
        assert!(sent < 100_000, "the log has no bound");
    };
    assert!(refusal.contains("write-ahead log") && refusal.contains("read transaction"), "{refusal}");
    let holder = format!("process {} (", std::process::id());
    assert!(refusal.contains(&holder), "{refusal}");
    let length = || fs::metadata(beside(&path, "-wal")).unwrap().len();
    assert!(length() < 48 << 20, "{}", length());
    until("the scorer names the reader", || fs::read_to_string(&output).unwrap().contains(&holder));
    thread::sleep(Duration::from_secs(if long() { 20 } else { 1 }));
    drop(reading);
    drop(reader);
    // Publishing resumes without a restart. Refused requests may have landed in part.
    until("it can be sent again", || send(sent, sent + 1000).0.success());
    sent += 1000;
    until("all are answered", || answered(&url, sent) == sent);
    until("the log is cut back", || length() < 8 << 20);
    let answers = Inspector::open(&path).unwrap().answers().unwrap() as usize;
    println!("reader forgotten: 1 times, {sent} requests, lost 0, doubled {}", answers - sent);
    assert_eq!(answers, sent);
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_log_left_by_a_crash_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let path = dir.path().join("delaycast.db");
    let wal = beside(&path, "-wal");
    let url = format!("sqlite:{}", path.display());
    // A log of 100 requests of a killed process.
    assert!(run(&["send", "-", "--log", &url], lines(0, 50).as_bytes()).0.success());
    let up = Up::start(dir.path());
    until("the first are answered", || answered(&url, 50) == 50);
    for _ in 0..50 {
        up.ask().unwrap();
    }
    until("all are answered", || Inspector::open(&path).unwrap().answers().unwrap() == 100);
    // Offsets are committed after the answers: a kill between them leaves an incomplete commit.
    let length = || fs::metadata(&wal).unwrap().len();
    until("nothing more is written", || {
        let before = length();
        thread::sleep(Duration::from_millis(300));
        length() == before
    });
    up.process.kill();
    let left = fs::read(&wal).unwrap();
    let files = || {
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let database = fs::read(&path).unwrap();
    let middle = 32 + (left.len() - 32) / (24 + 4096) / 2 * (24 + 4096);
    let flipped = {
        let mut bytes = left.clone();
        bytes[middle + 1000] ^= 1;
        bytes
    };
    let cases: [(&[u8], &str, bool); 3] = [
        (&left, "nothing is missing", true),
        (&left[..left.len() - 100], "an incomplete commit, which was not acknowledged", true),
        (&flipped, "is damaged", false),
    ];
    for (bytes, words, is_well) in cases {
        fs::write(&path, &database).unwrap();
        fs::write(&wal, bytes).unwrap();
        let before = files();
        let (status, stdout, stderr) = doctor(&path, dir.path());
        assert!(status == is_well && stdout.contains(words), "{words}: {stdout}{stderr}");
        assert!(files() == before && fs::read(&wal).unwrap() == bytes, "the doctor has changed something");
        let (_, _, stderr) = run(&["topics", "create", "--log", &url], b"");
        assert!(stderr.contains(words) && stderr.contains("WARN") != is_well, "{stderr}");
        // At the end the write-ahead log is in the file.
        assert!(!wal.exists());
        fs::write(beside(&path, "-shm"), "").unwrap();
    }
    println!("log left by a crash: {} times, 100 requests", cases.len());
}

#[test]
fn a_clean_stop_leaves_only_the_file() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let companions = || ["-wal", "-shm"].map(|suffix| beside(&path, suffix).exists());
    for round in 1..=3 {
        let up = Up::start(dir.path());
        let ids: Vec<String> = (0..5).map(|_| up.ask().unwrap()).collect();
        // A second process on the file ends first, and leaves the files of the first.
        let models = models().to_string_lossy();
        let other =
            Process::start(&["score", "--log", &format!("{url}?group=other"), "--store", &url, "--models", &models]);
        until("both groups have committed", || {
            let committed = Inspector::open(&path).unwrap().committed_offsets(TOPIC).unwrap();
            ["delaycast", "other"].iter().all(|group| {
                let next = committed.iter().filter(|it| it.group == *group).map(|it| it.next.0);
                next.sum::<u64>() == 5 * round
            })
        });
        assert_eq!(other.terminate(), Some(0));
        assert_eq!(companions(), [true, true]);
        until("all are answered", || ids.iter().all(|id| up.is_answered(id)));
        assert_eq!(up.process.terminate(), Some(0));
        assert_eq!(companions(), [false, false], "round {round}");
    }
    println!("clean stop: 3 times, 15 requests, lost 0");
}
