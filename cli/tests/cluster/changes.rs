//! Planned changes: restarts, another number of processes, a new model.

use std::{thread, time::Duration};

use chrono::{DateTime, Utc};
use delaycast::model::ModelDir;
use rand::RngExt;
use serde_json::Value;

use crate::{
    test_cluster::TestCluster,
    trials::{Trials, times},
};

/// Each pod in turn is stopped and started again.
#[test]
fn a_rolling_restart() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("a pod told to stop and started again; recovery from its start");
    for _ in 0..times() {
        for index in 0..3 {
            test.cluster.stop(index);
            let back = test.cluster.start(index);
            trials.add(None, test.load.recovery(back));
        }
    }
    trials.print();
    test.finish("rolling restart", 3 * times());
}

/// By configuration only: all are stopped, and another number is started.
#[test]
fn two_processes_then_three_then_two() {
    let Some(mut test) = TestCluster::acquire() else { return };
    let mut trials = Trials::of("all stopped, and started as another number; recovery from the first start");
    test.cluster.replicas = 2;
    test.cluster.start_all();
    test.settle();
    for _ in 0..times() {
        for replicas in [3, 2] {
            test.cluster.stop_all();
            test.cluster.replicas = replicas;
            let at = test.cluster.start_all();
            trials.add(None, test.load.recovery(at));
            test.settle();
        }
    }
    trials.print();
    test.finish("rescaled", 2 * times());
}

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
