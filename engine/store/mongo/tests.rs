//! The MongoDB store against the promises of every store. They need a server: `MONGO_URL` names it, as in
//! `mongodb://127.0.0.1:27017`, and each test has a database of its own there, which it drops.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Instant,
};

use mongodb::bson::{self, oid::ObjectId};

use super::{calls::INDEX, takeover::Examined, *};
use crate::{
    store::{
        self, Entry, Outcome,
        promises::{self, answer},
    },
    testing::Toy,
};

const ANSWERS: &str = Toy::COLLECTIONS.answers;
const REFERENCE: &str = "toy_distances";

/// A database that is dropped in the end.
struct Place {
    url: String,
    calls: Arc<Calls>,
}

impl Place {
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("MONGO_URL") else {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_SERVICES").is_none(), "MONGO_URL names no MongoDB");
            println!("skipped: MONGO_URL names no MongoDB to test with");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/test_{}_{number}", server.trim_end_matches('/'), std::process::id());
        let MongoStore::<Toy> { calls, .. } = MongoStore::open(&url).unwrap();
        Some(Place { url, calls })
    }

    fn store(&self) -> Arc<dyn Store<Toy>> {
        store::open(&self.url).unwrap()
    }

    fn run(&self, command: bson::Document) -> bson::Document {
        self.calls.call("the test", INDEX, |database| async move { database.run_command(command).await }).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.run(doc! { "dropDatabase": 1 });
    }
}

#[test]
fn promise_1_the_first_answer_wins() {
    let Some(place) = Place::new() else { return };
    promises::promise_1_the_first_answer_wins(&*place.store());
}

/// What is refused for good depends on the server's rules for the collection: here, a validator.
#[test]
fn promise_2_a_refused_row_is_named_and_the_others_land() {
    let Some(place) = Place::new() else { return };
    let validated = doc! { "create": ANSWERS, "validator": { "ModelVersion": { "$ne": "bad" } } };
    let made = place.calls.call("", INDEX, |database| async move { database.run_command(validated).await });
    if made.is_err() {
        println!("skipped: this server has no validators");
        return;
    }
    promises::promise_2_a_refused_row_is_named_and_the_others_land(&*place.store(), answer("0", "bad"));
}

#[test]
fn promise_6_what_a_shadow_says_is_kept_apart() {
    let Some(place) = Place::new() else { return };
    promises::promise_6_what_a_shadow_says_is_kept_apart(&*place.store());
}

#[test]
fn promise_3_a_prediction_outranks_a_rejection() {
    let Some(place) = Place::new() else { return };
    promises::promise_3_a_prediction_outranks_a_rejection(&*place.store());
}

#[test]
fn promise_4_answers_have_an_index_on_uuid_that_is_not_unique() {
    let Some(place) = Place::new() else { return };
    let store = place.store();
    let _writers = (store.answers().unwrap(), store.answers().unwrap());
    let indexes = place.run(doc! { "listIndexes": ANSWERS });
    let indexes = indexes.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let index =
        indexes.iter().filter_map(bson::Bson::as_document).find(|index| index.get_str("name").unwrap() == "UUID_1");
    assert!(!index.unwrap().get_bool("unique").unwrap_or(false));
}

#[test]
fn promise_5_a_tail_yields_every_answer_since_a_moment_once() {
    let Some(place) = Place::new() else { return };
    promises::promise_5_a_tail_yields_every_answer_since_a_moment_once(&*place.store());
}

#[test]
fn documents_have_the_types_of_the_contract() {
    let Some(place) = Place::new() else { return };
    place.store().answers().unwrap().write(&[answer("a", "m")]).unwrap();
    let found = place.run(doc! { "find": ANSWERS, "filter": { "_id": "a" } });
    let found = found.get_document("cursor").unwrap().get_array("firstBatch").unwrap()[0].as_document().unwrap();
    assert!(found.get_i32("Size").is_ok() && found.get_f64("Prediction").is_ok());
    assert_eq!(found.get_datetime("Made").unwrap().timestamp_millis(), 1_482_624_000_000);
    assert_eq!((found.get_str("UUID").unwrap(), found.get("Remark")), ("a", Some(&bson::Bson::Null)));
    assert_eq!(found.get_array("Weights").unwrap().len(), 4);
}

#[test]
fn answers_of_the_old_job_are_found_by_their_uuid() {
    let Some(place) = Place::new() else { return };
    let old =
        doc! { "_id": ObjectId::parse_str("6b04f9a1c0ffee0123456789").unwrap(), "UUID": "old", "Prediction": 2.0 };
    place.run(doc! { "insert": ANSWERS, "documents": [old] });
    let Some(Outcome::Answered(found)) = place.store().lookup().unwrap().find("old").unwrap() else { panic!() };
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(text, r#"{"_id":{"$oid":"6b04f9a1c0ffee0123456789"},"UUID":"old","Prediction":2.0}"#);
}

/// A document as the old job wrote it, at a second.
fn old_answer(uuid: &str, second: u32, prediction: f64) -> bson::Document {
    let mut id = [7; 12];
    id[..4].copy_from_slice(&second.to_be_bytes());
    doc! { "_id": ObjectId::from_bytes(id), "UUID": uuid, "Prediction": prediction }
}

fn prediction(outcome: Option<Outcome>) -> f64 {
    let Some(Outcome::Answered(found)) = outcome else { panic!("{outcome:?}") };
    found["Prediction"].as_f64().unwrap()
}

impl Place {
    fn insert(&self, documents: Vec<bson::Document>) {
        let reply = self.run(doc! { "insert": ANSWERS, "documents": documents });
        assert!(!reply.contains_key("writeErrors"), "{reply}");
    }

    fn count(&self, filter: bson::Document) -> i32 {
        self.run(doc! { "count": ANSWERS, "query": filter }).get_i32("n").unwrap()
    }

    /// The store with a parameter.
    fn store_with(&self, parameter: &str) -> Arc<dyn Store<Toy>> {
        store::open(&format!("{}?{parameter}", self.url)).unwrap()
    }
}

/// Rules 1, 2, 4 and 5 of the takeover.
#[test]
fn an_answer_of_the_old_job_stands_and_no_second_one_is_written() {
    let Some(place) = Place::new() else { return };
    // Twice under one UUID, the later one first: the old job had no idempotence.
    place.insert(vec![old_answer("old", 1_600_000_001, 3.0), old_answer("old", 1_600_000_000, 1.0)]);
    place.insert(vec![old_answer("older", 1_500_000_000, 0.0)]);
    let store = place.store();
    let (mut answers, mut rejections, lookup) =
        (store.answers().unwrap(), store.rejections().unwrap(), store.lookup().unwrap());
    assert_eq!(prediction(lookup.find("old").unwrap()), 1.0);
    let rows = [answer("new", "m"), answer("old", "m"), answer("older", "m"), answer("new", "again")];
    for _ in 0..2 {
        assert_eq!(answers.write(&rows), Ok(vec![]));
        assert_eq!(rejections.write(&[promises::rejection("old", "why")]), Ok(vec![]));
        let found = ["old", "older", "new"].map(|id| prediction(lookup.find(id).unwrap()));
        assert_eq!(found, [1.0, 0.0, 2.0]);
        let counts = ["old", "older", "new"].map(|id| place.count(doc! { "UUID": id }));
        assert_eq!(counts, [2, 1, 1]);
    }
}

/// Rule 3 of the takeover.
#[test]
fn a_takeover_can_be_switched_off_and_on() {
    let Some(place) = Place::new() else { return };
    place.insert(vec![old_answer("a", 1_600_000_000, 0.0)]);
    assert_eq!(place.store_with("takeover=off").answers().unwrap().write(&[answer("a", "m")]), Ok(vec![]));
    assert_eq!(place.count(doc! { "UUID": "a" }), 2, "it was told not to look");
    // Rule 5: what was visible stays, for everybody.
    for parameter in ["takeover=off", "takeover=auto", "takeover=on"] {
        assert_eq!(prediction(place.store_with(parameter).lookup().unwrap().find("a").unwrap()), 0.0, "{parameter}");
    }

    // A query for other types does not find answers that were copied with strings for ids.
    place.run(doc! { "delete": ANSWERS, "deletes": [{ "q": {}, "limit": 0 }] });
    place.insert(vec![doc! { "_id": "6b04f9a1c0ffee0123456789", "UUID": "b", "Prediction": 0.0 }]);
    assert_eq!(place.store_with("takeover=on").answers().unwrap().write(&[answer("b", "m")]), Ok(vec![]));
    assert_eq!(place.count(doc! { "UUID": "b" }), 1);
}

/// Rule 2 of the takeover.
#[test]
fn documents_of_another_system_are_told_from_ours() {
    let Some(place) = Place::new() else { return };
    let examined = || {
        let examine = |database| async move { takeover::examine(&database, ANSWERS).await };
        place.calls.call("the test", INDEX, examine).unwrap()
    };
    assert_eq!(examined(), Examined::None);
    place.insert(vec![doc! { "_id": "" }, doc! { "_id": "a" }, doc! { "_id": "\u{10ffff}" }]);
    assert_eq!(examined(), Examined::None);
    let ids =
        [bson::Bson::Int32(1), ObjectId::new().into(), bson::Bson::Null, bson::Bson::Boolean(true), doc! {}.into()];
    for id in ids {
        place.insert(vec![doc! { "_id": &id }]);
        assert_eq!(examined(), Examined::Some, "{id}");
        place.run(doc! { "delete": ANSWERS, "deletes": [{ "q": { "_id": &id }, "limit": 1 }] });
        assert_eq!(examined(), Examined::None, "{id}");
    }
}

/// The server here does not say which index a duplicate is of.
#[test]
fn a_duplicate_of_another_unique_index_is_refused() {
    let Some(place) = Place::new() else { return };
    let index = doc! { "key": { "Colour": 1, "ModelVersion": 1 }, "name": "one_a_model", "unique": true };
    place.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    let store = place.store();
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let rows = [answer("first", "m"), answer("second", "m"), answer("third", "n")];
    // Again as after a restart: those that have landed are duplicates of both indexes.
    for _ in 0..2 {
        let refusals = answers.write(&rows).unwrap();
        assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
        let reason = &refusals[0].reason;
        assert!(reason.contains("unique index") && !reason.contains("second") && !reason.contains("red"), "{reason}");
        assert!(lookup.find("first").unwrap().is_some() && lookup.find("third").unwrap().is_some());
        assert_eq!(lookup.find("second").unwrap(), None);
    }
}

/// The document under the UUID is the answer, also where takeovers are switched off.
#[test]
fn a_duplicate_of_a_unique_index_on_uuid_has_its_answer() {
    let Some(place) = Place::new() else { return };
    let index = doc! { "key": { "UUID": 1 }, "name": "UUID_unique", "unique": true };
    place.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    place.insert(vec![old_answer("a", 1_600_000_000, 0.0)]);
    let store = place.store_with("takeover=off");
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    assert_eq!(answers.write(&[answer("a", "m"), answer("b", "m")]), Ok(vec![]));
    assert_eq!([prediction(lookup.find("a").unwrap()), prediction(lookup.find("b").unwrap())], [0.0, 2.0]);
    assert_eq!(place.count(doc! { "UUID": "a" }), 1);
}

#[test]
fn a_url_with_a_collection_or_with_srv_is_refused_and_says_what_to_write() {
    for (url, said) in [
        ("mongodb://127.0.0.1/toys.toy_answers", "leave out the dot"),
        ("mongodb+srv://me:s3cr3t@cluster0.example.net/toys", "list the hosts"),
    ] {
        let error = store::open::<Toy>(url).map(drop).unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn more_rows_than_go_into_one_command_land_and_land_again() {
    let Some(place) = Place::new() else { return };
    let (store, count) = (place.store(), 3000);
    let rows: Vec<_> = (0..count).map(|n| answer(&format!("{n}"), &"m".repeat(4000))).collect();
    let mut answers = store.answers().unwrap();
    for _ in 0..2 {
        assert_eq!(answers.write(&rows), Ok(vec![]));
        assert_eq!(place.run(doc! { "count": ANSWERS }).get_i32("n").unwrap(), count);
    }
}

#[test]
fn a_reference_table_takes_up_that_of_the_old_system() {
    let Some(place) = Place::new() else { return };
    let table = place.store().reference().unwrap();
    assert_eq!(table.read(10).unwrap(), []);
    let old = [
        doc! { "_id": ObjectId::new(), "From": "a", "To": "b", "Distance": 21.0 },
        doc! { "_id": ObjectId::new(), "From": "c", "To": "b", "Distance": 2000_i32 },
    ];
    place.run(doc! { "insert": REFERENCE, "documents": old.to_vec() });
    let entry = |from: &str, value| Entry { key: vec![from.to_owned(), "b".to_owned()], value };
    // More than FerretDB takes in one update, and more than one insert.
    let made: Vec<_> = (0..1500).map(|n| entry(&format!("O{n}"), 100.0 + f64::from(n))).collect();
    made.chunks(1000).for_each(|some| table.insert(some).unwrap());
    let value = |from: &str| {
        let documents = table.read(10_000).unwrap();
        documents.iter().find(|document| document["From"] == from).unwrap()["Distance"].as_f64().unwrap()
    };
    assert_eq!((value("a"), value("c"), value("O0"), value("O1499")), (21.0, 2000.0, 100.0, 1599.0));
    table.update(&[entry("c", 2139.0)]).unwrap();
    let longer = made[..130].iter().map(|Entry { key, value }| Entry { key: key.clone(), value: value + 0.5 });
    table.update(&longer.collect::<Vec<_>>()).unwrap();
    assert_eq!((value("a"), value("c"), value("O129"), value("O130")), (21.0, 2139.0, 229.5, 230.0));
    assert_eq!((table.read(3).unwrap().len(), table.read(2000).unwrap().len()), (3, 1502));
    // Another process was faster: its row stays.
    table.insert(&[entry("O0", 1.0)]).unwrap();
    assert_eq!(value("O0"), 100.5);
}

#[test]
fn a_store_that_is_not_there_is_said_so_within_the_limits() {
    let store = store::open::<Toy>("mongodb://127.0.0.1:1").unwrap();
    assert_eq!(store.describe(), "database toys at mongodb://127.0.0.1:1");
    let start = Instant::now();
    let error = store.lookup().unwrap().find("a").unwrap_err();
    assert!(!error.needs_operator && error.reason.contains("127.0.0.1:1"), "{error}");
    assert!(store.answers().is_err_and(|error| error.reason.contains("index UUID_1")));
    assert!(store.rejections().unwrap().write(&[promises::rejection("a", "why")]).is_err());
    assert!(start.elapsed() < INDEX);
}

/// A server that takes connections and never says a word.
#[test]
fn a_silent_server_does_not_hang_its_callers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store::open::<Toy>(&format!("mongodb://{}", silent.local_addr().unwrap())).unwrap();
    let start = Instant::now();
    assert!(!store.lookup().unwrap().find("a").unwrap_err().needs_operator);
    assert!(start.elapsed() < INDEX);
}

/// A server that falls silent while it is asked, and one that has come back.
#[test]
fn a_server_that_falls_silent_is_given_up_and_found_again() {
    let Some(place) = Place::new() else { return };
    let Some((before, database)) = place.url.rsplit_once('/') else { panic!("{}", place.url) };
    let server = before.trim_start_matches("mongodb://").to_owned();
    let silent = Arc::new(AtomicBool::new(false));
    let url = format!("mongodb://{}/{database}?directConnection=true", proxy(server, Arc::clone(&silent)));
    let store = store::open::<Toy>(&url).unwrap();
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    assert_eq!(answers.write(&[answer("a", "first")]), Ok(vec![]));
    silent.store(true, Ordering::Release);
    let start = Instant::now();
    let error = lookup.find("a").unwrap_err();
    assert!(!error.needs_operator && start.elapsed() < 2 * lookup::FIND, "{error}");
    assert!(answers.write(&[answer("a", "second"), answer("b", "second")]).is_err());
    silent.store(false, Ordering::Release);
    while let Err(error) = answers.write(&[answer("a", "third"), answer("b", "third")]) {
        assert!(start.elapsed() < 2 * INDEX, "{error}");
    }
    let Some(Outcome::Answered(found)) = lookup.find("a").unwrap() else { panic!() };
    assert_eq!(found["ModelVersion"], "first");
    assert!(lookup.find("b").unwrap().is_some());
}

/// Passes bytes on to a server, and swallows them while `silent`. Returns its address.
fn proxy(server: String, silent: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(&server).unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                let silent = Arc::clone(&silent);
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    // A connection that was silent once has lost bytes, and stays so.
                    let mut lost = false;
                    while let Ok(count @ 1..) = from.read(&mut bytes) {
                        lost |= silent.load(Ordering::Acquire);
                        if !lost && to.write_all(&bytes[..count]).is_err() {
                            return;
                        }
                    }
                });
            }
        }
    });
    address
}
