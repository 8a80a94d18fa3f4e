//! Two whole clusters at once on the same log, in the same group, into the same store: an overlap of generations that is
//! worse than any that a hanging process can cause.

use std::time::Instant;

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    trials::times,
    world::{Cluster, MESH_PORT, World},
};

#[test]
fn two_clusters_at_once() {
    let Some(mut world) = World::at_work() else { return };
    let mut other = Cluster::new(&world.ground, "other", MESH_PORT + 1, 3);
    let started = other.start_all();
    (0..3).for_each(|index| drop(other.pod(index).says(started, " has formed")));
    let kills = 4 * times();
    for kill in 0..kills {
        let cluster = if kill % 2 == 0 { &world.cluster } else { &other };
        let at = cluster.pod(world.random.random_range(0..3)).signal_scorer(Signal::KILL);
        world.load.recovery(at);
        // Both are at work again, and not one for the other.
        (0..3).for_each(|index| drop(cluster.pod(index).says(at, " has formed")));
    }
    // The first one goes: what it has read and not committed is the other's as well.
    world.cluster.stop_all();
    world.load.recovery(Instant::now());
    std::mem::swap(&mut world.cluster, &mut other);
    world.finish("two clusters at once", kills);
}
