//! Training over several processes, here threads of one that talk over sockets of this machine.

#![allow(clippy::unwrap_used)]

use std::{net::TcpListener, num::NonZeroUsize, sync::Arc, thread};

use delaycast::{
    features::Preset,
    flight::DelayClass,
    forest::{ForestSettings, MaxFeatures, TrainingSet},
};
use delaycast_train::{ForestColumns, OnProgress, WorkerPlacement, train, train_on};
use timely::CommunicationConfig;

/// Rows of two digits whose class is their sum, modulo 4.
fn digits() -> TrainingSet {
    let class = |row: usize| DelayClass::ALL[(row % 2 + row / 2 % 4) % 4];
    let rows = (0..400).flat_map(|row| [(row % 2) as f32, (row / 2 % 4) as f32]).collect();
    TrainingSet::new(rows, (0..400).map(class).collect(), 2, vec![0, 1]).unwrap()
}

#[test]
fn three_processes_make_the_forest_that_one_makes() {
    let settings = ForestSettings {
        trees: 9,
        max_features: MaxFeatures::Count(1),
        min_samples_leaf: 1,
        ..ForestSettings::from_preset(Preset::Default, 5)
    };
    let columns = [ForestColumns::of(&[0, 1]), ForestColumns::of(&[1])];
    let quiet: OnProgress = Arc::new(|_| ());
    let expected = train(settings, &digits(), &columns, NonZeroUsize::MIN, &quiet).unwrap();
    // Timely wants addresses: the sockets are let go of just before it takes them.
    let sockets: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<String> = sockets.iter().map(|socket| socket.local_addr().unwrap().to_string()).collect();
    drop(sockets);
    let process = |process| {
        let (addresses, columns, quiet) = (addresses.clone(), columns.clone(), Arc::clone(&quiet));
        thread::spawn(move || {
            let config = CommunicationConfig::Cluster { threads: 2, process, addresses, report: false, zerocopy: true };
            let placement = WorkerPlacement { process, processes: 3, workers: 2 };
            train_on(config.try_build().unwrap(), placement, settings, &digits(), &columns, &quiet).unwrap()
        })
    };
    let threads: Vec<_> = (0..3).map(process).collect();
    let made: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(made, [Some(expected), None, None]);
}
