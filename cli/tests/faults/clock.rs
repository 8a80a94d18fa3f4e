//! Tests of a clock that is set under a running system, by a preloaded library.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    fixture::{ANSWERS, Fixture},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{Process, delaycast, give_models, long, models, request, run, until},
};

/// The library adds the seconds in the file that CLOCK_IS_WRONG names.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    const char *wrong = getenv("CLOCK_IS_WRONG");
    int file = !failed && id == CLOCK_REALTIME && wrong ? open(wrong, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        char text[32] = {0};
        if (read(file, text, 31) > 0) now->tv_sec += atoll(text);
        close(file);
    }
    return failed;
}
"#;

/// A clock that the test sets, for processes that are started with it.
struct SetClock {
    shim: PathBuf,
    wrong: PathBuf,
}

impl SetClock {
    fn build(dir: &Path) -> Self {
        let (source, shim) = (dir.join("shim.c"), dir.join("shim.so"));
        fs::write(&source, SHIM).unwrap();
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).arg("-ldl");
        assert!(build.status().unwrap().success());
        SetClock { shim, wrong: dir.join("wrong") }
    }

    fn under<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_PRELOAD", &self.shim).env("CLOCK_IS_WRONG", &self.wrong)
    }

    /// Sets the offset atomically.
    fn set(&self, wrong_s: i64) {
        let new = self.wrong.with_extension("new");
        fs::write(&new, wrong_s.to_string()).unwrap();
        fs::rename(new, &self.wrong).unwrap();
    }
}

#[test]
fn a_clock_that_steps_back_an_hour() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let dir = tempfile::tempdir().unwrap();
    let clock = SetClock::build(dir.path());

    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let (log, models) = (fixture.log(), models().to_string_lossy());
    let arguments = ["score", "--log", &log, "--store", &fixture.store, "--models", &models];
    let mut command = delaycast(&arguments);
    let scorer = Process::spawn(clock.under(&mut command));
    let load = Load::start(&fixture, 1000, 250);
    until("it is at work", || fixture.count(ANSWERS) > 100);
    clock.set(-3600);
    until("it goes on", || fixture.count(ANSWERS) > 600);
    // The clock steps forward again.
    clock.set(0);
    assert_promise("clock stepped", 2, &load.audit(&fixture));
    let documents = fixture.documents(ANSWERS).unwrap();
    let mut times: Vec<i64> =
        documents.iter().map(|document| document.get_datetime("ScoredAt").unwrap().timestamp_millis()).collect();
    times.sort_unstable();
    assert!(times[times.len() - 1] - times[0] > 3_500_000, "the clock did step");
    assert_eq!(scorer.terminate(), Some(0));
}

const DAY_S: i64 = 24 * 3600;

/// Returns the offset of a clock that shows this time.
fn offset_to(seconds: i64) -> i64 {
    seconds - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(url).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// The system runs on the embedded file, with a clock that is set 40 days ahead, 40 days back, before 1970 and beyond
/// 2262. In the long run each setting exceeds the interval of the retention.
#[test]
fn a_clock_set_to_any_time() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let clock = SetClock::build(dir.path());
    clock.set(0);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (at, health) = (dir.path().to_string_lossy(), port.to_string());
    let output = dir.path().join("said");
    let mut command = delaycast(&["up", "--dir", &at, "--port", "0", "--health", &health]);
    let up = Process::spawn(clock.under(command.stderr(fs::File::create(&output).unwrap())));
    let base = up.line_after("delaycast is ready: ");
    let url = format!("sqlite:{at}/delaycast.db");
    // Returns answers, dead letters, and whether the delay behind the log is known and short.
    let counted = || -> (u64, u64, bool) {
        let operations: Value = serde_json::from_str(&get(&format!("{base}ops.json")).1).unwrap();
        let total = |of: &str| operations[of]["total"].as_u64().unwrap();
        (
            total("answers"),
            total("dead_letters"),
            operations["behind_s"].as_u64().is_some_and(|behind_s| behind_s < 600),
        )
    };
    let steps = [0, 40 * DAY_S, 0, -40 * DAY_S, offset_to(-2 * DAY_S), offset_to(1 << 34), -1700 * 365 * DAY_S, 0];
    for (wrong_s, n) in steps.into_iter().zip(1u64..) {
        clock.set(wrong_s);
        let lines = format!("{}\n{{\"UUID\":\"bad-{n}\",\"Carrier\":\"AA\"}}\n", request(&format!("good-{n}"), 5.0));
        let (status, _, stderr) = run(&["send", "-", "--log", &url], lines.as_bytes());
        assert!(status.success(), "{stderr}");
        until("both are counted", || counted() == (n, n, true));
        let (status, ready) = get(&format!("http://{health}/readyz"));
        let is_within = (0..(1i64 << 33)).contains(&(offset_to(0).saturating_neg() + wrong_s));
        assert_eq!(
            (status, ready.contains("the clock of this machine says")),
            if is_within { (200, false) } else { (503, true) }
        );
        assert_eq!(get(&format!("http://{health}/livez")).0, 200);
        thread::sleep(Duration::from_secs(if long() { 75 } else { 0 }));
        let database = rusqlite::Connection::open(dir.path().join("delaycast.db")).unwrap();
        let count = |table: &str| -> i64 {
            database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        assert_eq!(
            ["messages", "answers", "dead_letters", "rejections"].map(count),
            [2, 1, 1, 1].map(|times| times * n.cast_signed())
        );
    }
    println!("clock set: {} times, {} requests, lost 0, deleted too early 0", steps.len(), 2 * steps.len());
    assert_eq!(up.terminate(), Some(0));
    let output = fs::read_to_string(&output).unwrap();
    assert!(!output.contains("panicked"), "{output}");
    assert!(!long() || output.contains("the clock was set: it says "), "{output}");
}

#[test]
fn a_clock_out_of_bounds_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, at) = (SetClock::build(dir.path()), dir.path().to_string_lossy().into_owned());
    let url = format!("sqlite:{at}/delaycast.db");
    let wrong_clocks =
        [(offset_to(-2 * DAY_S), "1969-12-"), (offset_to(1 << 34), "2514-"), (i64::MAX / 2, " s from 1970 on")];
    for (wrong_s, told) in wrong_clocks {
        clock.set(wrong_s);
        let on_log = ["--log", &url, "--store", &url, "--models", &at];
        let commands: [Vec<&str>; 5] = [
            vec!["up", "--dir", &at, "--port", "0"],
            [&["score"][..], &on_log].concat(),
            [&["web", "--port", "0"][..], &on_log].concat(),
            vec!["train", "--models", &at],
            [&["doctor"][..], &on_log].concat(),
        ];
        for arguments in commands {
            let output = clock.under(&mut delaycast(&arguments)).output().unwrap();
            let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
            assert!(text.contains("the clock of this machine says") && text.contains(told), "{arguments:?}: {text}");
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}
