//! Network partition between two processes.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;

use crate::{
    trials::{Trials, times},
    world::World,
};

/// Both run and reach the third one.
#[test]
fn the_network_between_two_is_cut() {
    let Some(mut world) = World::running() else { return };
    let mut trials = Trials::of("the network between two cut; recovery from its healing");
    for trial in 0..times() {
        let (one, other) = [(1, 2), (0, 1), (0, 2)][trial % 3];
        let generation = world.cluster.generation();
        let [cut, other_host] = [one, other].map(|index| world.environment.network.pods[index].clone());
        let at = Instant::now();
        cut.drop_packets(&other_host);
        let (left, line) = world.cluster.last_line(one, at);
        let (left_too, line_too) = world.cluster.last_line(other, at);
        for (index, line) in [(one, &line), (other, &line_too)] {
            assert!(line.starts_with(&format!("process {index}: generation {generation} is over: process ")), "{line}");
        }
        thread::sleep(Duration::from_millis(world.random.random_range(0..3000)));
        let healed = Instant::now();
        cut.heal();
        trials.add(Some(left.max(left_too).duration_since(at)), world.load.recovery(healed));
        world.settle();
    }
    trials.print();
    world.finish("network cut", times());
}
