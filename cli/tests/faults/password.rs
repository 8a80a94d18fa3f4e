//! A password that is wrong.

use std::{fs, time::Duration};

use crate::{
    place::{ANSWERS, Place},
    support::{delaycast, models, request, until},
    world::World,
};

#[test]
fn a_wrong_password_is_told_and_not_repeated() {
    let Some(world) = World::enter() else { return };
    let place = Place::at(&world.kafka(), &world.mongo(), 1);
    place.publish(&[(None, request("waits", 5.0))]);
    // The listener with passwords is the next port; see scripts/service/kafka.
    let url = |password: &str| {
        format!(
            "kafka://127.0.0.1:{}/{}?security.protocol=sasl_plaintext&sasl.mechanism=PLAIN&sasl.username=delaycast\
             &sasl.password={password}",
            world.port("kafka") + 1,
            place.topic
        )
    };
    let (mut scorer, said) = place.score_from_with_its_words(&url("a-wrong-secret"), 1);
    until("it tells", || fs::read_to_string(&said).unwrap().contains("check the sasl parameters"));
    std::thread::sleep(Duration::from_secs(2));
    assert!(scorer.is_running(), "a person may be mending it");
    assert_eq!(scorer.terminate(), Some(0));
    let words = fs::read_to_string(&said).unwrap();
    assert!(!words.contains("a-wrong-secret"), "{words}");
    assert!(words.lines().count() < 20, "no flood of words: {words}");

    let models = models().to_string_lossy();
    let doctor = |log: &str| {
        let mut command = delaycast(&["doctor", "--log", log, "--store", &place.store, "--models", &models]);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, found) = doctor(&url("a-wrong-secret"));
    assert!(code == Some(1) && found.contains("Authentication") && !found.contains("a-wrong-secret"), "{found}");

    let (scorer, _) = place.score_from_with_its_words(&url("only-for-tests"), 1);
    place.document(ANSWERS, "waits");
    until("all is committed", || place.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    println!("wrong password: 1 times, 1 request, lost 0");
}
