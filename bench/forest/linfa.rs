//! linfa-trees with its default settings: a bagged forest of decision trees that vote.

use std::{hint::black_box, thread};

use anyhow::Context;
use delaycast::flight::{CLASSES, DelayClass};
use linfa::{
    Dataset,
    traits::{Fit, Predict},
};
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    measure::{ALL_AT_ONCE, BATCH, IN_BATCHES, ONE_BY_ONE, Options, ROWS_ONE_BY_ONE, TRAIN, print_line, score},
    rows::Matrix,
};
use crate::clock::Clock;

pub(super) const LIBRARY: &str = "linfa-trees";

/// A tree, and the columns that it was trained on.
type Tree = (DecisionTree<f32, usize>, Vec<usize>);

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (train, test) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let train = train.first(options.thousandths);
    let records = records(&train)?;
    let threads = options.threads.get();
    let clock = Clock::start();
    let trees = grow(options, &records, &train.classes)?;
    print_line(LIBRARY, TRAIN, threads, train.len(), clock.read(), None)?;
    if options.train_only {
        return Ok(());
    }
    let vote = voting(trees, test.width);
    score(LIBRARY, ALL_AT_ONCE, threads, &test, &vote)?;
    score(LIBRARY, IN_BATCHES, threads, &test, &|rows| rows.chunks(BATCH * test.width).for_each(&vote))?;
    score(LIBRARY, ONE_BY_ONE, threads, &test.few(ROWS_ONE_BY_ONE), &|rows| rows.chunks(test.width).for_each(&vote))
}

fn records(train: &Matrix) -> anyhow::Result<Array2<f32>> {
    Ok(Array2::from_shape_vec((train.len(), train.width), train.numbers.clone())?)
}

/// Returns a function that scores rows of `width` numbers.
fn voting(trees: Vec<Tree>, width: usize) -> impl Fn(&[f32]) + Sync {
    move |rows| {
        // Only whole rows are passed.
        let rows = ArrayView2::from_shape((rows.len() / width, width), rows);
        rows.iter().for_each(|rows| drop(black_box(votes(&trees, rows))));
    }
}

/// Grows trees, each on a random choice of columns: linfa-trees tries all columns at each node, so this is the work of
/// delaycast's `max_features`.
fn grow(options: &Options, records: &Array2<f32>, classes: &[DelayClass]) -> anyhow::Result<Vec<Tree>> {
    let numbers: Vec<u32> = (0..options.trees).collect();
    let share = numbers.len().div_ceil(options.threads.get()).max(1);
    thread::scope(|scope| {
        let growing: Vec<_> = numbers
            .chunks(share)
            .map(|numbers| {
                scope.spawn(move || numbers.iter().map(|&tree| grow_one(options, records, classes, tree)).collect())
            })
            .collect();
        let mut trees = Vec::new();
        for grown in growing {
            let grown: anyhow::Result<Vec<Tree>> = grown.join().ok().context("a thread panicked")?;
            trees.extend(grown?);
        }
        Ok(trees)
    })
}

fn grow_one(options: &Options, records: &Array2<f32>, classes: &[DelayClass], tree: u32) -> anyhow::Result<Tree> {
    let mut rng = ChaCha8Rng::seed_from_u64(tree.into());
    let drawn: Vec<usize> = (0..classes.len()).map(|_| rng.random_range(0..classes.len())).collect();
    let mut columns: Vec<usize> = (0..records.ncols()).collect();
    let max_features = options.max_features.resolve(columns.len());
    if max_features < columns.len() {
        columns.shuffle(&mut rng);
        columns.truncate(max_features);
    }
    let bag = records.select(Axis(0), &drawn).select(Axis(1), &columns);
    let labels: Array1<usize> = drawn.iter().map(|&row| classes[row].index()).collect();
    let settings = DecisionTree::params().max_depth(Some(options.depth as usize));
    let tree = settings.min_weight_leaf(options.min_samples_leaf as f32).fit(&Dataset::new(bag, labels));
    Ok((tree.context("linfa-trees")?, columns))
}

/// Counts the trees that vote for each class.
fn votes(trees: &[Tree], rows: &ArrayView2<'_, f32>) -> Vec<[u32; CLASSES]> {
    let mut votes = vec![[0; CLASSES]; rows.nrows()];
    for (tree, columns) in trees {
        // A tree with all columns needs no selection of columns.
        let all = columns.len() == rows.ncols();
        let classes = if all { tree.predict(rows) } else { tree.predict(&rows.select(Axis(1), columns)) };
        for (votes, class) in votes.iter_mut().zip(classes) {
            votes[class] += 1;
        }
    }
    votes
}
