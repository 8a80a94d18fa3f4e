//! Failures: killed and suspended processes, a network partition, and two clusters at once on the same log, group and
//! store, which is a worse overlap of generations than a hanging process can cause.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    hosts::LEADER,
    test_cluster::{Cluster, MESH_PORT, TestCluster},
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

/// The names of all pods lead nowhere: only process 0 is looked up, by the name of its Service.
#[test]
fn a_pod_replaced_while_its_name_is_out_of_date() {
    let Some(mut test) = TestCluster::acquire() else { return };
    test.environment.network.make_names_stale();
    test.cluster.leader = Some(LEADER);
    test.cluster.start_all();
    test.settle();
    let mut trials = Trials::of("a pod replaced while its name leads to another address; recovery from its start");
    for _ in 0..times() {
        for index in 0..3 {
            test.cluster.take(index).kill();
            // The port is free once the killed scorer has ended, too.
            thread::sleep(Duration::from_millis(test.random.random_range(200..1000)));
            let back = test.cluster.start(index);
            trials.add(None, test.load.recovery(back));
            test.settle();
        }
    }
    trials.print();
    test.finish("pod replaced", 3 * times());
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

/// The supervisor kills a scorer that is suspended.
#[test]
fn a_scorer_frozen() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("a scorer frozen (SIGSTOP)");
    for trial in 0..times() {
        let index = trial % 3;
        let generation = test.cluster.generation();
        let at = test.cluster.pod(index).signal_scorer(Signal::STOP);
        let noticed = test.cluster.wait_until_others_left(index, generation, at);
        test.cluster.pod(index).wait_for_line(at, "does not report any more");
        trials.add(Some(noticed), test.load.recovery(at));
        test.settle();
    }
    trials.print();
    test.finish("scorer frozen", times());
}

/// Supervisor and scorer resume after the others have detected the failure. The scorer may still answer requests that
/// it had read, so two generations overlap.
#[test]
fn a_pod_frozen_and_thawed() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("a pod frozen; recovery from when it goes on");
    for trial in 0..times() {
        let index = (trial + 1) % 3;
        let generation = test.cluster.generation();
        let at = test.cluster.pod(index).signal_both(Signal::STOP);
        let noticed = test.cluster.wait_until_others_left(index, generation, at);
        thread::sleep(Duration::from_millis(test.random.random_range(0..1000)));
        test.cluster.pod(index).signal_both(Signal::CONT);
        let thawed = Instant::now();
        trials.add(Some(noticed), test.load.recovery(thawed));
        test.settle();
    }
    trials.print();
    test.finish("pod frozen", times());
}

/// Both processes run and reach the third one.
#[test]
fn a_network_partition_between_two_processes() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut trials = Trials::of("the network between two cut; recovery from its healing");
    for trial in 0..times() {
        let (one, other) = [(1, 2), (0, 1), (0, 2)][trial % 3];
        let generation = test.cluster.generation();
        let [cut, other_host] = [one, other].map(|index| test.environment.network.pods[index].clone());
        let at = Instant::now();
        cut.drop_packets(&other_host);
        let (left, line) = test.cluster.last_line(one, at);
        let (left_too, line_too) = test.cluster.last_line(other, at);
        for (index, line) in [(one, &line), (other, &line_too)] {
            assert!(line.starts_with(&format!("process {index}: generation {generation} is over: process ")), "{line}");
        }
        thread::sleep(Duration::from_millis(test.random.random_range(0..3000)));
        let healed = Instant::now();
        cut.heal();
        trials.add(Some(left.max(left_too).duration_since(at)), test.load.recovery(healed));
        test.settle();
    }
    trials.print();
    test.finish("network cut", times());
}

#[test]
fn two_clusters_at_once() {
    let Some(mut test) = TestCluster::running() else { return };
    let mut other = Cluster::new(&test.environment, "other", MESH_PORT + 1, 3);
    let started = other.start_all();
    (0..3).for_each(|index| drop(other.pod(index).wait_for_line(started, " has formed")));
    let kills = 4 * times();
    for kill in 0..kills {
        let cluster = if kill % 2 == 0 { &test.cluster } else { &other };
        let at = cluster.pod(test.random.random_range(0..3)).signal_scorer(Signal::KILL);
        test.load.recovery(at);
        // The killed cluster has formed again; the answers could be the other one's.
        (0..3).for_each(|index| drop(cluster.pod(index).wait_for_line(at, " has formed")));
    }
    // The other cluster also reads the uncommitted messages of the first one.
    test.cluster.stop_all();
    test.load.recovery(Instant::now());
    std::mem::swap(&mut test.cluster, &mut other);
    test.finish("two clusters at once", kills);
}
