use proptest::prelude::*;

use super::*;
use crate::forest::{
    Distribution, Split, TreeNode,
    tests::{any_tree, stump},
};

fn contributions(explainer: &Explainer, forest: &Forest, rows: &[f32]) -> Vec<f32> {
    // The former content is replaced.
    let mut contributions = vec![f32::NAN; 3];
    let predictions = explainer.explain(forest, rows, &mut contributions);
    assert_eq!(predictions, forest.predictions(rows));
    contributions
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn each_split_is_credited_with_the_change_that_it_makes() {
    // Column 1 separates a certain class 0 from a node that column 0 splits.
    let split = |column, threshold, left, distribution| TreeNode {
        split: Some(Split { column, threshold, left }),
        distribution: Distribution::from_weights(distribution),
    };
    let leaf = |distribution| TreeNode { split: None, distribution: Distribution::from_weights(distribution) };
    let nodes = vec![
        split(1, 2.0, 1, [0.5, 0.25, 0.25, 0.0]),
        leaf([1.0, 0.0, 0.0, 0.0]),
        split(0, 0.0, 3, [0.0, 0.5, 0.5, 0.0]),
        leaf([0.0, 1.0, 0.0, 0.0]),
        leaf([0.0, 0.0, 1.0, 0.0]),
    ];
    let other = Tree::without_outcomes(vec![leaf([0.5, 0.25, 0.25, 0.0])]);
    let forest = Forest::new(&[Tree::without_outcomes(nodes), other], 2).unwrap();
    let explainer = Explainer::new(&forest, &[0, 1]);
    assert_eq!(explainer.base_rate(), &[0.5, 0.25, 0.25, 0.0]);
    // The mean over two trees, of which the second has no split.
    assert_eq!(contributions(&explainer, &forest, &[9.0, 1.0]), [0.0, 0.0, 0.0, 0.0, 0.25, -0.125, -0.125, 0.0]);
    assert_eq!(contributions(&explainer, &forest, &[9.0, 3.0]), [0.0, -0.25, 0.25, 0.0, -0.25, 0.125, 0.125, 0.0]);
    assert_eq!(contributions(&explainer, &forest, &[0.0, 3.0]), [0.0, 0.25, -0.25, 0.0, -0.25, 0.125, 0.125, 0.0]);
    // The credits of columns of one group are summed.
    let together = Explainer::new(&forest, &[1, 1]);
    assert_eq!(together.line_len(), 8);
    assert_eq!(contributions(&together, &forest, &[9.0, 3.0]), [0.0, 0.0, 0.0, 0.0, -0.25, -0.125, 0.375, 0.0]);
}

#[test]
fn a_number_at_the_threshold_and_nan_go_left() {
    let forest = Forest::new(&[stump()], 2).unwrap();
    let explainer = Explainer::new(&forest, &[0, 1]);
    for number in [2.0, 2.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let early = contributions(&explainer, &forest, &[f32::NAN, number])[4] > 0.0;
        assert_eq!(early, forest.probabilities(&[f32::NAN, number])[0] > 0.5, "{number}");
    }
}

#[test]
fn no_rows_have_no_contributions() {
    let forest = Forest::new(&[stump()], 2).unwrap();
    assert!(contributions(&Explainer::new(&forest, &[0, 1]), &forest, &[]).is_empty());
}

proptest! {
    #[test]
    fn base_rate_and_contributions_sum_to_the_probabilities(
        trees in prop::collection::vec(any_tree(), 1..5),
        rows in prop::collection::vec(prop::array::uniform3((-6i8..6).prop_map(f32::from)), 0..40),
        groups in prop::array::uniform3(0usize..3),
    ) {
        let forest = Forest::new(&trees, 3).unwrap();
        let explainer = Explainer::new(&forest, &groups);
        let all = contributions(&explainer, &forest, &rows.concat());
        prop_assert_eq!(all.len(), rows.len() * explainer.line_len());
        for (row, line) in rows.iter().zip(all.chunks_exact(explainer.line_len())) {
            for (class, p) in forest.probabilities(row).into_iter().enumerate() {
                let sum: f32 = line.iter().skip(class).step_by(CLASSES).sum();
                prop_assert!(close(explainer.base_rate()[class] + sum, p), "{row:?}: {line:?}");
            }
            // The changes of the classes sum to 0.
            prop_assert!(line.chunks_exact(CLASSES).all(|change| close(change.iter().sum(), 0.0)));
            prop_assert_eq!(contributions(&explainer, &forest, row), line, "alone as among others");
        }
    }

    #[test]
    fn a_group_has_the_sum_of_its_columns_contributions(
        trees in prop::collection::vec(any_tree(), 1..5),
        row in prop::array::uniform3((-6i8..6).prop_map(f32::from)),
    ) {
        let forest = Forest::new(&trees, 3).unwrap();
        let each = contributions(&Explainer::new(&forest, &[0, 1, 2]), &forest, &row);
        let grouped = contributions(&Explainer::new(&forest, &[0, 1, 0]), &forest, &row);
        for class in 0..CLASSES {
            prop_assert!(close(grouped[class], each[class] + each[2 * CLASSES + class]));
            prop_assert!(close(grouped[CLASSES + class], each[CLASSES + class]));
        }
    }
}

#[test]
fn more_rows_than_a_block_have_the_contributions_of_each_alone() {
    let forest = Forest::new(&[stump()], 2).unwrap();
    let explainer = Explainer::new(&forest, &[0, 1]);
    let rows: Vec<f32> = (0..2 * 1027).map(|at| (at % 11) as f32 - 3.0).collect();
    let alone: Vec<f32> = rows.chunks_exact(2).flat_map(|row| contributions(&explainer, &forest, row)).collect();
    assert_eq!(contributions(&explainer, &forest, &rows), alone);
}
