//! Tests that docs/asyncapi.yaml has the topics and the fields that the decoders know.

use std::{collections::BTreeSet, fs};

use delaycast::{domain::Flights, live::EventField, request::Field};
use engine::domain::Domain;

use crate::architecture::project;

fn text() -> String {
    fs::read_to_string(project().join("docs/asyncapi.yaml")).unwrap()
}

/// Returns the keys one level below a path of keys. The file is indented by two blanks a level.
fn keys(text: &str, path: &[&str]) -> BTreeSet<String> {
    let (mut open, mut found) = (Vec::<&str>::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', '-'])) {
        let Some((key, _)) = line.trim_start().split_once(':') else { continue };
        open.truncate((line.len() - line.trim_start().len()) / 2);
        if open == path {
            found.insert(key.to_owned());
        }
        open.push(key);
    }
    assert!(!found.is_empty(), "nothing at {path:?}");
    found
}

fn required(text: &str, schema: &str) -> BTreeSet<String> {
    let after = text.split(&format!("    {schema}:\n      type: object\n")).nth(1).unwrap();
    let list = after.split("required: [").nth(1).unwrap().split(']').next().unwrap();
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_fields_are_those_of_the_decoders() {
    let text = text();
    for (schema, names) in [("Request", Field::NAMES), ("Event", EventField::NAMES)] {
        let described = keys(&text, &["components", "schemas", schema, "properties"]);
        assert_eq!(described, names.iter().map(|name| (*name).to_owned()).collect(), "{schema}");
    }
}

#[test]
fn a_message_with_the_required_fields_alone_is_read_and_none_of_them_may_be_absent() {
    let (text, day) = (text(), "2013-12-25");
    let value = |name: &str| match name {
        "Event" => "cancelled",
        "At" => "2013-12-25T20:00:00Z",
        "Carrier" => "B6",
        "Origin" => "JFK",
        "Dest" => "SFO",
        "FlightDate" => day,
        _ => "15",
    };
    for schema in ["Request", "Event"] {
        let required = required(&text, schema);
        let is_read = |left_out: &str| {
            let members = required.iter().filter(|name| *name != left_out);
            let members: Vec<String> = members.map(|name| format!("\"{name}\":\"{}\"", value(name))).collect();
            let message = format!("{{{}}}", members.join(","));
            match schema {
                "Request" => delaycast::request::decode(message.as_bytes()).is_ok(),
                _ => delaycast::live::decode(message.as_bytes()).is_ok(),
            }
        };
        assert!(is_read(""), "{schema}");
        required.iter().for_each(|name| assert!(!is_read(name), "{schema} without {name}"));
    }
}

#[test]
fn the_topics_are_those_of_the_domain_and_their_dead_letters() {
    let text = text();
    let addresses: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("    address: ")).collect();
    let events = Flights::EVENTS.unwrap().topic;
    let dead_letters = [Flights::TOPIC, events].map(|topic| format!("{topic}.dlq"));
    let answers = Flights::COLLECTIONS.answers;
    let expected = [Flights::TOPIC, events, answers, &dead_letters[0], &dead_letters[1]];
    assert_eq!(addresses, expected.into());
}
