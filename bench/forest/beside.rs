//! Ours and linfa-trees score by turns in one process, a fraction of a second each: the machine changes its speed, and turns as short as
//! these mostly find the same one.

use std::hint::black_box;

use delaycast::forest::TrainingSet;

use super::{BATCH, Options, linfa, ours, rows::Matrix, score_for};

const TURNS: usize = 41;
/// A turn takes at least this much CPU time.
const TURN_S: f64 = 0.1;

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (learned, asked) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let votes = linfa::scorer(options, &learned)?;
    let data = TrainingSet::new(learned.numbers, learned.classes, learned.width, (0..learned.width).collect())?;
    let (forest, _) = ours::grow(options, &data, options.threads)?;
    let batch = BATCH * asked.width;
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let mine =
            rate(&asked, |rows| rows.chunks(batch).for_each(|rows| drop(black_box(forest.probabilities_of_all(rows)))));
        let theirs = rate(&asked, |rows| rows.chunks(batch).for_each(&votes));
        turns.push((mine, theirs, mine / theirs));
    }
    turns.sort_by(|a, b| a.2.total_cmp(&b.2));
    let shown = [
        ("least", 0),
        ("a quarter", TURNS / 4),
        ("median", TURNS / 2),
        ("three quarters", 3 * TURNS / 4),
        ("most", TURNS - 1),
    ];
    println!(
        "rows a CPU second in batches of {BATCH}, {TURNS} turns in the order of their ratio: ours, linfa-trees, ratio"
    );
    for (name, at) in shown {
        let (mine, theirs, ratio) = turns[at];
        println!("{name:>14}: {:.2} M, {:.2} M, {ratio:.2}", mine / 1e6, theirs / 1e6);
    }
    Ok(())
}

/// Rows a CPU second.
fn rate(asked: &Matrix, score: impl Fn(&[f32]) + Sync) -> f64 {
    let (rows, cost) = score_for(TURN_S, 1, asked, &score);
    rows as f64 / cost.cpu_s
}
