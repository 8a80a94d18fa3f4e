//! Planned restarts.

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
