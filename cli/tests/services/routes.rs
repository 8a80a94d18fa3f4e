//! Tests of the route table in the store.

use std::fs;

use crate::{
    fixture::{ANSWERS, Fixture},
    support::{request, run},
};

#[test]
fn a_route_table_is_loaded_once_and_answers_have_its_distances() {
    let Some(fixture) = Fixture::new(1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("routes.jsonl").to_string_lossy().into_owned();
    let line = |miles: f64| format!("{{\"Origin\":\"JFK\",\"Dest\":\"SFO\",\"Distance\":{miles:.1}}}\n");
    let load = |miles: f64, more: &[&str]| {
        fs::write(&file, line(miles)).unwrap();
        let arguments = ["data", "load-routes", &file, "--store", &fixture.store, "--format", "json"];
        let (status, stdout, stderr) = run(&[&arguments, more].concat(), b"");
        assert!(status.success(), "{stderr}");
        let loaded: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        ["new", "same", "differing"].map(|name| loaded[name].as_u64().unwrap())
    };
    assert_eq!(load(1234.0, &[]), [1, 0, 0]);
    assert_eq!(load(1234.0, &[]), [0, 1, 0]);
    assert_eq!(load(1235.0, &[]), [0, 0, 1]);

    let score = fixture.score(1);
    fixture.publish(&[(None, request("before", 5.0))]);
    assert_eq!(fixture.document(ANSWERS, "before").get_f64("Distance").ok(), Some(1234.0));
    assert_eq!(score.terminate(), Some(0));
    assert_eq!(load(1235.0, &["--replace"]), [0, 0, 1]);
    let _score = fixture.score(1);
    fixture.publish(&[(None, request("after", 5.0))]);
    assert_eq!(fixture.document(ANSWERS, "after").get_f64("Distance").ok(), Some(1235.0));
}
