use proptest::prelude::*;

use super::{flat::LEAF, leaf::LeafSums, tree::UNIT, *};
use crate::binary::SectionReader;
use crate::flight::{CLASSES, DelayClass, DelayShares, Probabilities};

fn leaf(probabilities: [f64; CLASSES]) -> TreeNode {
    TreeNode { split: None, distribution: Distribution::from_weights(probabilities) }
}

fn split(column: u8, threshold: f32, left: u32) -> TreeNode {
    TreeNode { split: Some(Split { column, threshold, left }), distribution: Distribution::UNIFORM }
}

/// A tree whose leaves have different outcomes.
fn with_outcomes(nodes: Vec<TreeNode>) -> Tree {
    let leaves = nodes.iter().filter(|node| node.split.is_none()).count();
    let counts = |leaf: usize| (0..OUTCOMES).map(move |bin| ((leaf * 7 + bin * 3) % 11) as u32);
    Tree::new(nodes, &(0..leaves).flat_map(counts).collect::<Vec<_>>())
}

/// One split: certainly early where column 1 is at most 2, and certainly very late elsewhere.
pub(super) fn stump() -> Tree {
    with_outcomes(vec![split(1, 2.0, 1), leaf([1.0, 0.0, 0.0, 0.0]), leaf([0.0, 0.0, 0.0, 1.0])])
}

/// A small separable training set: the class is the sum of two digits, modulo 4.
pub(crate) fn digits(rows: u32) -> TrainingSet {
    let pair = |row: u32| [(row % 2) as f32, (row / 2 % 4) as f32];
    let class = |row: u32| DelayClass::ALL[(row % 2 + row / 2 % 4) as usize % CLASSES];
    let numbers = (0..rows).flat_map(pair).collect();
    TrainingSet::new(numbers, (0..rows).map(class).collect(), 2, vec![0, 1]).unwrap()
}

#[test]
fn a_number_at_the_threshold_and_nan_go_left() {
    let forest = Forest::new(&[stump()], 2).unwrap();
    let early = [1.0, 0.0, 0.0, 0.0];
    for (number, expected) in [(2.0, early), (2.1, [0.0, 0.0, 0.0, 1.0]), (f32::NAN, early), (f32::NEG_INFINITY, early)]
    {
        assert_eq!(forest.probabilities(&[9.0, number]), expected, "{number}");
    }
    assert_eq!(forest.probabilities(&[9.0, f32::INFINITY])[3], 1.0);
    assert!(forest.uses_column(1) && !forest.uses_column(0));
}

#[test]
fn probabilities_are_the_mean_over_trees() {
    let other = with_outcomes(vec![leaf([0.0, 0.5, 0.5, 0.0])]);
    let forest = Forest::new(&[stump(), other], 2).unwrap();
    assert_eq!(forest.probabilities(&[0.0, 0.0]), [0.5, 0.25, 0.25, 0.0]);
    assert_eq!((forest.trees_len(), forest.nodes_len(), forest.width()), (2, 4, 2));
}

#[test]
fn nodes_that_are_not_a_tree_are_refused() {
    let certain = [1.0, 0.0, 0.0, 0.0];
    let cases: [(&str, Vec<TreeNode>); 11] = [
        ("no root", vec![]),
        ("itself as child", vec![split(0, 1.0, 0), leaf(certain), leaf(certain)]),
        ("right child outside", vec![split(0, 1.0, 1), leaf(certain)]),
        ("far outside", vec![split(0, 1.0, u32::MAX), leaf(certain), leaf(certain)]),
        ("column not there", vec![split(2, 1.0, 1), leaf(certain), leaf(certain)]),
        ("threshold not finite", vec![split(0, f32::INFINITY, 1), leaf(certain), leaf(certain)]),
        ("orphans", vec![leaf(certain), leaf(certain)]),
        ("a leaf's mark as column", vec![split(LEAF, 1.0, 1), leaf(certain), leaf(certain)]),
        ("left child before the parent", vec![split(0, 1.0, 1), split(0, 1.0, 0), leaf(certain)]),
        ("children out of order", vec![split(0, 1.0, 3), leaf(certain), leaf(certain), leaf(certain), leaf(certain)]),
        ("two parents", vec![split(0, 1.0, 1), split(0, 1.0, 3), split(0, 1.0, 3), leaf(certain), leaf(certain)]),
    ];
    for (defect, nodes) in cases {
        assert!(
            Forest::new(&[stump(), Tree::without_outcomes(nodes)], 2).is_err_and(|error| error.tree == 1),
            "{defect}"
        );
    }
    assert!(Forest::new(&[], 2).is_err());
    assert!(Forest::new(&[Tree::without_outcomes(vec![leaf(certain)])], 0).is_err());
}

/// A tree whose right children are the splits, with a different distribution at each leaf.
fn chain(depth: u32) -> Tree {
    let mut nodes = vec![leaf([0.25; CLASSES])];
    for at in 0..depth {
        let parent = nodes.len() - 1;
        nodes[parent] = split(0, at as f32, 2 * at + 1);
        nodes.extend([leaf([1.0, f64::from(at), 0.0, 0.0]), leaf([0.0, 0.0, 1.0, f64::from(at)])]);
    }
    with_outcomes(nodes)
}

#[test]
fn a_tree_may_be_as_deep_as_the_limit_and_no_deeper() {
    assert!(Forest::new(&[chain(DEPTH_MAX)], 1).is_ok());
    assert!(Forest::new(&[chain(DEPTH_MAX + 1)], 1).is_err());
}

/// A random tree over three columns: each draw splits a node or leaves it; the last node is always split.
pub(super) fn any_tree() -> impl Strategy<Value = Tree> {
    let draw = (any::<bool>(), 0u8..3, -5i8..5, 0.0..1.0);
    prop::collection::vec(draw, 0..40).prop_map(|draws| {
        let mut nodes = vec![leaf([0.25; CLASSES])];
        for (at, (splits, column, threshold, p)) in draws.into_iter().enumerate() {
            if at < nodes.len() && (splits || at == nodes.len() - 1) {
                nodes[at] = split(column, f32::from(threshold), nodes.len() as u32);
                nodes.extend([leaf([p, 1.0 - p, 0.0, 0.0]), leaf([0.0, 0.0, p, 1.0 - p])]);
            }
        }
        with_outcomes(nodes)
    })
}

/// The oracle: follows the splits of a tree to the leaf, and returns its index.
fn descend(tree: &Tree, row: &[f32]) -> usize {
    let mut at = 0;
    while let Some(split) = tree.nodes[at].split {
        at = split.left as usize + usize::from(row[usize::from(split.column)] > split.threshold);
    }
    at
}

/// The oracle: the mean over trees.
fn mean(trees: &[&Tree], row: &[f32]) -> Probabilities {
    let mut sum = [0; CLASSES];
    for tree in trees {
        let leaf = tree.nodes[descend(tree, row)].distribution.units();
        sum = std::array::from_fn(|class| sum[class] + leaf[class]);
    }
    sum.map(|units| units as f32 * (UNIT / trees.len() as f32))
}

/// The oracle: the mean of the outcomes over trees.
fn mean_outcomes(trees: &[Tree], row: &[f32]) -> (DelayShares, f32) {
    let mut sums = LeafSums::ZERO;
    for tree in trees {
        let leaf = descend(tree, row);
        let leaves_before = tree.nodes[..leaf].iter().filter(|node| node.split.is_none()).count();
        sums.add(&tree.leaves[leaves_before]);
    }
    (sums.delays(trees.len()), sums.cancelled(trees.len()))
}

#[test]
fn trees_of_any_depth_and_number_agree_with_the_oracle() {
    for depth in 0..=DEPTH_MAX {
        for trees in [1, 23] {
            let tree = chain(depth);
            let forest = Forest::new(&vec![tree.clone(); trees], 1).unwrap();
            let number = |at: u32| [at as f32 - 1.0, f32::NAN, f32::INFINITY, at as f32 / 3.0][at as usize % 4];
            let rows: Vec<f32> = (0..150).map(number).collect();
            let expected: Vec<Probabilities> =
                rows.iter().map(|&number| mean(&vec![&tree; trees], &[number])).collect();
            assert_eq!(forest.probabilities_of_all(&rows), expected);
        }
    }
}

proptest! {
    #[test]
    fn a_batch_a_single_row_and_the_trees_themselves_agree_to_the_last_bit(
        trees in prop::collection::vec(any_tree(), 1..25),
        rows in prop::collection::vec(prop::array::uniform3((-6i8..6).prop_map(f32::from)), 0..140),
    ) {
        let forest = Forest::new(&trees, 3).unwrap();
        let batch = forest.probabilities_of_all(&rows.concat());
        prop_assert_eq!(batch.len(), rows.len());
        for (row, batch) in rows.iter().zip(batch) {
            let mean = mean(&trees.iter().collect::<Vec<_>>(), row);
            prop_assert_eq!(forest.probabilities(row).map(f32::to_bits), mean.map(f32::to_bits));
            prop_assert_eq!(batch.map(f32::to_bits), mean.map(f32::to_bits));
        }
        let predictions = forest.predictions(&rows.concat());
        for (row, prediction) in rows.iter().zip(predictions) {
            let (delays, cancelled) = mean_outcomes(&trees, row);
            let cancelled = forest.has_cancelled.then_some(cancelled);
            let expected = Prediction { probabilities: forest.probabilities(row), delays: Some(delays), cancelled };
            prop_assert_eq!(prediction, expected);
        }
    }

    #[test]
    fn trees_round_trip_through_a_forest_and_its_bytes(trees in prop::collection::vec(any_tree(), 1..5)) {
        let forest = Forest::new(&trees, 3).unwrap();
        let mut bytes = Vec::new();
        forest.write(&mut bytes);
        let mut rest = SectionReader(&bytes);
        prop_assert_eq!(&Forest::read(&mut rest, 3, true).unwrap(), &forest);
        prop_assert!(rest.end().is_ok());
        prop_assert_eq!(forest.trees(), trees);
    }
}

#[test]
fn a_forest_without_outcomes_answers_by_class_alone_and_round_trips() {
    let leaf = leaf([0.0, 0.5, 0.5, 0.0]);
    let forest = Forest::new(&[Tree::without_outcomes(vec![leaf])], 1).unwrap();
    let expected = Prediction { probabilities: [0.0, 0.5, 0.5, 0.0], delays: None, cancelled: None };
    assert_eq!(forest.predictions(&[1.0]), [expected]);
    let mut bytes = Vec::new();
    forest.write(&mut bytes);
    assert_eq!(Forest::read(&mut SectionReader(&bytes), 1, true).unwrap(), forest);
    // Files of format 4 end before the number of leaves.
    let older = &bytes[..bytes.len() - size_of::<u32>()];
    assert_eq!(Forest::read(&mut SectionReader(older), 1, false).unwrap(), forest);
    assert!(Forest::new(&[Tree::without_outcomes(vec![leaf]), with_outcomes(vec![leaf, leaf])], 1).is_err());
}

#[test]
fn a_batch_longer_than_a_block_agrees_with_single_rows() {
    // The second does not fit into the L1 cache.
    for forest in [vec![stump(), chain(7)], [vec![stump(); 3], vec![chain(DEPTH_MAX); 70]].concat()] {
        let forest = Forest::new(&forest, 2).unwrap();
        let number = |at: usize| if at.is_multiple_of(17) { f32::NAN } else { (at % 41) as f32 - 3.0 };
        let rows: Vec<f32> = (0..2 * 1301).map(number).collect();
        let single: Vec<Probabilities> = rows.chunks_exact(2).map(|row| forest.probabilities(row)).collect();
        assert_eq!(forest.probabilities_of_all(&rows), single);
    }
}
