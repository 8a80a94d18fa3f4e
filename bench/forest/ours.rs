//! The histogram trainer and the flat forest.

use std::{hint::black_box, num::NonZeroUsize, sync::Arc};

use anyhow::Context;
use delaycast::forest::{Forest, TrainingSet};
use delaycast_train::train;

use super::{BATCH, Line, ONE_BY_ONE, Options, rows::Matrix, say, score};
use crate::clock::{Clock, Cost};

const WHO: &str = "delaycast";

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (learned, asked) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let learned = learned.first(options.thousandths);
    let rows = learned.len();
    let data = TrainingSet::new(learned.numbers, learned.classes, learned.width, (0..learned.width).collect())?;
    let (forest, Cost { seconds, cpu_s }) = grow(options, &data, options.threads)?;
    let log_loss = Some(asked.log_loss(&forest.probabilities_of_all(&asked.numbers)));
    let threads = options.threads.get();
    say(&Line { who: WHO, what: "train", threads, rows, cpu_s, seconds, log_loss })?;
    if options.train_only {
        return Ok(());
    }
    score(WHO, "score all at once", threads, &asked, &|rows| {
        black_box(forest.probabilities_of_all(rows));
    })?;
    score(WHO, "score in batches", threads, &asked, &|rows| {
        for batch in rows.chunks(BATCH * asked.width) {
            black_box(forest.probabilities_of_all(batch));
        }
    })?;
    score(WHO, "score one by one", threads, &asked.few(ONE_BY_ONE), &|rows| {
        for row in rows.chunks(asked.width) {
            black_box(forest.probabilities(row));
        }
    })
}

/// From rows in memory to a forest: quantising is part of it.
pub(super) fn grow(options: &Options, data: &TrainingSet, threads: NonZeroUsize) -> anyhow::Result<(Forest, Cost)> {
    let columns = vec![data.columns().to_vec()];
    let clock = Clock::start();
    let mut forests = train(options.settings(), data, &columns, threads, &(Arc::new(|_| ()) as _))?;
    Ok((forests.pop().context("a forest")?, clock.read()))
}
