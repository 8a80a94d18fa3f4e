//! A forest that says why: columns credited to what a person knows.

use crate::{
    explanation::{Explanation, Factor},
    features::{Column, FeatureSet},
    flight::Probabilities,
    forest::{Explainer, Forest},
};

/// Explains the rows of a forest in a person's terms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForestExplainer {
    factors: Vec<Factor>,
    explainer: Explainer,
}

impl ForestExplainer {
    /// Prepares to explain a forest over the rows of `features`.
    pub(super) fn new(forest: &Forest, features: &FeatureSet) -> Self {
        let of_columns: Vec<Factor> = features.columns().iter().map(Column::factor).collect();
        let factors: Vec<Factor> = Factor::ALL.into_iter().filter(|factor| of_columns.contains(factor)).collect();
        // Each column's factor is among them.
        let groups: Vec<usize> =
            of_columns.iter().filter_map(|of_column| factors.iter().position(|factor| factor == of_column)).collect();
        ForestExplainer { explainer: Explainer::new(forest, &groups), factors }
    }

    fn explanation(&self, contributions: &[f32]) -> Explanation {
        Explanation::new(*self.explainer.base_rate(), &self.factors, contributions)
    }
}

/// A forest's answer to each row, in order, with the reason if it has an explainer.
pub(super) fn answers(
    forest: &Forest,
    explainer: Option<&ForestExplainer>,
    rows: &[f32],
) -> impl Iterator<Item = (Probabilities, Option<Explanation>)> {
    let mut contributions = Vec::new();
    if let Some(ForestExplainer { explainer, .. }) = explainer {
        explainer.contributions_of_all(rows, &mut contributions);
    }
    forest.probabilities_of_all(rows).into_iter().enumerate().map(move |(at, probabilities)| {
        let explanation = explainer.map(|explainer| {
            let line_len = explainer.explainer.line_len();
            explainer.explanation(&contributions[at * line_len..(at + 1) * line_len])
        });
        (probabilities, explanation)
    })
}
