use proptest::prelude::*;

use super::{sampling, *};
use crate::{
    features::Preset,
    flight::{DelayClass, DelayReference, FlightOutcome},
    forest::{
        Distribution, Forest, ForestSettings, Leaf, MaxFeatures, OUTCOMES, Trainer, TrainingSet, Tree, linfa,
        tests::digits,
    },
};

fn settings() -> ForestSettings {
    ForestSettings {
        max_features: MaxFeatures::Count(2),
        min_samples_leaf: 1,
        depth: 4,
        ..ForestSettings::from_preset(Preset::Default, 7)
    }
}

/// Rows of two columns, some numbers missing, with a class that depends on both.
fn rows() -> impl Strategy<Value = TrainingSet> {
    let number = prop_oneof![1 => Just(f32::NAN), 8 => (0i8..9).prop_map(f32::from)];
    prop::collection::vec(([number.clone(), number], 0usize..4), 1..120).prop_map(|rows| {
        let numbers = rows.iter().flat_map(|(numbers, _)| *numbers).collect();
        let classes = rows.iter().map(|(_, class)| DelayClass::ALL[*class]).collect();
        TrainingSet::new(numbers, classes, 2, vec![0, 1]).unwrap()
    })
}

/// The weight of each class left and right of a threshold, with a tree's bootstrap weights.
fn sides(data: &TrainingSet, weights: &[u32], column: usize, threshold: f32) -> [Counts; 2] {
    let mut sides = [Counts::default(); 2];
    for (row, (class, weight)) in data.classes().iter().zip(weights).enumerate() {
        sides[usize::from(data.value(row as u32, column) > threshold)][class.index()] += weight;
    }
    sides
}

/// The Gini impurity of both sides, weighted by their rows.
fn impurity(sides: &[Counts; 2]) -> f64 {
    let of = |counts: &Counts| {
        let total: u32 = counts.iter().sum();
        let share = |count: &u32| f64::from(*count) / f64::from(total.max(1));
        f64::from(total) * (1.0 - counts.iter().map(|count| share(count).powi(2)).sum::<f64>())
    };
    of(&sides[0]) + of(&sides[1])
}

/// A worker without rows follows the decisions of the others.
#[test]
fn an_empty_shard_counts_nothing_and_applies_splits() {
    let data = digits(80);
    let (bins, _) = quantise(&data);
    let empty = Shard::with_capacity(&bins, 0, 80);
    let mut partition = RowPartition::new(&empty, 1, 0);
    assert_eq!(partition.class_weights(), Counts::default());
    partition.apply_splits(&[SplitDecision { split: Some((1, 1)), open: [true; 2] }]);
    partition.apply_splits(&[
        SplitDecision { split: Some((0, 1)), open: [true, false] },
        SplitDecision { split: None, open: [false; 2] },
    ]);
    assert_eq!(partition.class_weights(), Counts::default());
}

proptest! {
    /// The oracle tries every threshold on every column.
    #[test]
    fn the_root_has_the_split_of_least_impurity(data in rows()) {
        let settings = ForestSettings { depth: 1, ..settings() };
        let (bins, shard) = quantise(&data);
        let tree = grow(&bins, &shard, data.columns(), DelayReference::Schedule, &settings, 3);
        let weights = sampling::RandomStream::weights(settings.seed, 3);
        let weights: Vec<u32> = (0..data.rows_len() as u64).map(|row| weights.weight(row)).collect();
        let mut best = f64::INFINITY;
        for column in 0..2 {
            for threshold in (-1..9).map(|at| f32::from(at as i8) + 0.5).chain([f32::MIN]) {
                let sides = sides(&data, &weights, column, threshold);
                if sides.iter().all(|side| side.iter().sum::<u32>() > 0) {
                    best = best.min(impurity(&sides));
                }
            }
        }
        let total: u32 = weights.iter().sum();
        let unsplit = impurity(&[sides(&data, &weights, 0, f32::INFINITY)[0], Counts::default()]);
        match tree.nodes[0].split {
            Some(split) => {
                let found = impurity(&sides(&data, &weights, usize::from(split.column), split.threshold));
                prop_assert!((found - best).abs() < 1e-6 * f64::from(total), "{found} {best}");
            }
            None => prop_assert!(unsplit - best < 1e-6 * f64::from(total) + 1e-9 || !best.is_finite(), "{unsplit} {best}"),
        }
    }

    /// The histograms of two shards, summed, give the tree of all rows in one shard.
    #[test]
    fn rows_in_two_shards_grow_the_same_tree(data in rows(), cut in 0usize..120) {
        let settings = settings();
        let (bins, whole) = quantise(&data);
        let cut = cut.min(data.rows_len());
        let part = |from: usize, to: usize| {
            let mut shard = Shard::with_capacity(&bins, to - from, from as u64);
            shard.extend(&bins, &data.rows()[2 * from..2 * to], &data.outcomes()[from..to]);
            shard
        };
        let parts = [part(0, cut), part(cut, data.rows_len())];
        let mut partitions = parts.each_ref().map(|part| RowPartition::new(part, settings.seed, 1));
        let mut builder = TreeBuilder::new(data.columns(), &settings, 1);
        let [a, b] = partitions.each_ref().map(RowPartition::class_weights);
        builder.set_root(std::array::from_fn(|class| a[class] + b[class]));
        while let Some(batch) = builder.next_batch(&bins) {
            let counts = partitions.iter().map(|partition| partition.count_histograms(&bins, &batch));
            let sum = counts.reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect()).unwrap();
            builder.choose_splits(&bins, &batch, &sum);
            if let Some(decisions) = builder.finish_level() {
                partitions.iter_mut().for_each(|partition| partition.apply_splits(&decisions));
            }
        }
        let binned = builder.to_binned(DelayReference::Schedule);
        let [a, b] = parts.each_ref().map(|part| binned.count_outcomes(part));
        let counts: Vec<u32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
        prop_assert_eq!(builder.into_tree(&bins, &counts), grow(&bins, &whole, data.columns(), DelayReference::Schedule, &settings, 1));
    }

    /// No split compares another column, and depth and leaves keep to their bounds.
    #[test]
    fn trees_make_a_forest_and_keep_to_their_settings(data in rows(), leaf in 1u32..20, depth in 0u32..6) {
        let settings = ForestSettings { min_samples_leaf: leaf, depth, ..settings() };
        let (bins, shard) = quantise(&data);
        let trees: Vec<Tree> = (0..3).map(|tree| grow(&bins, &shard, &[1], DelayReference::Schedule, &settings, tree)).collect();
        let forest = Forest::new(&trees, 2).unwrap();
        prop_assert!(!forest.uses_column(0));
        for (number, tree) in (0..).zip(&trees) {
            prop_assert!(tree.nodes.len() < 1 << (depth + 1));
            let weights = sampling::RandomStream::weights(settings.seed, number);
            for split in tree.nodes.iter().take(1).filter_map(|node| node.split) {
                let weights: Vec<u32> = (0..data.rows_len() as u64).map(|row| weights.weight(row)).collect();
                let sides = sides(&data, &weights, 1, split.threshold);
                prop_assert!(sides.iter().all(|side| side.iter().sum::<u32>() >= leaf));
            }
        }
    }
}

#[test]
fn learns_separable_classes_as_the_reference_does() {
    let data = digits(800);
    let (bins, shard) = quantise(&data);
    let correct = |trees: &[Tree]| {
        let answers = Forest::new(trees, 2).unwrap().probabilities_of_all(data.rows());
        answers.iter().zip(data.classes()).filter(|(p, class)| DelayClass::most_probable(p) == **class).count()
    };
    let ours = grow(&bins, &shard, data.columns(), DelayReference::Schedule, &settings(), 0);
    let reference = ForestSettings { trainer: Trainer::Linfa, max_samples: 2000, depth: 8, ..settings() };
    let theirs = linfa::grow(&data, DelayReference::Schedule, &reference, 0).unwrap();
    assert_eq!((correct(&[ours]), correct(&[theirs])), (800, 800));
}

/// Without ties and with one informative column there is one best split, and both trainers find it.
#[test]
fn without_ties_the_reference_finds_the_same_split() {
    let numbers: Vec<f32> = (0..1000u16).map(|at| f32::from(at * 37 % 1009)).collect();
    let classes = numbers.iter().map(|&number| DelayClass::ALL[usize::from(number > 400.0) * 3]).collect();
    let data = TrainingSet::new(numbers.clone(), classes, 1, vec![0]).unwrap();
    let (bins, shard) = quantise(&data);
    let settings = ForestSettings { depth: 1, max_features: MaxFeatures::Count(1), ..settings() };
    let ours = grow(&bins, &shard, &[0], DelayReference::Schedule, &settings, 0).nodes[0].split.unwrap();
    let theirs = linfa::grow(&data, DelayReference::Schedule, &ForestSettings { max_samples: 4000, ..settings }, 0)
        .unwrap()
        .nodes[0]
        .split
        .unwrap();
    // A bin has four of the numbers, and linfa-trees draws only some of the rows.
    assert!((ours.threshold - 400.0).abs() < 5.0 && (theirs.threshold - 400.0).abs() < 5.0, "{ours:?} {theirs:?}");
}

#[test]
fn a_missing_number_is_a_value_to_split_on() {
    let rows = (0..200u8).map(|at| if at % 2 == 0 { f32::NAN } else { f32::from(at) }).collect();
    let classes = (0..200).map(|at| if at % 2 == 0 { DelayClass::Early } else { DelayClass::VeryLate }).collect();
    let data = TrainingSet::new(rows, classes, 1, vec![0]).unwrap();
    let (bins, shard) = quantise(&data);
    let forest = Forest::new(&[grow(&bins, &shard, &[0], DelayReference::Schedule, &settings(), 0)], 1).unwrap();
    assert!(forest.probabilities(&[f32::NAN])[0] > 0.9 && forest.probabilities(&[-1e30])[3] > 0.9);
}

/// Rows have more columns than a word: the nodes' probabilities are those of the rows that the thresholds send there.
/// The memory of another tree is reused.
#[test]
fn nodes_have_the_class_shares_of_the_rows_that_reach_them() {
    const WIDTH: usize = 19;
    let number = |row: usize, column: usize| ((row * 31 + column * 17) * (row + 7 * column + 1) % 101) as f32;
    let rows: Vec<f32> = (0..600).flat_map(|row| (0..WIDTH).map(move |column| number(row, column))).collect();
    let outcome = |row: usize| FlightOutcome::arrived(number(row, 3) + number(row, 18) - 70.0, number(row, 5) - 20.0);
    let data = TrainingSet::new(rows, (0..600).map(outcome).collect(), WIDTH, (0..WIDTH).collect()).unwrap();
    let reference = DelayReference::Departure;
    let (bins, shard) = quantise(&data);
    let settings = ForestSettings {
        depth: 6,
        max_features: MaxFeatures::Count(11),
        min_samples_leaf: 3,
        path_smooth: 0,
        ..settings()
    };
    let mut reused = RowPartition::new(&shard, settings.seed, 9);
    for number in 0..3 {
        reused = reused.reset(&shard, settings.seed, number);
        assert_eq!(reused.class_weights(), RowPartition::new(&shard, settings.seed, number).class_weights());
        let tree = grow(&bins, &shard, data.columns(), reference, &settings, number);
        let weights = sampling::RandomStream::weights(settings.seed, number);
        let mut counts = vec![Counts::default(); tree.nodes.len()];
        let mut outcomes = vec![[0; OUTCOMES]; tree.nodes.len()];
        for (row, (numbers, outcome)) in data.rows().chunks_exact(WIDTH).zip(data.outcomes()).enumerate() {
            let mut at = 0;
            loop {
                counts[at][outcome.class().unwrap().index()] += weights.weight(row as u64);
                let Some(split) = tree.nodes[at].split else { break };
                at = split.left as usize + usize::from(numbers[usize::from(split.column)] > split.threshold);
            }
            // Each row counts once, whatever its weight.
            outcomes[at][outcome.delay(reference).unwrap().index()] += 1;
        }
        assert!(tree.nodes.len() > 30);
        let leaves = tree.nodes.iter().zip(&outcomes).filter(|(node, _)| node.split.is_none());
        let expected: Vec<_> = leaves.map(|(_, counts)| Leaf::from_counts(counts)).collect();
        assert_eq!(tree.leaves, expected);
        // The root's probabilities are always shrunk towards uniform ones.
        for (node, counts) in tree.nodes.iter().zip(&counts).skip(1) {
            let total: u32 = counts.iter().sum();
            assert!(total >= 3);
            assert_eq!(node.distribution, Distribution::from_weights(counts.map(f64::from)));
        }
    }
}

/// Cancelled rows follow the others in a shard. They change no split and no probability, and are counted in the leaves.
#[test]
fn cancelled_rows_are_counted_in_the_leaves_and_change_nothing_else() {
    let data = digits(800);
    let (bins, arrived) = quantise(&data);
    let mut with_cancelled = arrived.clone();
    // Of the eight kinds of rows, ten more of the first.
    with_cancelled.extend(&bins, &data.rows()[..2].repeat(10), &[FlightOutcome::Cancelled; 10]);
    let grow = |shard, reference| grow(&bins, shard, data.columns(), reference, &settings(), 0);
    let without = grow(&arrived, DelayReference::Schedule);
    let with = grow(&with_cancelled, DelayReference::Schedule);
    assert_eq!(with.nodes, without.nodes);
    let predict = |tree: &Tree| Forest::new(std::slice::from_ref(tree), 2).unwrap().predictions(&data.rows()[..4]);
    let (with, without) = (predict(&with), predict(&without));
    assert_eq!((without[0].cancelled, with[1].cancelled), (None, Some(0.0)));
    // Its leaf has the hundred rows of its kind beside them.
    assert!(with[0].cancelled.is_some_and(|share| (share - 10.0 / 110.0).abs() < 1e-4), "{:?}", with[0].cancelled);
    assert_eq!((with[0].delays, with[0].probabilities), (without[0].delays, without[0].probabilities));
    let departed = Forest::new(&[grow(&with_cancelled, DelayReference::Departure)], 2).unwrap();
    assert_eq!(departed.predictions(data.rows())[0].cancelled, None);
}
