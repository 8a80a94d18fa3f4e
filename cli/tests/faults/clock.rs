//! The clock steps back by an hour, under the scorer: a library loaded before the system's own answers for it.

use std::{fs, path::Path, process::Command, sync::Arc};

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place},
    support::{Process, delaycast, models, until},
    world::World,
};

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    const char *back = getenv("CLOCK_IS_BACK");
    if (!failed && id == CLOCK_REALTIME && back && access(back, F_OK) == 0) now->tv_sec -= 3600;
    return failed;
}
"#;

#[test]
fn a_clock_that_steps_back_an_hour() {
    let Some(world) = World::enter() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    fs::write(path("shim.c"), SHIM).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o", &path("shim.so"), &path("shim.c"), "-ldl"]).status();
    assert!(built.unwrap().success());

    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let (log, models) = (place.log(), models().to_string_lossy());
    let arguments = ["score", "--log", &log, "--store", &place.store, "--models", &models];
    let mut command = delaycast(&arguments);
    command.env("LD_PRELOAD", path("shim.so")).env("CLOCK_IS_BACK", path("back"));
    let scorer = Process::spawn(&mut command);
    let load = Load::start(&place, 1000, 250);
    until("it is at work", || place.count(ANSWERS) > 100);
    fs::write(path("back"), "").unwrap();
    until("it goes on", || place.count(ANSWERS) > 600);
    // And forward again.
    fs::remove_file(Path::new(&path("back"))).unwrap();
    promise("clock stepped", 2, &load.account(&place));
    let documents = place.documents(ANSWERS).unwrap();
    let mut times: Vec<i64> =
        documents.iter().map(|document| document.get_datetime("ScoredAt").unwrap().timestamp_millis()).collect();
    times.sort_unstable();
    assert!(times[times.len() - 1] - times[0] > 3_500_000, "the clock did step");
    assert_eq!(scorer.terminate(), Some(0));
}
