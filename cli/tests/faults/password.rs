//! Tests of a wrong password.

use std::{fs, time::Duration};

use crate::{
    fixture::{ANSWERS, Fixture},
    servers::ExclusiveServers,
    support::{delaycast, models, request, until},
};

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
    std::thread::sleep(Duration::from_secs(2));
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
