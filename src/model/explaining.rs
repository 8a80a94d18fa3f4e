//! Predictions with explanations: the contributions of columns, grouped by factor.

use crate::{
    classifier::{Classifier, ClassifierExplainer},
    explanation::{Explanation, Factor},
    features::{Column, FeatureSet},
    flight::Probabilities,
};

/// Explains the predictions of a classifier by factor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FactorExplainer {
    factors: Vec<Factor>,
    explainer: ClassifierExplainer,
}

impl FactorExplainer {
    /// Prepares to explain a classifier over the rows of `features`.
    pub(super) fn new(classifier: &Classifier, features: &FeatureSet) -> Self {
        let of_columns: Vec<Factor> = features.columns().iter().map(Column::factor).collect();
        let factors: Vec<Factor> = Factor::ALL.into_iter().filter(|factor| of_columns.contains(factor)).collect();
        // Each column's factor is among them.
        let groups: Vec<usize> =
            of_columns.iter().filter_map(|of_column| factors.iter().position(|factor| factor == of_column)).collect();
        FactorExplainer { explainer: classifier.explainer(&groups), factors }
    }
}

/// Returns a classifier's probabilities for each row, in order, with an explanation if there is an explainer.
pub(super) fn predict(
    classifier: &Classifier,
    explainer: Option<&FactorExplainer>,
    rows: &[f32],
) -> impl Iterator<Item = (Probabilities, Option<Explanation>)> {
    let mut contributions = Vec::new();
    let probabilities = match explainer {
        Some(FactorExplainer { explainer, .. }) => classifier.explain(explainer, rows, &mut contributions),
        None => classifier.probabilities_of_all(rows),
    };
    probabilities.into_iter().enumerate().map(move |(at, probabilities)| {
        let explanation = explainer.map(|FactorExplainer { factors, explainer }| {
            let line_len = explainer.line_len();
            let line = &contributions[at * line_len..(at + 1) * line_len];
            Explanation::new(*explainer.base_rate(), factors, line)
        });
        (probabilities, explanation)
    })
}
