//! Two clusters at once on the same log, group and store: a worse overlap of generations than a hanging process can
//! cause.

use std::time::Instant;

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    trials::times,
    world::{Cluster, MESH_PORT, World},
};

#[test]
fn two_clusters_at_once() {
    let Some(mut world) = World::running() else { return };
    let mut other = Cluster::new(&world.environment, "other", MESH_PORT + 1, 3);
    let started = other.start_all();
    (0..3).for_each(|index| drop(other.pod(index).wait_for_line(started, " has formed")));
    let kills = 4 * times();
    for kill in 0..kills {
        let cluster = if kill % 2 == 0 { &world.cluster } else { &other };
        let at = cluster.pod(world.random.random_range(0..3)).signal_scorer(Signal::KILL);
        world.load.recovery(at);
        // The killed cluster itself has formed again; the answers alone could be the other one's.
        (0..3).for_each(|index| drop(cluster.pod(index).wait_for_line(at, " has formed")));
    }
    // The other cluster also reads what the first has read and not committed.
    world.cluster.stop_all();
    world.load.recovery(Instant::now());
    std::mem::swap(&mut world.cluster, &mut other);
    world.finish("two clusters at once", kills);
}
