//! The conformance suite of stores on MongoDB. It needs a server: `MONGO_URL` names it, as in
//! `mongodb://127.0.0.1:27017`. Each test has its own database there, and drops it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Instant,
};

use mongodb::bson::{self, Bson, oid::ObjectId};

use super::{client::INDEX_TIMEOUT, takeover::OtherDocuments, *};
use crate::{
    batch::Place,
    store::{self, Entry, Outcome, promises},
    testing::{Toy, answer},
};

const ANSWERS: &str = Toy::COLLECTIONS.answers;
const REFERENCE: &str = "toy_distances";

/// A database that is dropped at the end.
struct TestDatabase {
    url: String,
    client: Arc<MongoClient>,
}

impl TestDatabase {
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("MONGO_URL") else {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_SERVICES").is_none(), "MONGO_URL names no MongoDB");
            println!("skipped: MONGO_URL names no MongoDB to test with");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/test_{}_{number}", server.trim_end_matches('/'), std::process::id());
        let MongoStore::<Toy> { client, .. } = MongoStore::open(&url).unwrap();
        Some(TestDatabase { url, client })
    }

    fn store(&self) -> Arc<dyn Store<Toy>> {
        store::open(&self.url).unwrap()
    }

    fn run(&self, command: bson::Document) -> bson::Document {
        self.client
            .call("the test", INDEX_TIMEOUT, |database| async move { database.run_command(command).await })
            .unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.run(doc! { "dropDatabase": 1 });
    }
}

#[test]
fn promise_1_the_first_answer_wins() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_1_the_first_answer_wins(&*db.store());
}

/// The server's rules for the collection, here a validator, refuse a row for good.
#[test]
fn promise_2_a_refused_row_is_named_and_the_others_land() {
    let Some(db) = TestDatabase::new() else { return };
    let validated = doc! { "create": ANSWERS, "validator": { "ModelVersion": { "$ne": "bad" } } };
    let made = db.client.call("", INDEX_TIMEOUT, |database| async move { database.run_command(validated).await });
    if made.is_err() {
        println!("skipped: this server has no validators");
        return;
    }
    promises::promise_2_a_refused_row_is_named_and_the_others_land(&*db.store(), answer("0", "bad"));
}

#[test]
fn promise_6_shadow_answers_are_kept_apart() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_6_shadow_answers_are_kept_apart(&*db.store());
}

#[test]
fn promise_7_versions_are_kept_apart_and_the_first_of_a_number_wins() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_7_versions_are_kept_apart_and_the_first_of_a_number_wins(&*db.store());
}

#[test]
fn promise_7_a_followed_request_is_recorded_until_its_last_version() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_7_a_followed_request_is_recorded_until_its_last_version(&*db.store());
}

#[test]
fn promise_8_the_first_task_and_the_first_result_of_an_id_win() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_8_the_first_task_and_the_first_result_of_an_id_win(&*db.store());
}

#[test]
fn promise_8_pages_of_a_day_yield_each_row_once() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_8_pages_of_a_day_yield_each_row_once(&*db.store());
}

/// The old front end's task has an ObjectId and no UUID.
#[test]
fn a_task_of_the_old_front_end_goes_by_its_object_id() {
    let Some(db) = TestDatabase::new() else { return };
    let stamp = "2026-11-28T13:41:32.246003";
    let id = ObjectId::parse_str("6b04f9a1c0ffee0123456789").unwrap();
    let old = doc! { "_id": id, "Asked": stamp, "DepDelay": 5.0, "FlightNum": Bson::Null, "DayOfWeek": 6_i32 };
    db.run(doc! { "insert": "toy_tasks", "documents": [old] });
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
    let tasks = db.store().batches().unwrap().tasks(day, &Place::default(), 10).unwrap();
    let expected = serde_json::json!({
        "Asked": stamp, "DepDelay": 5.0, "FlightNum": null, "DayOfWeek": 6, "UUID": id.to_hex(),
    });
    assert_eq!((tasks.len(), &tasks[0].id, &tasks[0].stamp), (1, &id.to_hex(), &stamp.to_owned()));
    assert_eq!(serde_json::Value::Object(tasks[0].message.clone()), expected);
}

#[test]
fn promise_3_a_prediction_outranks_a_rejection() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_3_a_prediction_outranks_a_rejection(&*db.store());
}

#[test]
fn promise_4_answers_have_an_index_on_uuid_that_is_not_unique() {
    let Some(db) = TestDatabase::new() else { return };
    let store = db.store();
    let _writers = (store.answers().unwrap(), store.answers().unwrap());
    let indexes = db.run(doc! { "listIndexes": ANSWERS });
    let indexes = indexes.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let index = indexes.iter().filter_map(Bson::as_document).find(|index| index.get_str("name").unwrap() == "UUID_1");
    assert!(!index.unwrap().get_bool("unique").unwrap_or(false));
}

#[test]
fn promise_5_a_tail_yields_every_answer_since_a_timestamp_once() {
    let Some(db) = TestDatabase::new() else { return };
    promises::promise_5_a_tail_yields_every_answer_since_a_timestamp_once(&*db.store());
}

#[test]
fn documents_have_the_types_of_the_contract() {
    let Some(db) = TestDatabase::new() else { return };
    db.store().answers().unwrap().write(&[answer("a", "m")]).unwrap();
    let found = db.run(doc! { "find": ANSWERS, "filter": { "_id": "a" } });
    let found = found.get_document("cursor").unwrap().get_array("firstBatch").unwrap()[0].as_document().unwrap();
    assert!(found.get_i32("Size").is_ok() && found.get_f64("Prediction").is_ok());
    assert_eq!(found.get_datetime("Made").unwrap().timestamp_millis(), 1_482_624_000_000);
    assert_eq!((found.get_str("UUID").unwrap(), found.get("Remark")), ("a", Some(&Bson::Null)));
    assert_eq!(found.get_array("Weights").unwrap().len(), 4);
}

#[test]
fn answers_of_the_old_job_are_found_by_their_uuid() {
    let Some(db) = TestDatabase::new() else { return };
    let old =
        doc! { "_id": ObjectId::parse_str("6b04f9a1c0ffee0123456789").unwrap(), "UUID": "old", "Prediction": 2.0 };
    db.run(doc! { "insert": ANSWERS, "documents": [old] });
    let Some(Outcome::Answered(found)) = db.store().lookup().unwrap().find("old").unwrap() else { panic!() };
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(text, r#"{"_id":{"$oid":"6b04f9a1c0ffee0123456789"},"UUID":"old","Prediction":2.0}"#);
}

/// Returns a document of the old job, created at this second.
fn old_answer(uuid: &str, second: u32, prediction: f64) -> bson::Document {
    let mut id = [7; 12];
    id[..4].copy_from_slice(&second.to_be_bytes());
    doc! { "_id": ObjectId::from_bytes(id), "UUID": uuid, "Prediction": prediction }
}

fn prediction(outcome: Option<Outcome>) -> f64 {
    let Some(Outcome::Answered(found)) = outcome else { panic!("{outcome:?}") };
    found["Prediction"].as_f64().unwrap()
}

impl TestDatabase {
    fn insert(&self, documents: Vec<bson::Document>) {
        let reply = self.run(doc! { "insert": ANSWERS, "documents": documents });
        assert!(!reply.contains_key("writeErrors"), "{reply}");
    }

    fn count(&self, filter: bson::Document) -> i32 {
        self.run(doc! { "count": ANSWERS, "query": filter }).get_i32("n").unwrap()
    }

    /// Returns the store with a parameter.
    fn store_with(&self, parameter: &str) -> Arc<dyn Store<Toy>> {
        store::open(&format!("{}?{parameter}", self.url)).unwrap()
    }
}

/// Rules 1, 2, 4 and 5 of the takeover.
#[test]
fn an_answer_of_the_old_job_stands_and_no_second_one_is_written() {
    let Some(db) = TestDatabase::new() else { return };
    // Twice under one UUID, the later one first: the old job was not idempotent.
    db.insert(vec![old_answer("old", 1_600_000_001, 3.0), old_answer("old", 1_600_000_000, 1.0)]);
    db.insert(vec![old_answer("older", 1_500_000_000, 0.0)]);
    let store = db.store();
    let (mut answers, mut rejections, lookup) =
        (store.answers().unwrap(), store.rejections().unwrap(), store.lookup().unwrap());
    assert_eq!(prediction(lookup.find("old").unwrap()), 1.0);
    let rows = [answer("new", "m"), answer("old", "m"), answer("older", "m"), answer("new", "again")];
    for _ in 0..2 {
        assert_eq!(answers.write(&rows), Ok(vec![]));
        assert_eq!(rejections.write(&[promises::rejection("old", "why")]), Ok(vec![]));
        let found = ["old", "older", "new"].map(|id| prediction(lookup.find(id).unwrap()));
        assert_eq!(found, [1.0, 0.0, 2.0]);
        let counts = ["old", "older", "new"].map(|id| db.count(doc! { "UUID": id }));
        assert_eq!(counts, [2, 1, 1]);
    }
}

/// Rule 3 of the takeover.
#[test]
fn a_takeover_can_be_switched_off_and_on() {
    let Some(db) = TestDatabase::new() else { return };
    db.insert(vec![old_answer("a", 1_600_000_000, 0.0)]);
    assert_eq!(db.store_with("takeover=off").answers().unwrap().write(&[answer("a", "m")]), Ok(vec![]));
    assert_eq!(db.count(doc! { "UUID": "a" }), 2, "it does not look up UUIDs");
    // Rule 5: a visible answer stays visible, with any parameter.
    for parameter in ["takeover=off", "takeover=auto", "takeover=on"] {
        assert_eq!(prediction(db.store_with(parameter).lookup().unwrap().find("a").unwrap()), 0.0, "{parameter}");
    }

    // A query for other types does not find answers that were copied with strings for ids.
    db.run(doc! { "delete": ANSWERS, "deletes": [{ "q": {}, "limit": 0 }] });
    db.insert(vec![doc! { "_id": "6b04f9a1c0ffee0123456789", "UUID": "b", "Prediction": 0.0 }]);
    assert_eq!(db.store_with("takeover=on").answers().unwrap().write(&[answer("b", "m")]), Ok(vec![]));
    assert_eq!(db.count(doc! { "UUID": "b" }), 1);
}

/// Rule 2 of the takeover.
#[test]
fn documents_of_another_system_are_detected() {
    let Some(db) = TestDatabase::new() else { return };
    let examined = || {
        let find_others = |database| async move { takeover::find_others(&database, ANSWERS).await };
        db.client.call("the test", INDEX_TIMEOUT, find_others).unwrap()
    };
    assert_eq!(examined(), OtherDocuments::None);
    db.insert(vec![doc! { "_id": "" }, doc! { "_id": "a" }, doc! { "_id": "\u{10ffff}" }]);
    assert_eq!(examined(), OtherDocuments::None);
    let ids = [Bson::Int32(1), ObjectId::new().into(), Bson::Null, Bson::Boolean(true), doc! {}.into()];
    for id in ids {
        db.insert(vec![doc! { "_id": &id }]);
        assert_eq!(examined(), OtherDocuments::Some, "{id}");
        db.run(doc! { "delete": ANSWERS, "deletes": [{ "q": { "_id": &id }, "limit": 1 }] });
        assert_eq!(examined(), OtherDocuments::None, "{id}");
    }
}

/// This server does not name the index of a duplicate.
#[test]
fn a_duplicate_in_another_unique_index_is_refused() {
    let Some(db) = TestDatabase::new() else { return };
    let index = doc! { "key": { "Colour": 1, "ModelVersion": 1 }, "name": "one_a_model", "unique": true };
    db.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    let store = db.store();
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    let rows = [answer("first", "m"), answer("second", "m"), answer("third", "n")];
    // Again as after a restart: written rows are duplicates in both indexes.
    for _ in 0..2 {
        let refusals = answers.write(&rows).unwrap();
        assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
        let reason = &refusals[0].reason;
        assert!(reason.contains("unique index") && !reason.contains("second") && !reason.contains("red"), "{reason}");
        assert!(lookup.find("first").unwrap().is_some() && lookup.find("third").unwrap().is_some());
        assert_eq!(lookup.find("second").unwrap(), None);
    }
}

/// The document under the UUID is the answer, even with takeover=off.
#[test]
fn a_duplicate_in_a_unique_index_on_uuid_has_its_answer() {
    let Some(db) = TestDatabase::new() else { return };
    let index = doc! { "key": { "UUID": 1 }, "name": "UUID_unique", "unique": true };
    db.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    db.insert(vec![old_answer("a", 1_600_000_000, 0.0)]);
    let store = db.store_with("takeover=off");
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    assert_eq!(answers.write(&[answer("a", "m"), answer("b", "m")]), Ok(vec![]));
    assert_eq!([prediction(lookup.find("a").unwrap()), prediction(lookup.find("b").unwrap())], [0.0, 2.0]);
    assert_eq!(db.count(doc! { "UUID": "a" }), 1);
}

#[test]
fn a_url_with_a_collection_or_with_srv_is_refused_with_the_correct_form() {
    for (url, said) in [
        ("mongodb://127.0.0.1/toys.toy_answers", "leave out the dot"),
        ("mongodb+srv://me:s3cr3t@cluster0.example.net/toys", "list the hosts"),
    ] {
        let error = store::open::<Toy>(url).map(drop).unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn more_rows_than_fit_into_one_command_are_written_twice_without_effect() {
    let Some(db) = TestDatabase::new() else { return };
    let (store, count) = (db.store(), 3000);
    let rows: Vec<_> = (0..count).map(|n| answer(&format!("{n}"), &"m".repeat(4000))).collect();
    let mut answers = store.answers().unwrap();
    for _ in 0..2 {
        assert_eq!(answers.write(&rows), Ok(vec![]));
        assert_eq!(db.run(doc! { "count": ANSWERS }).get_i32("n").unwrap(), count);
    }
}

#[test]
fn a_reference_table_extends_that_of_the_old_system() {
    let Some(db) = TestDatabase::new() else { return };
    let table = db.store().reference().unwrap();
    assert_eq!(table.read(10).unwrap(), []);
    let old = [
        doc! { "_id": ObjectId::new(), "From": "a", "To": "b", "Distance": 21.0 },
        doc! { "_id": ObjectId::new(), "From": "c", "To": "b", "Distance": 2000_i32 },
    ];
    db.run(doc! { "insert": REFERENCE, "documents": old.to_vec() });
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
    // The row that another process has inserted stays.
    table.insert(&[entry("O0", 1.0)]).unwrap();
    assert_eq!(value("O0"), 100.5);
}

#[test]
fn an_unreachable_store_is_reported_within_the_timeouts() {
    let store = store::open::<Toy>("mongodb://127.0.0.1:1").unwrap();
    assert_eq!(store.describe(), "database toys at mongodb://127.0.0.1:1");
    let start = Instant::now();
    let error = store.lookup().unwrap().find("a").unwrap_err();
    assert!(!error.needs_operator && error.reason.contains("127.0.0.1:1"), "{error}");
    assert!(store.answers().is_err_and(|error| error.reason.contains("index UUID_1")));
    assert!(store.rejections().unwrap().write(&[promises::rejection("a", "why")]).is_err());
    assert!(start.elapsed() < INDEX_TIMEOUT);
}

/// A server that accepts connections and never replies.
#[test]
fn a_silent_server_does_not_hang_its_callers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store::open::<Toy>(&format!("mongodb://{}", silent.local_addr().unwrap())).unwrap();
    let start = Instant::now();
    assert!(!store.lookup().unwrap().find("a").unwrap_err().needs_operator);
    assert!(start.elapsed() < INDEX_TIMEOUT);
}

/// A server that stops replying during a call, and replies again later.
#[test]
fn a_server_that_stops_replying_times_out_and_is_used_again() {
    let Some(db) = TestDatabase::new() else { return };
    let Some((before, database)) = db.url.rsplit_once('/') else { panic!("{}", db.url) };
    let server = before.trim_start_matches("mongodb://").to_owned();
    let silent = Arc::new(AtomicBool::new(false));
    let url = format!("mongodb://{}/{database}?directConnection=true", proxy(server, Arc::clone(&silent)));
    let store = store::open::<Toy>(&url).unwrap();
    let (mut answers, lookup) = (store.answers().unwrap(), store.lookup().unwrap());
    assert_eq!(answers.write(&[answer("a", "first")]), Ok(vec![]));
    silent.store(true, Ordering::Release);
    let start = Instant::now();
    let error = lookup.find("a").unwrap_err();
    assert!(!error.needs_operator && start.elapsed() < 2 * client::FIND_TIMEOUT, "{error}");
    assert!(answers.write(&[answer("a", "second"), answer("b", "second")]).is_err());
    silent.store(false, Ordering::Release);
    while let Err(error) = answers.write(&[answer("a", "third"), answer("b", "third")]) {
        assert!(start.elapsed() < 2 * INDEX_TIMEOUT, "{error}");
    }
    let Some(Outcome::Answered(found)) = lookup.find("a").unwrap() else { panic!() };
    assert_eq!(found["ModelVersion"], "first");
    assert!(lookup.find("b").unwrap().is_some());
}

/// Starts a proxy that forwards bytes to a server, and drops them while `silent`. Returns its address.
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
                    // A connection that has lost bytes stays silent.
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
