//! Tests of a new model in a running system: no process restarts, and no request is lost.

use std::{collections::BTreeSet, fs, path::Path, sync::mpsc};

use chrono::Utc;
use delaycast::{domain::Flights, model::ModelDir};
use engine::{
    answer::ModelVersion,
    log::{self, Producer},
    store::{self, Lookup, Outcome},
};

use crate::support::{Process, children, give_models, request, run, until};

/// A client of a system.
struct Client {
    producer: std::sync::Arc<dyn Producer>,
    lookup: Box<dyn Lookup>,
    sent: usize,
}

impl Client {
    fn at(dir: &Path) -> Self {
        let url = format!("sqlite:{}", dir.join("delaycast.db").display());
        let producer = log::open::<Flights>(&url).unwrap().producer().unwrap();
        Client { producer, lookup: store::open::<Flights>(&url).unwrap().lookup().unwrap(), sent: 0 }
    }

    /// Sends this many requests, and returns when the log has acknowledged all.
    fn send(&mut self, count: usize) {
        let (report, acknowledged) = mpsc::channel();
        for _ in 0..count {
            let (id, report) = (format!("request-{}", self.sent), report.clone());
            let done = Box::new(move |result| drop(report.send(result)));
            self.producer.publish(Some(&id), request(&id, self.sent as f64 % 90.0).into_bytes(), done);
            self.sent += 1;
        }
        for _ in 0..count {
            acknowledged.recv().unwrap().unwrap();
        }
    }

    /// Returns the model that answered a request, if it is answered.
    fn model_of(&self, number: usize) -> Option<String> {
        match self.lookup.find(&format!("request-{number}")).unwrap()? {
            Outcome::Answered(document) => Some(document["ModelVersion"].as_str().unwrap().to_owned()),
            Outcome::Rejected(reason) => panic!("{reason}"),
        }
    }

    /// Sends requests until the latest one is answered by this version.
    fn until_answered_by(&mut self, version: &ModelVersion) {
        until("the new model answers", || {
            self.send(20);
            let latest = self.sent - 1;
            let mut model = None;
            until("it is answered", || {
                model = self.model_of(latest);
                model.is_some()
            });
            model.as_deref() == Some(version.as_str())
        });
    }

    /// Waits until all requests are answered. Returns the models that answered.
    fn models(&self) -> BTreeSet<String> {
        until("all are answered", || (0..self.sent).all(|number| self.model_of(number).is_some()));
        (0..self.sent).filter_map(|number| self.model_of(number)).collect()
    }
}

fn names(versions: &[&ModelVersion]) -> BTreeSet<String> {
    versions.iter().map(ToString::to_string).collect()
}

#[test]
fn a_trained_model_answers_without_a_restart_and_a_damaged_one_never() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let models = ModelDir::new(dir.path().join("models"));
    let first = models.current().unwrap();
    let mut up = Process::start(&["up", "--port", "0", "--dir", &dir.path().to_string_lossy()]);
    up.line_after("delaycast is ready: ");
    let mut client = Client::at(dir.path());
    client.until_answered_by(&first);

    // The state after an interrupted copy.
    let damaged = ModelVersion::new("20990101T000000000Z-00000000");
    let bytes = fs::read(models.path_of(&first)).unwrap();
    fs::create_dir(models.path_of(&damaged).parent().unwrap()).unwrap();
    fs::write(models.path_of(&damaged), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.path().join("models").join("current"), damaged.as_str()).unwrap();
    (0..10).for_each(|_| client.until_answered_by(&first));

    let (status, _, stderr) =
        run(&["train", "--models", &dir.path().join("models").to_string_lossy(), "--seed", "2"], b"");
    assert!(status.success(), "{stderr}");
    let second = models.current().unwrap();
    client.until_answered_by(&second);
    assert_eq!(client.models(), names(&[&first, &second]));
    assert!(up.is_running());
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn a_cluster_activates_a_new_model_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let models = ModelDir::new(dir.path().join("models"));
    let first = models.current().unwrap();
    let up = Process::start(&["up", "--port", "0", "--processes", "2", "--dir", &dir.path().to_string_lossy()]);
    up.line_after("delaycast is ready: ");
    let mut client = Client::at(dir.path());
    client.until_answered_by(&first);
    let scorers = children(up.pid());
    assert_eq!(scorers.len(), 2);
    let second = models.publish(models.load_current().unwrap().model, Utc::now()).unwrap().version;
    client.until_answered_by(&second);
    let third = models.publish(models.load_current().unwrap().model, Utc::now()).unwrap().version;
    client.until_answered_by(&third);
    assert_eq!(client.models(), names(&[&first, &second, &third]));
    assert_eq!(children(up.pid()), scorers, "no scorer restarted");
    assert_eq!(up.terminate(), Some(0));
}
