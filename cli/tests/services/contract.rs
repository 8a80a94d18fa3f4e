//! Tests of the wire contract: the messages and documents of the previous system's clients.

use mongodb::bson::{Bson, DateTime, doc, oid::ObjectId};
use serde_json::Value;

use crate::{
    fixture::{ANSWERS, Fixture, REJECTIONS},
    support::{request, until},
};

const ID: &str = "6c03d09c-8355-448a-b07b-54e8d00ad05d";
/// A message of the previous front end, byte by byte.
const MESSAGE: &str = r#"{"DepDelay": 5.0, "Carrier": "AA", "FlightDate": "2016-12-25", "Dest": "SFO", "FlightNum": null, "Origin": "ATL", "Distance": 2139.0, "DayOfYear": 360, "DayOfMonth": 25, "DayOfWeek": 6, "Timestamp": "2026-11-23T13:41:32.246003", "UUID": "6c03d09c-8355-448a-b07b-54e8d00ad05d"}"#;

#[test]
fn a_message_of_the_previous_front_end_gets_a_document_that_its_page_reads() {
    let Some(fixture) = Fixture::new(4) else { return };
    let _score = fixture.score(2);
    fixture.publish(&[(None, MESSAGE.to_owned())]);
    let document = fixture.document(ANSWERS, ID);

    let millis = |millis| Bson::DateTime(DateTime::from_millis(millis));
    let mut rest = document.clone();
    let old = doc! {
        "_id": ID, "Origin": "ATL", "Dest": "SFO",
        // 2016-12-25 is a Sunday: the numbers of the message are not used.
        "DayOfWeek": 7_i32, "DayOfYear": 360_i32, "DayOfMonth": 25_i32,
        "DepDelay": 5.0, "Timestamp": millis(1_795_441_292_246), "FlightDate": millis(1_482_624_000_000),
        "Carrier": "AA", "UUID": ID, "Distance": 2139.0, "Route": "ATL-SFO",
    };
    for (name, value) in &old {
        assert_eq!(rest.remove(name).as_ref(), Some(value), "{name}");
    }
    let Some(Bson::Double(prediction)) = rest.remove("Prediction") else { panic!("{document}") };
    assert!([0.0, 1.0, 2.0, 3.0].contains(&prediction));
    // Fields that the previous system does not have.
    assert_eq!(rest.remove("FlightNum"), Some(Bson::Null));
    // The model of these tests has no flights from Atlanta.
    assert!(matches!(rest.remove("Remark"), Some(Bson::String(_))));
    let probabilities = rest.remove("Probabilities").unwrap();
    let probabilities: Vec<f64> = probabilities.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    assert!(probabilities.len() == 4 && (probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    assert!(matches!(rest.remove("Class"), Some(Bson::String(_))));
    assert!(matches!(rest.remove("ModelVersion"), Some(Bson::String(_))));
    assert!(matches!(rest.remove("ScoredAt"), Some(Bson::DateTime(_))));
    assert_eq!(rest.remove("Forest"), Some(Bson::String("with departure delay".into())));
    let Some(Bson::Document(delay)) = rest.remove("ArrDelay") else { panic!("{document}") };
    let minutes = |name: &str| delay.get_i32(name).unwrap();
    assert!(minutes("P10") <= minutes("P50") && minutes("P50") <= minutes("P90"), "{delay}");
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

    let web = fixture.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let (mut reply, mut kind) = (String::new(), String::new());
    until("the answer is there", || {
        let url = format!("{base}flights/delays/predict/classify_realtime/response/{ID}");
        let mut response = ureq::get(url).call().unwrap();
        kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        reply = response.body_mut().read_to_string().unwrap();
        !reply.contains("WAIT")
    });
    // The previous page calls JSON.parse on a body that jQuery returns as text.
    assert!(kind.starts_with("text/html"), "{kind}");
    let shown = format!(
        r#"{{"status":"OK","id":"{ID}","prediction":{{"_id":"{ID}","Origin":"ATL","Dest":"SFO","DayOfWeek":7,"DayOfYear":360,"DayOfMonth":25,"DepDelay":5.0,"Timestamp":{{"$date":"2026-11-23T13:41:32.246Z"}},"FlightDate":{{"$date":"2016-12-25T00:00:00Z"}},"Carrier":"AA","UUID":"{ID}","Distance":2139.0,"Route":"ATL-SFO","Prediction":{prediction:.1},"#
    );
    assert!(reply.starts_with(&shown), "{reply}\n{shown}");
    assert!(serde_json::from_str::<Value>(&reply).is_ok());
}

#[test]
fn a_message_of_the_front_end_has_all_fields_that_the_previous_job_reads() {
    let Some(fixture) = Fixture::new(1) else { return };
    let web = fixture.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let form = [("Carrier", "AA"), ("Origin", "ATL"), ("Dest", "SFO"), ("FlightDate", "2016-12-25"), ("DepDelay", "5")];
    let mut reply = ureq::post(format!("{base}flights/delays/predict/classify_realtime")).send_form(form).unwrap();
    let reply: Value = serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap();
    let message: Value = serde_json::from_slice(&fixture.messages("", 1)[0].payload).unwrap();
    let old: Value = serde_json::from_str(MESSAGE).unwrap();
    assert_eq!((&reply["status"], &message["UUID"]), (&Value::from("OK"), &reply["id"]));
    for (name, sent) in old.as_object().unwrap() {
        match name.as_str() {
            // Monday is 1 in the previous job's training, and 0 in its front end.
            "DayOfWeek" => assert_eq!(message[name], 7),
            "UUID" | "Timestamp" => assert_eq!(message[name].as_str().unwrap().len(), sent.as_str().unwrap().len()),
            // Its table has 2,139; without a table the distance is a great circle.
            "Distance" => assert!((message[name].as_f64().unwrap() / 2139.0 - 1.0).abs() < 0.01),
            _ => assert_eq!(&message[name], sent, "{name}"),
        }
    }
}

#[test]
fn a_dead_letter_keeps_its_headers_and_its_client_gets_a_rejection() {
    let Some(fixture) = Fixture::new(2) else { return };
    let _score = fixture.score(2);
    let nameless = "not a request".to_owned();
    let named = request("told", 5.0).replace("AA", "");
    fixture.publish(&[(Some(0), request("fine", 5.0)), (Some(1), nameless.clone()), (Some(0), named.clone())]);
    let rejection = fixture.document(REJECTIONS, "told");
    assert!(rejection.get_str("Reason").unwrap().contains("Carrier"), "{rejection}");
    assert_eq!(rejection.get_str("_id").ok(), Some("told"));

    let mut letters = fixture.messages(".dlq", 2);
    letters.sort_by(|one, other| one.key.cmp(&other.key));
    let wanted = [(0, 1, named, Some("told")), (1, 0, nameless, None)];
    for (letter, (partition, offset, payload, id)) in letters.iter().zip(wanted) {
        let header = |name: &str| letter.headers.get(name).map(String::as_str);
        assert_eq!(letter.key, Some(format!("{}/{partition}/{offset}", fixture.topic)));
        assert_eq!(letter.payload, payload.as_bytes());
        assert_eq!((header("topic"), header("id")), (Some(&*fixture.topic), id));
        assert_eq!(header("partition"), Some(&*partition.to_string()));
        assert_eq!(header("offset"), Some(&*offset.to_string()));
        assert_eq!(header("length"), Some(&*payload.len().to_string()));
        assert!(header("found_at").is_some_and(|at| at.ends_with('Z')));
        assert!(header("reason").is_some_and(|reason| !reason.is_empty()));
        assert!(header("sha256").is_some_and(|hash| hash.len() == 64));
    }
    fixture.document(ANSWERS, "fine");
    until("all is committed", || fixture.uncommitted() == 0);
}

/// A task of the old front end has an ObjectId, and no UUID.
#[test]
fn a_task_of_the_previous_front_end_is_answered_by_the_batch() {
    let Some(fixture) = Fixture::new(1) else { return };
    let id = ObjectId::parse_str("6b04f9a1c0ffee0123456789").unwrap();
    let stamp = "2026-11-28T13:41:32.246003";
    let task = doc! {
        "_id": id, "DepDelay": 5.0, "Carrier": "AA", "FlightDate": "2016-12-25", "Dest": "SFO", "FlightNum": Bson::Null,
        "Origin": "ATL", "Distance": 2139.0, "DayOfYear": 360_i32, "DayOfMonth": 25_i32, "DayOfWeek": 6_i32,
        "Timestamp": stamp,
    };
    fixture.run(doc! { "insert": "prediction_tasks", "documents": [task] });
    let models = crate::support::models().to_string_lossy().into_owned();
    let arguments = ["batch", "--date", "2026-11-28", "--store", &fixture.store, "--models", &models];
    let (status, stdout, stderr) = crate::support::run(&arguments, b"");
    assert!(status.success() && stdout.starts_with("1 requests of 2026-11-28 are answered"), "{stdout}{stderr}");
    let result = fixture.document("prediction_results", &id.to_hex());
    assert_eq!([result.get_str("Timestamp").unwrap(), result.get_str("Route").unwrap()], [stamp, "ATL-SFO"]);
    let prediction = result.get_f64("Prediction").unwrap();
    assert!([0.0, 1.0, 2.0, 3.0].contains(&prediction));
    let web = fixture.start("web", &["--port", "0"]);
    let base = web.line_after("delaycast is ready: ");
    let url = format!("{base}flights/delays/predict_batch/results/2026-11-28");
    let page = ureq::get(url).header("accept", "text/html").call().unwrap().body_mut().read_to_string().unwrap();
    assert!(page.contains("1 to 1 of 1") && page.contains("ATL"), "{page}");
}
