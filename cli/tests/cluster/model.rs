//! A new model while a process is down.

use std::{thread, time::Duration};

use chrono::{DateTime, Utc};
use delaycast::model::ModelDir;
use rand::RngExt;
use serde_json::Value;

use crate::{
    test_cluster::TestCluster,
    trials::{Trials, times},
};

/// The next generation uses it in all processes; no generation mixes models.
#[test]
fn a_model_published_while_a_process_is_down() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("a model published while a pod is down; recovery from its start");
    let models = ModelDir::new(test.environment.path("models"));
    let mut versions = vec![models.current().unwrap().to_string()];
    for trial in 0..times() {
        // The next generation cannot form before the new model is there; the others may have started with the old one.
        let index = trial % 3;
        let at = test.cluster.take(index).kill();
        thread::sleep(Duration::from_millis(test.random.random_range(0..1000)));
        let again = models.load_current().unwrap();
        versions.push(models.publish(again.model, Utc::now()).unwrap().version.to_string());
        let back = test.cluster.start(index);
        let recovered = test.load.recovery(back);
        let words = format!("scoring with model {}", versions[trial + 1]);
        (0..3).for_each(|index| drop(test.cluster.pod(index).wait_for_line(at, &words)));
        trials.add(None, recovered);
        test.settle();
    }
    trials.print();
    let audit = test.finish("model published", times());
    let span = |version: &String| {
        let of_version = audit.answers.iter().filter(|answer| answer["ModelVersion"] == version.as_str());
        let scored_at = |answer: &Value| answer["ScoredAt"]["$date"].as_str()?.parse::<DateTime<Utc>>().ok();
        let times: Vec<_> = of_version.map(|answer| scored_at(answer).unwrap()).collect();
        let first = *times.iter().min().unwrap_or_else(|| panic!("nothing was scored with {version}"));
        (first, times.into_iter().max().unwrap())
    };
    let spans: Vec<_> = versions.iter().map(span).collect();
    for pair in spans.windows(2) {
        assert!(pair[0].1 < pair[1].0, "two models at the same time: {spans:?}");
    }
}
