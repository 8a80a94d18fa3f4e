//! Planned restarts.

use crate::{
    trials::{Trials, times},
    world::World,
};

/// Each pod in turn is stopped and started again.
#[test]
fn a_rolling_restart() {
    let Some(mut world) = World::running() else { return };
    let mut trials = Trials::of("a pod told to stop and started again; recovery from its start");
    for _ in 0..times() {
        for index in 0..3 {
            world.cluster.stop(index);
            let back = world.cluster.start(index);
            trials.add(None, world.load.recovery(back));
        }
    }
    trials.print();
    world.finish("rolling restart", 3 * times());
}

/// By configuration only: all are stopped, and another number is started.
#[test]
fn two_processes_then_three_then_two() {
    let Some(mut world) = World::enter() else { return };
    let mut trials = Trials::of("all stopped, and started as another number; recovery from the first start");
    world.cluster.replicas = 2;
    world.cluster.start_all();
    world.settle();
    for _ in 0..times() {
        for replicas in [3, 2] {
            world.cluster.stop_all();
            world.cluster.replicas = replicas;
            let at = world.cluster.start_all();
            trials.add(None, world.load.recovery(at));
            world.settle();
        }
    }
    trials.print();
    world.finish("rescaled", 2 * times());
}
