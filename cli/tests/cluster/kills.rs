//! Killed processes.

use std::{thread, time::Duration};

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    test_cluster::TestCluster,
    trials::{Trials, times},
};

/// The scorer only: its supervisor restarts it.
#[test]
fn a_scorer_killed() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials: Vec<Trials> = (0..3).map(|index| Trials::of(format!("scorer {index} killed"))).collect();
    for _ in 0..times() {
        for (index, trials) in trials.iter_mut().enumerate() {
            let generation = test.cluster.generation();
            let at = test.cluster.pod(index).signal_scorer(Signal::KILL);
            let noticed = test.cluster.wait_until_others_left(index, generation, at);
            trials.add(Some(noticed), test.load.recovery(at));
            test.settle();
        }
    }
    trials.into_iter().for_each(Trials::print);
    test.finish("scorer killed", 3 * times());
}

/// Supervisor and scorer, as when a pod is deleted without a grace period; it restarts after a moment.
#[test]
fn a_pod_killed() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials: Vec<Trials> = (0..3).map(|index| Trials::of(format!("pod {index} killed"))).collect();
    for _ in 0..times() {
        for (index, trials) in trials.iter_mut().enumerate() {
            let generation = test.cluster.generation();
            let at = test.cluster.take(index).kill();
            let noticed = test.cluster.wait_until_others_left(index, generation, at);
            thread::sleep(Duration::from_millis(test.random.random_range(200..1000)));
            let back = test.cluster.start(index);
            trials.add(Some(noticed), test.load.recovery(back));
            test.settle();
        }
    }
    trials.into_iter().for_each(Trials::print);
    test.finish("pod killed", 3 * times());
}

/// Before the cluster has formed for the first time.
#[test]
fn a_scorer_killed_during_start_up() {
    let Some(mut test) = TestCluster::acquire() else { return };
    let mut trials = Trials::of("a scorer killed during start-up");
    for trial in 0..times() {
        test.cluster.start_all();
        // Process 0 first, which leads the formation.
        let index = if trial == 0 { 0 } else { test.random.random_range(0..3) };
        thread::sleep(Duration::from_millis(test.random.random_range(0..1500)));
        let at = test.cluster.pod(index).signal_scorer(Signal::KILL);
        trials.add(None, test.load.recovery(at));
        if trial + 1 < times() {
            test.cluster.stop_all();
        }
    }
    trials.print();
    test.finish("scorer killed during start-up", times());
}

/// The second one while the others form the next generation, or have just formed it.
#[test]
fn two_scorers_killed_in_a_row() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("two scorers killed in a row");
    for _ in 0..times() {
        let (first, second) = (test.random.random_range(0..3), test.random.random_range(0..3));
        test.cluster.pod(first).signal_scorer(Signal::KILL);
        thread::sleep(Duration::from_millis(test.random.random_range(0..2000)));
        let at = test.cluster.pod(second).signal_scorer(Signal::KILL);
        trials.add(None, test.load.recovery(at));
        test.settle();
    }
    trials.print();
    test.finish("two scorers killed in a row", times());
}
