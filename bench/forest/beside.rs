//! Scoring by delaycast and linfa-trees in short turns in one process: the speed of a shared machine varies little
//! between two successive turns.

use std::hint::black_box;

use delaycast::forest::TrainingSet;

use super::{
    linfa,
    measure::{BATCH, Options, score_for},
    ours,
    rows::Matrix,
};

const TURNS: usize = 41;
/// Least CPU time of a turn.
const TURN_S: f64 = 0.1;

pub(super) fn measure(options: &Options) -> anyhow::Result<()> {
    let (train, test) = (Matrix::read(&options.rows, "train")?, Matrix::read(&options.rows, "test")?);
    let votes = linfa::scorer(options, &train)?;
    let data = TrainingSet::new(train.numbers, train.classes, train.width, (0..train.width).collect())?;
    let (forest, _) = ours::grow(options, &data, options.threads)?;
    let batch = BATCH * test.width;
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let ours =
            rate(&test, |rows| rows.chunks(batch).for_each(|rows| drop(black_box(forest.probabilities_of_all(rows)))));
        let linfa = rate(&test, |rows| rows.chunks(batch).for_each(&votes));
        turns.push((ours, linfa, ours / linfa));
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
        let (ours, linfa, ratio) = turns[at];
        println!("{name:>14}: {:.2} M, {:.2} M, {ratio:.2}", ours / 1e6, linfa / 1e6);
    }
    Ok(())
}

/// Rows a CPU second.
fn rate(rows: &Matrix, score: impl Fn(&[f32]) + Sync) -> f64 {
    let (scored, cost) = score_for(TURN_S, 1, rows, &score);
    scored as f64 / cost.cpu_s
}
