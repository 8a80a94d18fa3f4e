//! Two clusters at once on the same log, group and store: a worse overlap of generations than a hanging process can
//! cause.

use std::time::Instant;

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    test_cluster::{Cluster, MESH_PORT, TestCluster},
    trials::times,
};

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
