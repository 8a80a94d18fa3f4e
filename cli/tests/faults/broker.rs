//! Tests of brokers that are down or refuse the password.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    fixture::{ANSWERS, Fixture},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{Process, delaycast, long, models, request, until},
};

/// The pause of a visitor between an answer and the next question.
const ASK_PAUSE: Duration = Duration::from_millis(5);

fn outage() -> Duration {
    Duration::from_secs(if long() { 20 } else { 3 })
}

#[test]
fn a_broker_stopped_and_back() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let mut scorer = fixture.score(2);
    let load = Load::start(&fixture, 1500, 150);
    until("some are answered", || fixture.count(ANSWERS) > 100);
    servers.stop("kafka");
    thread::sleep(outage());
    assert!(scorer.is_running());
    servers.start("kafka");
    assert_promise("broker stopped", 1, &load.audit(&fixture));
    assert_eq!(scorer.terminate(), Some(0));
}

/// Sends a request as the page does. Returns the status, whether there is a Retry-After, and the body.
fn ask(base: &str) -> (u16, bool, Value) {
    let form = [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut reply = agent.post(format!("{base}flights/delays/predict/classify_realtime")).send_form(form).unwrap();
    let (status, retry) = (reply.status().as_u16(), reply.headers().contains_key("retry-after"));
    (status, retry, serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap())
}

/// Acknowledged requests are answered; others may be answered.
#[test]
fn a_broker_killed_with_unacknowledged_messages() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let scorer = fixture.score(2);
    let web = fixture.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let (status, _, first) = ask(&base);
    assert_eq!(status, 200, "{first}");
    let is_back = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..8)
        .map(|_| {
            let (base, is_back) = (base.clone(), Arc::clone(&is_back));
            thread::spawn(move || {
                let mut replies = Vec::new();
                while !is_back.load(Ordering::Acquire) {
                    replies.push(ask(&base));
                    thread::sleep(ASK_PAUSE);
                }
                replies
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(100));
    servers.kill("kafka");
    // Longer than the delivery timeout of a message, so that some are refused.
    thread::sleep(outage().max(Duration::from_secs(6)));
    servers.start("kafka");
    is_back.store(true, Ordering::Release);
    let replies: Vec<_> = askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
    let promised: Vec<&str> =
        replies.iter().filter(|(status, ..)| *status == 200).map(|(_, _, body)| body["id"].as_str().unwrap()).collect();
    let refused: Vec<_> = replies.iter().filter(|(status, ..)| *status != 200).collect();
    assert!(!refused.is_empty() && refused.iter().all(|(status, retry, _)| *status == 503 && *retry), "{refused:?}");
    until("all that was promised is committed", || fixture.uncommitted() == 0);
    for id in &promised {
        fixture.document(ANSWERS, id);
    }
    let answers = fixture.documents(ANSWERS).unwrap().len();
    println!(
        "broker killed: 1 times, {} asked, {} promised, {} told to ask again, lost 0, answered {answers}",
        replies.len() + 1,
        promised.len() + 1,
        refused.len(),
    );
    assert!((promised.len() + 1..=replies.len() + 1).contains(&answers), "{answers}");
    for process in [scorer, web] {
        assert_eq!(process_end(process), Some(0));
    }
}

fn process_end(process: Process) -> Option<i32> {
    process.terminate()
}

#[test]
fn a_wrong_password_is_reported_and_not_retried() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Fixture::at(&servers.kafka(), &servers.mongo(), 1);
    fixture.publish(&[(None, request("waits", 5.0))]);
    // The listener with passwords has the next port; see scripts/service/kafka.
    let url = |password: &str| {
        format!(
            "kafka://127.0.0.1:{}/{}?security.protocol=sasl_plaintext&sasl.mechanism=PLAIN&sasl.username=delaycast\
             &sasl.password={password}",
            servers.port("kafka") + 1,
            fixture.topic
        )
    };
    let (mut scorer, output) = fixture.score_from_with_output(&url("a-wrong-secret"), 1);
    until("it tells", || fs::read_to_string(&output).unwrap().contains("check the sasl parameters"));
    thread::sleep(Duration::from_secs(2));
    assert!(scorer.is_running(), "a person may be mending it");
    assert_eq!(scorer.terminate(), Some(0));
    let words = fs::read_to_string(&output).unwrap();
    assert!(!words.contains("a-wrong-secret"), "{words}");
    assert!(words.lines().count() < 20, "no flood of words: {words}");

    let models = models().to_string_lossy();
    let doctor = |log: &str| {
        let mut command = delaycast(&["doctor", "--log", log, "--store", &fixture.store, "--models", &models]);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, found) = doctor(&url("a-wrong-secret"));
    assert!(code == Some(1) && found.contains("Authentication") && !found.contains("a-wrong-secret"), "{found}");

    let (scorer, _) = fixture.score_from_with_output(&url("only-for-tests"), 1);
    fixture.document(ANSWERS, "waits");
    until("all is committed", || fixture.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    println!("wrong password: 1 times, 1 request, lost 0");
}
