//! Suspension of processes, as by a debugger, a hypervisor, or a machine that swaps.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    test_cluster::TestCluster,
    trials::{Trials, times},
};

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
