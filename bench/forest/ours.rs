//! The histogram trainer and the traversal of delaycast.

use std::{hint::black_box, num::NonZeroUsize, sync::Arc};

use anyhow::Context;
use delaycast::forest::{Forest, TrainingSet};
use delaycast_train::{ForestColumns, train};

use super::{
    measure::{ALL_AT_ONCE, BATCH, IN_BATCHES, ONE_BY_ONE, Options, ROWS_ONE_BY_ONE, TRAIN, print_line, score},
    rows::Matrix,
};
use crate::clock::{Clock, Cost};

pub(crate) const LIBRARY: &str = "delaycast";

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (train_rows, test) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let train_rows = train_rows.first(options.thousandths);
    let rows = train_rows.len();
    let data =
        TrainingSet::new(train_rows.numbers, train_rows.classes, train_rows.width, (0..train_rows.width).collect())?;
    let (forest, cost) = grow(options, &data, options.threads)?;
    let log_loss = Some(test.log_loss(&forest.probabilities_of_all(&test.numbers)));
    let threads = options.threads.get();
    print_line(LIBRARY, TRAIN, threads, rows, cost, log_loss)?;
    if options.train_only {
        return Ok(());
    }
    score(LIBRARY, ALL_AT_ONCE, threads, &test, &|rows| {
        black_box(forest.probabilities_of_all(rows));
    })?;
    score(LIBRARY, IN_BATCHES, threads, &test, &|rows| {
        for batch in rows.chunks(BATCH * test.width) {
            black_box(forest.probabilities_of_all(batch));
        }
    })?;
    score(LIBRARY, ONE_BY_ONE, threads, &test.few(ROWS_ONE_BY_ONE), &|rows| {
        for row in rows.chunks(test.width) {
            black_box(forest.probabilities(row));
        }
    })
}

/// Grows a forest from rows in memory; the cost includes their quantisation.
fn grow(options: &Options, data: &TrainingSet, threads: NonZeroUsize) -> anyhow::Result<(Forest, Cost)> {
    let columns = [ForestColumns::of(data.columns())];
    let clock = Clock::start();
    let mut forests = train(options.settings(), data, &columns, threads, &(Arc::new(|_| ()) as _))?;
    Ok((forests.pop().context("a forest")?, clock.read()))
}
