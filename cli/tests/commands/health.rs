//! Tests of `--health` over HTTP while the binary starts, works and waits.

use std::net::TcpListener;

use chrono::Utc;
use delaycast::model::ModelDir;

use crate::support::{Process, delaycast, give_models, models, request, run, until};

/// Returns an address with a port that was free just now.
pub(crate) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Returns status and body; `None` while no process listens.
pub(crate) fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let url = format!("http://{address}{path}");
    let mut response = ureq::get(url).config().http_status_as_error(false).build().call().ok()?;
    Some((response.status().as_u16(), response.body_mut().read_to_string().unwrap()))
}

pub(crate) fn until_ready(address: &str) {
    until("it is ready", || get(address, "/readyz") == Some((200, "ok\n".into())));
    assert_eq!(get(address, "/livez"), Some((200, "ok\n".into())));
}

/// Returns the value of a series; `None` if it is not there.
pub(crate) fn metric(address: &str, series: &str) -> Option<f64> {
    let (_, text) = get(address, "/metrics")?;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn a_scorer_is_ready_counts_and_binds_its_port_first() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let (models, address) = (models().to_string_lossy(), free_address());
    let arguments = ["score", "--log", &url, "--store", &url, "--models", &models, "--health", &address];
    let scorer = Process::start(&arguments);
    until_ready(&address);
    let lines = format!("{}\nnot a request\n", request("one", 5.0));
    assert!(run(&["send", "-", "--log", &url], lines.as_bytes()).0.success());
    until("both are processed", || {
        metric(&address, "delaycast_landed_answers_total") == Some(1.0)
            && metric(&address, "delaycast_dead_letters_total{reason=\"not_json\"}") == Some(1.0)
            && metric(&address, "delaycast_in_flight_records") == Some(0.0)
    });
    assert_eq!(metric(&address, "delaycast_latency_seconds_count"), Some(1.0));
    assert!(metric(&address, "process_resident_memory_bytes").unwrap() > 1e6);
    assert_eq!(get(&address, "/").unwrap().0, 404);

    // The port is bound before the model directory is opened.
    let (status, _, stderr) = run(&["score", "--models", "/nowhere", "--health", &address], b"");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains(&address) && !stderr.contains("nowhere"), "{stderr}");
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_scorer_without_its_log_is_live_and_names_its_outage() {
    let dir = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let (models, address, unused) = (models().to_string_lossy(), free_address(), free_address());
    let log = format!("kafka://{unused}/requests");
    let arguments = ["score", "--log", &log, "--store", &store, "--models", &models, "--health", &address];
    let scorer = Process::spawn(delaycast(&arguments).env("DELAYCAST_LOG_LEVEL", "error"));
    let expected = ["the log ", "workers: not started"];
    until("it waits for the log alone", || {
        let Some((503, lines)) = get(&address, "/readyz") else { return false };
        lines.lines().count() == expected.len() && expected.iter().all(|line| lines.contains(line))
    });
    assert_eq!(get(&address, "/livez"), Some((200, "ok\n".into())));
    assert!(metric(&address, "delaycast_outage_seconds{dependency=\"log\"}").unwrap() > 0.0);
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn score_and_web_wait_for_a_first_model() {
    let dir = tempfile::tempdir().unwrap();
    let (at, url) = (dir.path().join("models"), format!("sqlite:{}", dir.path().join("delaycast.db").display()));
    let common = ["--log", &url, "--store", &url, "--models", &at.to_string_lossy()].map(str::to_owned);
    let start = |role: &[&str], health: &str| {
        let mut arguments: Vec<&str> = role.to_vec();
        arguments.extend(common.iter().map(String::as_str));
        Process::start(&[&arguments[..], &["--health", health]].concat())
    };
    let (score_health, web_health) = (free_address(), free_address());
    let processes = [start(&["score"], &score_health), start(&["web", "--port", "0"], &web_health)];
    for address in [&score_health, &web_health] {
        until("it waits for a model", || {
            get(address, "/readyz").is_some_and(|(status, text)| status == 503 && text.contains("model: no model in "))
        });
        assert_eq!(get(address, "/livez"), Some((200, "ok\n".into())));
    }
    // Not copied: a copy is not complete before `current` names it.
    let published = ModelDir::new(models()).load_current().unwrap().model;
    ModelDir::new(&at).publish(published, Utc::now()).unwrap();
    until_ready(&score_health);
    until_ready(&web_health);
    assert!(run(&["send", "-", "--log", &url], request("one", 5.0).as_bytes()).0.success());
    until("it is answered", || metric(&score_health, "delaycast_landed_answers_total") == Some(1.0));
    for process in processes {
        assert_eq!(process.terminate(), Some(0));
    }
}

#[test]
fn a_stop_while_a_first_model_is_awaited_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let (models, address) = (dir.path().to_string_lossy(), free_address());
    let url = format!("sqlite:{models}/delaycast.db");
    let arguments = ["score", "--log", &url, "--store", &url, "--models", &models, "--health", &address];
    let scorer = Process::start(&arguments);
    until("it waits", || get(&address, "/readyz").is_some_and(|(_, text)| text.contains("model: no model in ")));
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn up_and_web_report_readiness() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let (at, address) = (dir.path().to_string_lossy(), free_address());
    let up = Process::start(&["up", "--port", "0", "--dir", &at, "--health", &address]);
    until_ready(&address);
    assert_eq!(metric(&address, "delaycast_in_flight_records"), Some(0.0));

    let (url, models, other) = (format!("sqlite:{at}/delaycast.db"), format!("{at}/models"), free_address());
    let arguments = ["web", "--port", "0", "--log", &url, "--store", &url, "--models", &models, "--health", &other];
    let web = Process::start(&arguments);
    until_ready(&other);
    assert_eq!(metric(&other, "delaycast_outage_seconds{dependency=\"store\"}"), Some(0.0));
    assert_eq!(metric(&other, "delaycast_in_flight_records"), None);
    assert_eq!(web.terminate(), Some(0));
    assert_eq!(up.terminate(), Some(0));
}
