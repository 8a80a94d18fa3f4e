//! Network partition between two processes.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;

use crate::{
    test_cluster::TestCluster,
    trials::{Trials, times},
};

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
