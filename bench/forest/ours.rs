//! The histogram trainer and the traversal of delaycast.

use std::{hint::black_box, num::NonZeroUsize, sync::Arc};

use anyhow::Context;
use delaycast::forest::{Forest, TrainingSet};
use delaycast_train::train;

use super::{
    measure::{BATCH, Line, ONE_BY_ONE, Options, print_line, score},
    rows::Matrix,
};
use crate::clock::{Clock, Cost};

const LIBRARY: &str = "delaycast";

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (train_rows, test) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let train_rows = train_rows.first(options.thousandths);
    let rows = train_rows.len();
    let data =
        TrainingSet::new(train_rows.numbers, train_rows.classes, train_rows.width, (0..train_rows.width).collect())?;
    let (forest, Cost { seconds, cpu_s }) = grow(options, &data, options.threads)?;
    let log_loss = Some(test.log_loss(&forest.probabilities_of_all(&test.numbers)));
    let threads = options.threads.get();
    print_line(&Line { library: LIBRARY, step: "train", threads, rows, cpu_s, seconds, log_loss })?;
    if options.train_only {
        return Ok(());
    }
    score(LIBRARY, "score all at once", threads, &test, &|rows| {
        black_box(forest.probabilities_of_all(rows));
    })?;
    score(LIBRARY, "score in batches", threads, &test, &|rows| {
        for batch in rows.chunks(BATCH * test.width) {
            black_box(forest.probabilities_of_all(batch));
        }
    })?;
    score(LIBRARY, "score one by one", threads, &test.few(ONE_BY_ONE), &|rows| {
        for row in rows.chunks(test.width) {
            black_box(forest.probabilities(row));
        }
    })
}

/// Grows a forest from rows in memory; the cost includes their quantisation.
pub(super) fn grow(options: &Options, data: &TrainingSet, threads: NonZeroUsize) -> anyhow::Result<(Forest, Cost)> {
    let columns = vec![data.columns().to_vec()];
    let clock = Clock::start();
    let mut forests = train(options.settings(), data, &columns, threads, &(Arc::new(|_| ()) as _))?;
    Ok((forests.pop().context("a forest")?, clock.read()))
}
