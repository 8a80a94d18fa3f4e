//! The kernels of the forest, one by one, on random rows: `cargo bench --package delaycast-bench --features kernels`.
//! Criterion compares each run with the one before.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use delaycast::{
    features::Preset,
    flight::{DelayClass, DelayReference},
    forest::{
        Forest, ForestSettings, TrainingSet, Tree,
        histogram::{RowPartition, Shard, grow, quantise},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 100_000;
const WIDTH: usize = 23;

/// Random rows; the class depends on three columns.
fn rows() -> TrainingSet {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let numbers: Vec<f32> = (0..ROWS * WIDTH).map(|_| rng.random_range(-60.0..180.0)).collect();
    let class = |row: &[f32]| DelayClass::of_delay((row[0] + row[1] + row[2]) / 3.0 - 30.0);
    let classes = numbers.chunks_exact(WIDTH).map(class).collect();
    TrainingSet::new(numbers, classes, WIDTH, (0..WIDTH).collect()).unwrap()
}

fn settings(depth: u32) -> ForestSettings {
    ForestSettings { depth, min_samples_leaf: 20, ..ForestSettings::from_preset(Preset::Default, 1) }
}

fn training(c: &mut Criterion) {
    let data = rows();
    let (bins, shard) = quantise(&data);
    let mut group = c.benchmark_group("training, a row");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    group.bench_function("quantise", |b| {
        b.iter(|| {
            let mut shard = Shard::with_capacity(&bins, ROWS, 0);
            shard.extend(&bins, data.rows(), data.outcomes());
            shard
        });
    });
    let mut partition = Some(RowPartition::default());
    group.bench_function("weigh", |b| {
        b.iter(|| partition = partition.take().map(|partition| partition.reset(black_box(&shard), 1, 0)));
    });
    for depth in [1, 5, 10, 14] {
        let settings = settings(depth);
        group.bench_function(format!("grow a tree of depth {depth}"), |b| {
            b.iter(|| grow(&bins, &shard, data.columns(), DelayReference::Schedule, &settings, 0));
        });
    }
    group.finish();
}

fn scoring(c: &mut Criterion) {
    let data = rows();
    let (bins, shard) = quantise(&data);
    let mut group = c.benchmark_group("scoring, a row of 20 trees");
    for depth in [5, 14] {
        let settings = settings(depth);
        let trees: Vec<Tree> = (0..20)
            .map(|tree| grow(&bins, &shard, data.columns(), DelayReference::Schedule, &settings, tree))
            .collect();
        let forest = Forest::new(&trees, WIDTH).unwrap();
        for batch in [1, 10, 100, 1000] {
            let rows = &data.rows()[..batch * WIDTH];
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(format!("depth {depth}, {batch} at once"), |b| {
                b.iter(|| forest.probabilities_of_all(black_box(rows)));
            });
        }
    }
    group.finish();
}

criterion_group!(kernels, training, scoring);
criterion_main!(kernels);
