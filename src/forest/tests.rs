use proptest::prelude::*;

use super::*;
use crate::binary::SectionReader;
use crate::flight::{CLASSES, DelayClass, Probabilities};

fn leaf(probabilities: [f64; CLASSES]) -> TreeNode {
    TreeNode { split: None, distribution: Distribution::of(probabilities) }
}

fn split(column: u8, threshold: f32, left: u32) -> TreeNode {
    TreeNode { split: Some(Split { column, threshold, left }), distribution: Distribution::EVEN }
}

/// Is column 1 at most 2? Surely early, else surely very late.
pub(super) fn stump() -> Tree {
    Tree { nodes: vec![split(1, 2.0, 1), leaf([1.0, 0.0, 0.0, 0.0]), leaf([0.0, 0.0, 0.0, 1.0])] }
}

/// A small training set that any tree can learn: the class is the sum of two digits, modulo 4.
pub(crate) fn digits(rows: u32) -> TrainingSet {
    let pair = |row: u32| [(row % 2) as f32, (row / 2 % 4) as f32];
    let class = |row: u32| DelayClass::ALL[(row % 2 + row / 2 % 4) as usize % CLASSES];
    let numbers = (0..rows).flat_map(pair).collect();
    TrainingSet::new(numbers, (0..rows).map(class).collect(), 2, vec![0, 1]).unwrap()
}

#[test]
fn a_number_at_the_threshold_goes_left_and_nan_does_too() {
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
    let other = Tree { nodes: vec![leaf([0.0, 0.5, 0.5, 0.0])] };
    let forest = Forest::new(&[stump(), other], 2).unwrap();
    assert_eq!(forest.probabilities(&[0.0, 0.0]), [0.5, 0.25, 0.25, 0.0]);
    assert_eq!((forest.trees_len(), forest.nodes_len(), forest.width()), (2, 4, 2));
}

#[test]
fn what_is_no_tree_is_refused() {
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
    for (what, nodes) in cases {
        assert!(Forest::new(&[stump(), Tree { nodes }], 2).is_err_and(|error| error.tree == 1), "{what}");
    }
    assert!(Forest::new(&[], 2).is_err());
    assert!(Forest::new(&[Tree { nodes: vec![leaf(certain)] }], 0).is_err());
}

/// A tree that goes one step deeper on the right at each split, and whose leaves all differ.
fn chain(depth: u32) -> Tree {
    let mut nodes = vec![leaf([0.25; CLASSES])];
    for at in 0..depth {
        let parent = nodes.len() - 1;
        nodes[parent] = split(0, at as f32, 2 * at + 1);
        nodes.extend([leaf([1.0, f64::from(at), 0.0, 0.0]), leaf([0.0, 0.0, 1.0, f64::from(at)])]);
    }
    Tree { nodes }
}

#[test]
fn a_tree_may_be_as_deep_as_the_limit_and_no_deeper() {
    assert!(Forest::new(&[chain(DEPTH_MAX)], 1).is_ok());
    assert!(Forest::new(&[chain(DEPTH_MAX + 1)], 1).is_err());
}

/// A random tree over three columns: each draw splits a node, or leaves it; the last of a level is split.
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
        Tree { nodes }
    })
}

/// The oracle: follow the questions until there is none.
fn follow(tree: &Tree, row: &[f32]) -> [u32; CLASSES] {
    let mut node = &tree.nodes[0];
    while let Some(split) = node.split {
        let right = usize::from(row[usize::from(split.column)] > split.threshold);
        node = &tree.nodes[split.left as usize + right];
    }
    node.distribution.units()
}

/// The same forest, walked along its links however small it is.
fn linked(forest: &Forest) -> Forest {
    Forest { shallow: None, ..forest.clone() }
}

#[test]
fn trees_of_any_depth_and_number_are_walked_as_links_say() {
    for depth in 0..40 {
        for trees in [1, 23] {
            let Ok(forest) = Forest::new(&vec![chain(depth); trees], 1) else { continue };
            assert_eq!(forest.shallow.is_some(), depth < 32, "a tree has a leaf more than splits");
            let number = |at: u32| [at as f32 - 1.0, f32::NAN, f32::INFINITY, at as f32 / 3.0][at as usize % 4];
            let rows: Vec<f32> = (0..150).map(number).collect();
            assert_eq!(forest.probabilities_of_all(&rows), linked(&forest).probabilities_of_all(&rows));
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
        let linked = linked(&forest);
        let (batch, batch_linked) =
            (forest.probabilities_of_all(&rows.concat()), linked.probabilities_of_all(&rows.concat()));
        prop_assert_eq!(&batch, &batch_linked);
        prop_assert_eq!(batch.len(), rows.len());
        for (row, batch) in rows.iter().zip(batch) {
            let mut sum = [0; CLASSES];
            for tree in &trees {
                let leaf = follow(tree, row);
                sum = std::array::from_fn(|class| sum[class] + leaf[class]);
            }
            let mean = sum.map(|units| units as f32 * (distribution::UNIT / trees.len() as f32));
            prop_assert_eq!(forest.probabilities(row).map(f32::to_bits), mean.map(f32::to_bits));
            prop_assert_eq!(linked.probabilities(row).map(f32::to_bits), mean.map(f32::to_bits));
            prop_assert_eq!(batch.map(f32::to_bits), mean.map(f32::to_bits));
        }
    }

    #[test]
    fn flattening_and_a_file_lose_nothing(trees in prop::collection::vec(any_tree(), 1..5)) {
        let forest = Forest::new(&trees, 3).unwrap();
        let mut bytes = Vec::new();
        forest.put(&mut bytes);
        let mut rest = SectionReader(&bytes);
        prop_assert_eq!(&Forest::read(&mut rest, 3).unwrap(), &forest);
        prop_assert!(rest.end().is_ok());
        prop_assert_eq!(forest.trees(), trees);
    }
}

#[test]
fn a_batch_longer_than_a_block_agrees_with_single_rows() {
    // The second has too many leaves for a word, and does not fit into the nearest cache.
    for forest in [vec![stump(), chain(7)], [vec![stump(); 3], vec![chain(DEPTH_MAX); 70]].concat()] {
        let forest = Forest::new(&forest, 2).unwrap();
        let number = |at: usize| if at.is_multiple_of(17) { f32::NAN } else { (at % 41) as f32 - 3.0 };
        let rows: Vec<f32> = (0..2 * 1301).map(number).collect();
        let single: Vec<Probabilities> = rows.chunks_exact(2).map(|row| forest.probabilities(row)).collect();
        assert_eq!(forest.probabilities_of_all(&rows), single);
    }
}
