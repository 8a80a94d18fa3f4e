//! A new model while the system runs: nothing is started again, and nothing is lost.

use std::{collections::BTreeSet, fs, path::Path, sync::mpsc};

use crate::support::{Process, children, give_models, request, run, until};
use chrono::Utc;
use delaycast::{
    answer::ModelVersion,
    domain::Flights,
    log::{self, Producer},
    model::ModelDir,
    store::{self, Lookup, Outcome},
};

/// A system, and whoever asks it.
struct Asking {
    producer: std::sync::Arc<dyn Producer>,
    lookup: Box<dyn Lookup>,
    asked: usize,
}

impl Asking {
    fn at(dir: &Path) -> Self {
        let url = format!("sqlite:{}", dir.join("delaycast.db").display());
        let producer = log::open(&url).unwrap().producer().unwrap();
        Asking { producer, lookup: store::open::<Flights>(&url).unwrap().lookup().unwrap(), asked: 0 }
    }

    /// Asks so many, and returns once the log has all.
    fn ask(&mut self, count: usize) {
        let (report, acknowledged) = mpsc::channel();
        for _ in 0..count {
            let (id, report) = (format!("request-{}", self.asked), report.clone());
            let done = Box::new(move |result| drop(report.send(result)));
            self.producer.publish(Some(&id), request(&id, self.asked as f64 % 90.0).into_bytes(), done);
            self.asked += 1;
        }
        for _ in 0..count {
            acknowledged.recv().unwrap().unwrap();
        }
    }

    /// By which model a request is answered, if it is.
    fn model_of(&self, number: usize) -> Option<String> {
        match self.lookup.find(&format!("request-{number}")).unwrap()? {
            Outcome::Answered(document) => Some(document["ModelVersion"].as_str().unwrap().to_owned()),
            Outcome::Rejected(reason) => panic!("{reason}"),
        }
    }

    /// Asks until the latest is answered by a version.
    fn until_answered_by(&mut self, version: &ModelVersion) {
        until("the new model answers", || {
            self.ask(20);
            let latest = self.asked - 1;
            let mut model = None;
            until("it is answered", || {
                model = self.model_of(latest);
                model.is_some()
            });
            model.as_deref() == Some(version.as_str())
        });
    }

    /// Waits until all are answered; by which models?
    fn models(&self) -> BTreeSet<String> {
        until("all are answered", || (0..self.asked).all(|number| self.model_of(number).is_some()));
        (0..self.asked).filter_map(|number| self.model_of(number)).collect()
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
    let mut asking = Asking::at(dir.path());
    asking.until_answered_by(&first);

    // As a copy that broke off leaves it.
    let damaged = ModelVersion::new("20990101T000000000Z-00000000");
    let bytes = fs::read(models.path_of(&first)).unwrap();
    fs::create_dir(models.path_of(&damaged).parent().unwrap()).unwrap();
    fs::write(models.path_of(&damaged), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.path().join("models").join("current"), damaged.as_str()).unwrap();
    (0..10).for_each(|_| asking.until_answered_by(&first));

    let (status, _, stderr) =
        run(&["train", "--models", &dir.path().join("models").to_string_lossy(), "--seed", "2"], b"");
    assert!(status.success(), "{stderr}");
    let second = models.current().unwrap();
    asking.until_answered_by(&second);
    assert_eq!(asking.models(), names(&[&first, &second]));
    assert!(up.is_running());
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn a_cluster_takes_a_new_model_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let models = ModelDir::new(dir.path().join("models"));
    let first = models.current().unwrap();
    let up = Process::start(&["up", "--port", "0", "--processes", "2", "--dir", &dir.path().to_string_lossy()]);
    up.line_after("delaycast is ready: ");
    let mut asking = Asking::at(dir.path());
    asking.until_answered_by(&first);
    let scorers = children(up.pid());
    assert_eq!(scorers.len(), 2);
    let second = models.publish(models.load_current().unwrap().model, Utc::now()).unwrap().version;
    asking.until_answered_by(&second);
    let third = models.publish(models.load_current().unwrap().model, Utc::now()).unwrap().version;
    asking.until_answered_by(&third);
    assert_eq!(asking.models(), names(&[&first, &second, &third]));
    assert_eq!(children(up.pid()), scorers, "none was started again");
    assert_eq!(up.terminate(), Some(0));
}
