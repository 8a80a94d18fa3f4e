//! The wire contract: what clients of the old system send and read.

use mongodb::bson::{Bson, DateTime, doc};
use serde_json::Value;

use crate::{
    place::{ANSWERS, Place, REJECTIONS},
    support::{request, until},
};

const ID: &str = "6c03d09c-8355-448a-b07b-54e8d00ad05d";
/// Byte by byte what the old front end sends.
const MESSAGE: &str = r#"{"DepDelay": 5.0, "Carrier": "AA", "FlightDate": "2016-12-25", "Dest": "SFO", "FlightNum": null, "Origin": "ATL", "Distance": 2139.0, "DayOfYear": 360, "DayOfMonth": 25, "DayOfWeek": 6, "Timestamp": "2026-11-23T13:41:32.246003", "UUID": "6c03d09c-8355-448a-b07b-54e8d00ad05d"}"#;

#[test]
fn the_old_front_end_s_message_gets_the_old_job_s_document_and_more_and_the_old_page_reads_it() {
    let Some(place) = Place::new(4) else { return };
    let _score = place.score(2);
    place.publish(&[(None, MESSAGE.to_owned())]);
    let document = place.document(ANSWERS, ID);

    let millis = |millis| Bson::DateTime(DateTime::from_millis(millis));
    let mut rest = document.clone();
    let old = doc! {
        "_id": ID, "Origin": "ATL", "Dest": "SFO",
        // Of 2016-12-25, a Sunday: the old front end's own numbers are not trusted.
        "DayOfWeek": 7_i32, "DayOfYear": 360_i32, "DayOfMonth": 25_i32,
        "DepDelay": 5.0, "Timestamp": millis(1_795_441_292_246), "FlightDate": millis(1_482_624_000_000),
        "Carrier": "AA", "UUID": ID, "Distance": 2139.0, "Route": "ATL-SFO",
    };
    for (name, value) in &old {
        assert_eq!(rest.remove(name).as_ref(), Some(value), "{name}");
    }
    let Some(Bson::Double(prediction)) = rest.remove("Prediction") else { panic!("{document}") };
    assert!([0.0, 1.0, 2.0, 3.0].contains(&prediction));
    // What is new.
    assert_eq!(rest.remove("FlightNum"), Some(Bson::Null));
    // The model of these tests knows no flights from Atlanta.
    assert!(matches!(rest.remove("Remark"), Some(Bson::String(_))));
    let probabilities = rest.remove("Probabilities").unwrap();
    let probabilities: Vec<f64> = probabilities.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    assert!(probabilities.len() == 4 && (probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    assert!(matches!(rest.remove("Class"), Some(Bson::String(_))));
    assert!(matches!(rest.remove("ModelVersion"), Some(Bson::String(_))));
    assert!(matches!(rest.remove("ScoredAt"), Some(Bson::DateTime(_))));
    assert_eq!(rest.remove("Forest"), Some(Bson::String("with departure delay".into())));
    let numbers = |value: &Bson| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let base_rate = numbers(&rest.remove("BaseRate").unwrap());
    let Some(Bson::Document(contributions)) = rest.remove("Contributions") else { panic!("{document}") };
    for (class, probability) in probabilities.iter().enumerate() {
        let moved: f64 = contributions.values().map(|change| numbers(change)[class]).sum();
        assert!((base_rate[class] + moved - probability).abs() < 5e-4, "class {class}: {document}");
    }
    assert!(rest.is_empty(), "{rest}");

    let web = place.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let (mut reply, mut kind) = (String::new(), String::new());
    until("the answer is there", || {
        let url = format!("{base}flights/delays/predict/classify_realtime/response/{ID}");
        let mut response = ureq::get(url).call().unwrap();
        kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        reply = response.body_mut().read_to_string().unwrap();
        !reply.contains("WAIT")
    });
    // The old page calls JSON.parse on what jQuery takes for text.
    assert!(kind.starts_with("text/html"), "{kind}");
    let shown = format!(
        r#"{{"status":"OK","id":"{ID}","prediction":{{"_id":"{ID}","Origin":"ATL","Dest":"SFO","DayOfWeek":7,"DayOfYear":360,"DayOfMonth":25,"DepDelay":5.0,"Timestamp":{{"$date":"2026-11-23T13:41:32.246Z"}},"FlightDate":{{"$date":"2016-12-25T00:00:00Z"}},"Carrier":"AA","UUID":"{ID}","Distance":2139.0,"Route":"ATL-SFO","Prediction":{prediction:.1},"#
    );
    assert!(reply.starts_with(&shown), "{reply}\n{shown}");
    assert!(serde_json::from_str::<Value>(&reply).is_ok());
}

#[test]
fn our_front_end_s_message_has_all_that_the_old_job_reads() {
    let Some(place) = Place::new(1) else { return };
    let web = place.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let form = [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];
    let mut reply = ureq::post(format!("{base}flights/delays/predict/classify_realtime")).send_form(form).unwrap();
    let reply: Value = serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap();
    let message: Value = serde_json::from_slice(&place.messages("", 1)[0].payload).unwrap();
    let old: Value = serde_json::from_str(MESSAGE).unwrap();
    assert_eq!((&reply["status"], &message["UUID"]), (&Value::from("OK"), &reply["id"]));
    for (name, sent) in old.as_object().unwrap() {
        match name.as_str() {
            // Monday is 1 where the old job was trained, and 0 where its front end asked.
            "DayOfWeek" => assert_eq!(message[name], 7),
            "UUID" | "Timestamp" => assert_eq!(message[name].as_str().unwrap().len(), sent.as_str().unwrap().len()),
            // Its table has 2,139; without a table it is a great circle.
            "Distance" => assert!((message[name].as_f64().unwrap() / 2139.0 - 1.0).abs() < 0.01),
            _ => assert_eq!(&message[name], sent, "{name}"),
        }
    }
}

#[test]
fn what_cannot_be_read_is_kept_with_its_headers_and_its_asker_is_told() {
    let Some(place) = Place::new(2) else { return };
    let _score = place.score(2);
    let nameless = "not a request".to_owned();
    let named = request("told", 5.0).replace("AA", "");
    place.publish(&[(Some(0), request("fine", 5.0)), (Some(1), nameless.clone()), (Some(0), named.clone())]);
    let rejection = place.document(REJECTIONS, "told");
    assert!(rejection.get_str("Reason").unwrap().contains("Carrier"), "{rejection}");
    assert_eq!(rejection.get_str("_id").ok(), Some("told"));

    let mut letters = place.messages(".dlq", 2);
    letters.sort_by(|one, other| one.key.cmp(&other.key));
    let wanted = [(0, 1, named, Some("told")), (1, 0, nameless, None)];
    for (letter, (partition, offset, payload, id)) in letters.iter().zip(wanted) {
        let header = |name: &str| letter.headers.get(name).map(String::as_str);
        assert_eq!(letter.key, Some(format!("{}/{partition}/{offset}", place.topic)));
        assert_eq!(letter.payload, payload.as_bytes());
        assert_eq!((header("topic"), header("id")), (Some(&*place.topic), id));
        assert_eq!(header("partition"), Some(&*partition.to_string()));
        assert_eq!(header("offset"), Some(&*offset.to_string()));
        assert_eq!(header("length"), Some(&*payload.len().to_string()));
        assert!(header("found_at").is_some_and(|at| at.ends_with('Z')));
        assert!(header("reason").is_some_and(|reason| !reason.is_empty()));
        assert!(header("sha256").is_some_and(|hash| hash.len() == 64));
    }
    place.document(ANSWERS, "fine");
    until("all is committed", || place.uncommitted() == 0);
}
