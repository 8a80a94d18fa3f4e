//! A trainer that finds splits with linfa-trees: the reference for [`super::histogram`].
//!
//! linfa-trees (0.8.1) finds the splits; this module samples the rows, builds the tree and fills the leaves. It fits
//! one split at a time, on the rows of one node, with two labels, because a whole tree of linfa-trees has these
//! defects:
//!
//! 1. It skips a split between two values if the last row of the smaller one belongs to another node. On the rows of
//!    one node there is no other node.
//! 2. It sums class frequencies in the order of a hash map with a random seed, so that rounding decides between
//!    near-equal splits. The order of two summands does not matter. So a node is split by cuts (is the class at least
//!    k?). All cuts are fitted, and the Gini impurity of all classes, in integers, chooses among them.
//! 3. It merges leaves with the same most frequent class, though their probabilities differ. The split of a merged
//!    stump can still be read.
//! 4. It scans all rows at every node. Here each level scans each row once.
//! 5. It has labels at the leaves. Here the leaves get class probabilities, from all training rows.
//! 6. NaN breaks its sort, and it has no missing value. A missing number is passed as the least number, so that it goes
//!    left, as in a traversal.

use std::{array, collections::VecDeque};

use linfa::{Dataset, traits::Fit};
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    leaf::{OUTCOMES, count_index},
    settings::ForestSettings,
    training_set::{TrainingSet, count_classes},
    tree::{Distribution, Split, Tree, TreeNode},
};
use crate::flight::{CLASSES, DelayClass, DelayReference};

/// Least decrease of a cut's Gini impurity by a split.
const IMPURITY_DECREASE_MIN: f32 = 1e-6;
/// The class shares of all training rows count for this many rows in each node's probabilities.
const PRIOR_ROWS: f64 = 1.0;

/// linfa-trees failed to fit a split.
#[derive(Debug, thiserror::Error)]
#[error("linfa-trees could not fit a split of tree {tree}")]
pub struct LinfaError {
    /// The tree's number.
    pub tree: u32,
    source: linfa::Error,
}

/// Grows tree number `tree` of a forest, which counts delays from the time that `reference` names. The result depends
/// on the arguments alone.
pub fn grow(
    data: &TrainingSet,
    reference: DelayReference,
    settings: &ForestSettings,
    tree: u32,
) -> Result<Tree, LinfaError> {
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    rng.set_stream(u64::from(tree));
    // A training set has at least one row and at most 2^32.
    let rows_len = data.rows_len() as u32;
    let drawn = settings.max_samples.min(data.rows_len());
    let rows: Vec<u32> = (0..drawn).map(|_| rng.random_range(0..rows_len)).collect();

    let mut splits: Vec<Option<Split>> = vec![None];
    let mut open = VecDeque::from([OpenNode { node: 0, depth: 0, rows }]);
    while let Some(OpenNode { node, depth, rows }) = open.pop_front() {
        if depth >= settings.depth || (rows.len() as u64) < 2 * u64::from(settings.min_samples_leaf) {
            continue;
        }
        let columns = shuffled(data.columns(), &mut rng);
        let found = first_split(data, &rows, &columns, settings).map_err(|source| LinfaError { tree, source })?;
        let Some(found) = found else { continue };
        // Nodes are far fewer than rows.
        let left = splits.len() as u32;
        splits[node] = Some(Split { column: found.column as u8, threshold: found.threshold, left });
        splits.extend([None, None]);
        for (child, rows) in [(left, found.left_rows), (left + 1, found.right_rows)] {
            open.push_back(OpenNode { node: child as usize, depth: depth + 1, rows });
        }
    }
    let nodes = splits.into_iter().map(|split| TreeNode { split, distribution: Distribution::UNIFORM }).collect();
    Ok(fill_nodes(nodes, data, reference))
}

/// Sends all training rows down a tree, and gives each node the class shares of the rows that reach it, shrunk towards
/// the shares of all rows, so that no class is impossible; and each leaf their outcomes.
fn fill_nodes(mut nodes: Vec<TreeNode>, data: &TrainingSet, reference: DelayReference) -> Tree {
    let mut counts = vec![[0u64; CLASSES]; nodes.len()];
    let mut outcomes = vec![[0u32; OUTCOMES]; nodes.len()];
    let rows = data.rows().chunks_exact(data.width());
    for ((row, class), outcome) in rows.zip(data.classes()).zip(data.outcomes()) {
        let mut at = 0;
        counts[at][class.index()] += 1;
        while let Some(split) = nodes[at].split {
            at = split.left as usize + usize::from(row[usize::from(split.column)] > split.threshold);
            counts[at][class.index()] += 1;
        }
        count_index(*outcome, reference).into_iter().for_each(|index| outcomes[at][index] += 1);
    }
    let prior = counts[0].map(|count| count as f64 / data.rows_len() as f64);
    for (node, counts) in nodes.iter_mut().zip(&counts) {
        let weights = array::from_fn(|class| counts[class] as f64 + PRIOR_ROWS * prior[class]);
        node.distribution = Distribution::from_weights(weights);
    }
    let leaves = nodes.iter().zip(outcomes).filter(|(node, _)| node.split.is_none());
    let counts: Vec<u32> = leaves.flat_map(|(_, counts)| counts).collect();
    Tree::new(nodes, &counts)
}

/// A node that may still be split.
struct OpenNode {
    node: usize,
    depth: u32,
    rows: Vec<u32>,
}

fn shuffled(columns: &[usize], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut columns = columns.to_vec();
    for at in 1..columns.len() {
        let other = rng.random_range(0..=at);
        columns.swap(at, other);
    }
    columns
}

/// The best split on the first `max_features` columns; if they have none, on the next ones.
fn first_split(
    data: &TrainingSet,
    rows: &[u32],
    columns: &[usize],
    settings: &ForestSettings,
) -> Result<Option<FoundSplit>, linfa::Error> {
    for columns in columns.chunks(settings.max_features.resolve(columns.len())) {
        if let Some(found) = best_split(data, rows, columns, settings.min_samples_leaf)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

struct FoundSplit {
    column: usize,
    threshold: f32,
    left_rows: Vec<u32>,
    right_rows: Vec<u32>,
    purity: f64,
}

/// The best of the splits that linfa-trees finds for the three cuts.
fn best_split(
    data: &TrainingSet,
    rows: &[u32],
    columns: &[usize],
    min_samples_leaf: u32,
) -> Result<Option<FoundSplit>, linfa::Error> {
    let records = Array2::from_shape_fn((rows.len(), columns.len()), |(at, column)| {
        as_sortable(data.value(rows[at], columns[column]))
    });
    let classes: Array1<DelayClass> = rows.iter().map(|&row| data.classes()[row as usize]).collect();
    // The cuts share the records.
    let mut dataset = Dataset::new(records, Array1::default(rows.len()));
    let mut best: Option<FoundSplit> = None;
    for cut in &DelayClass::ALL[1..] {
        dataset.targets = classes.mapv(|class| class >= *cut);
        if dataset.targets.iter().all(|above| *above == dataset.targets[0]) {
            continue;
        }
        let stump = DecisionTree::<f32, bool>::params()
            .max_depth(Some(1))
            .min_weight_leaf(min_samples_leaf.max(1) as f32)
            .min_impurity_decrease(IMPURITY_DECREASE_MIN)
            .fit(&dataset)?;
        let (column, threshold, impurity_decrease) = stump.root_node().split();
        if impurity_decrease < IMPURITY_DECREASE_MIN {
            continue;
        }
        let found = partition(data, rows, columns[column], threshold);
        let least = found.left_rows.len().min(found.right_rows.len());
        let better = best.as_ref().is_none_or(|best| found.purity > best.purity);
        if better && least >= min_samples_leaf.max(1) as usize {
            best = Some(found);
        }
    }
    Ok(best)
}

/// The number, or the least one for NaN, which linfa-trees cannot sort.
fn as_sortable(number: f32) -> f32 {
    if number.is_nan() { f32::MIN } else { number }
}

fn partition(data: &TrainingSet, rows: &[u32], column: usize, threshold: f32) -> FoundSplit {
    let (left_rows, right_rows): (Vec<u32>, Vec<u32>) =
        rows.iter().partition(|&&row| as_sortable(data.value(row, column)) <= threshold);
    let purity = purity(data, &left_rows) + purity(data, &right_rows);
    FoundSplit { column, threshold, left_rows, right_rows, purity }
}

/// The sum of squared class counts over their number: the larger over both sides, the lower the weighted Gini impurity.
fn purity(data: &TrainingSet, rows: &[u32]) -> f64 {
    let classes: Vec<DelayClass> = rows.iter().map(|&row| data.classes()[row as usize]).collect();
    let squares: u64 = count_classes(&classes).iter().map(|count| count * count).sum();
    squares as f64 / rows.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use linfa::traits::Predict;

    use super::*;
    use crate::{
        features::Preset,
        forest::{flat::Forest, max_features::MaxFeatures, tests::digits},
    };

    fn settings() -> ForestSettings {
        ForestSettings {
            max_features: MaxFeatures::Count(2),
            min_samples_leaf: 1,
            max_samples: 2000,
            depth: 8,
            ..ForestSettings::from_preset(Preset::Default, 7)
        }
    }

    fn accuracy(forest: &Forest, data: &TrainingSet) -> f64 {
        let answers = forest.probabilities_of_all(data.rows());
        let right = answers.iter().zip(data.classes()).filter(|(p, class)| DelayClass::most_probable(p) == **class);
        right.count() as f64 / data.rows_len() as f64
    }

    /// Two digits, and four classes that they determine: the second digit where the first is 0, else 3 less the second.
    fn separable() -> TrainingSet {
        let row = |at: u32| [(at / 2) as f32, (at % 2) as f32];
        let classes = [0, 1, 3, 2].map(|class| DelayClass::ALL[class]);
        let rows = (0..4).flat_map(row).collect();
        TrainingSet::new(rows, classes.to_vec(), 2, vec![0, 1]).unwrap()
    }

    #[test]
    fn a_whole_tree_of_linfa_loses_a_split_at_tied_values_and_single_splits_do_not() {
        let data = separable();
        // A whole tree by linfa-trees: after the split on the first digit, the last row whose second digit is 0 belongs
        // to the right child, so the left child cannot split there. Three rows of four are right.
        let records = Array2::from_shape_vec((4, 2), data.rows().to_vec()).unwrap();
        let targets: Array1<usize> = data.classes().iter().map(|class| class.index()).collect();
        let dataset = Dataset::new(records, targets);
        let whole = DecisionTree::params().max_depth(Some(4)).fit(&dataset).unwrap();
        let right = whole.predict(&dataset).iter().zip(&dataset.targets).filter(|(a, b)| a == b).count();
        assert_eq!(right, 3);

        let settings = ForestSettings { max_samples: 4, trees: 16, ..settings() };
        let trees: Vec<Tree> =
            (0..settings.trees).map(|tree| grow(&data, DelayReference::Schedule, &settings, tree).unwrap()).collect();
        assert_eq!(accuracy(&Forest::new(&trees, 2).unwrap(), &data), 1.0);
    }

    #[test]
    fn learns_separable_classes() {
        let data = digits(800);
        let tree = grow(&data, DelayReference::Schedule, &settings(), 0).unwrap();
        assert_eq!(accuracy(&Forest::new(&[tree], 2).unwrap(), &data), 1.0);
    }

    #[test]
    fn the_same_seed_grows_the_same_tree_and_another_seed_or_number_another() {
        let (data, settings) =
            (digits(800), ForestSettings { depth: 3, max_features: MaxFeatures::Count(1), ..settings() });
        let tree = grow(&data, DelayReference::Schedule, &settings, 3).unwrap();
        // linfa-trees seeds its hash maps anew each time.
        for _ in 0..10 {
            assert_eq!(grow(&data, DelayReference::Schedule, &settings, 3).unwrap(), tree);
        }
        assert!((0..5).any(|number| grow(&data, DelayReference::Schedule, &settings, number).unwrap() != tree));
        assert!((0..5).any(|seed| {
            grow(&data, DelayReference::Schedule, &ForestSettings { seed, ..settings }, 3).unwrap() != tree
        }));
    }

    #[test]
    fn keeps_to_depth_min_samples_leaf_and_columns() {
        let data = digits(800).with_columns(vec![1]).unwrap();
        let tree = grow(&data, DelayReference::Schedule, &ForestSettings { depth: 1, ..settings() }, 0).unwrap();
        assert_eq!(tree.nodes.len(), 3);
        assert!(
            !Forest::new(&[grow(&data, DelayReference::Schedule, &settings(), 0).unwrap()], 2).unwrap().uses_column(0)
        );
        let unsplit = ForestSettings { max_samples: 99, min_samples_leaf: 50, ..settings() };
        assert_eq!(grow(&data, DelayReference::Schedule, &unsplit, 0).unwrap().nodes.len(), 1);
    }

    #[test]
    fn one_class_or_one_value_makes_a_single_leaf() {
        let classes = vec![DelayClass::VeryLate; 50];
        let data = TrainingSet::new((0..50u8).map(f32::from).collect(), classes, 1, vec![0]).unwrap();
        assert_eq!(grow(&data, DelayReference::Schedule, &settings(), 0).unwrap().nodes.len(), 1);
        let classes = (0..50).map(|at| DelayClass::ALL[at % 4]).collect();
        let data = TrainingSet::new(vec![1.0; 50], classes, 1, vec![0]).unwrap();
        let tree = grow(&data, DelayReference::Schedule, &settings(), 0).unwrap();
        assert_eq!(tree.nodes.len(), 1);
        // Filled from all 50 rows: 13, 13, 12, 12.
        let expected = [0.26, 0.26, 0.24, 0.24];
        assert!(tree.nodes[0].distribution.probabilities().iter().zip(expected).all(|(p, q)| (p - q).abs() < 1e-4));
    }
}
