//! Killed processes.

use std::{thread, time::Duration};

use rand::RngExt;
use rustix::process::Signal;

use crate::{
    trials::{Trials, times},
    world::World,
};

/// The scorer only: its supervisor restarts it.
#[test]
fn a_scorer_killed() {
    let Some(mut world) = World::running() else { return };
    let mut trials: Vec<Trials> = (0..3).map(|index| Trials::of(format!("scorer {index} killed"))).collect();
    for _ in 0..times() {
        for (index, trials) in trials.iter_mut().enumerate() {
            let generation = world.cluster.generation();
            let at = world.cluster.pod(index).signal_scorer(Signal::KILL);
            let noticed = world.cluster.wait_until_others_left(index, generation, at);
            trials.add(Some(noticed), world.load.recovery(at));
            world.settle();
        }
    }
    trials.into_iter().for_each(Trials::print);
    world.finish("scorer killed", 3 * times());
}

/// Supervisor and scorer, as when a pod is deleted without a grace period; it restarts after a moment.
#[test]
fn a_pod_killed() {
    let Some(mut world) = World::running() else { return };
    let mut trials: Vec<Trials> = (0..3).map(|index| Trials::of(format!("pod {index} killed"))).collect();
    for _ in 0..times() {
        for (index, trials) in trials.iter_mut().enumerate() {
            let generation = world.cluster.generation();
            let at = world.cluster.take(index).kill();
            let noticed = world.cluster.wait_until_others_left(index, generation, at);
            thread::sleep(Duration::from_millis(world.random.random_range(200..1000)));
            let back = world.cluster.start(index);
            trials.add(Some(noticed), world.load.recovery(back));
            world.settle();
        }
    }
    trials.into_iter().for_each(Trials::print);
    world.finish("pod killed", 3 * times());
}

/// Before the cluster has formed for the first time.
#[test]
fn a_scorer_killed_during_start_up() {
    let Some(mut world) = World::enter() else { return };
    let mut trials = Trials::of("a scorer killed during start-up");
    for trial in 0..times() {
        world.cluster.start_all();
        // Process 0 first, which leads the formation.
        let index = if trial == 0 { 0 } else { world.random.random_range(0..3) };
        thread::sleep(Duration::from_millis(world.random.random_range(0..1500)));
        let at = world.cluster.pod(index).signal_scorer(Signal::KILL);
        trials.add(None, world.load.recovery(at));
        if trial + 1 < times() {
            world.cluster.stop_all();
        }
    }
    trials.print();
    world.finish("scorer killed during start-up", times());
}

/// The second one while the others form the next generation, or have just formed it.
#[test]
fn two_scorers_killed_in_a_row() {
    let Some(mut world) = World::running() else { return };
    let mut trials = Trials::of("two scorers killed in a row");
    for _ in 0..times() {
        let (first, second) = (world.random.random_range(0..3), world.random.random_range(0..3));
        world.cluster.pod(first).signal_scorer(Signal::KILL);
        thread::sleep(Duration::from_millis(world.random.random_range(0..2000)));
        let at = world.cluster.pod(second).signal_scorer(Signal::KILL);
        trials.add(None, world.load.recovery(at));
        world.settle();
    }
    trials.print();
    world.finish("two scorers killed in a row", times());
}
