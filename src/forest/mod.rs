//! Random forests: flat arrays of small nodes, with class probabilities and outcomes at the leaves.
//!
//! A trainer grows [`Tree`]s; [`Forest::new`] checks and flattens them, and refuses other graphs, so that
//! a traversal can neither loop nor leave the array. A forest is deterministic: the same row gets the same
//! probabilities, bit for bit, alone or in a batch.
//!
//! # Layout in memory
//!
//! The nodes of a tree are in level order. A node has 8 bytes: a threshold, and in one word the left child's index (24
//! bits) and the column to compare (8 bits). The right child is next to the left one. `x <= threshold`, or NaN, goes
//! left. Numbers are compared as integers in the same order: the carry of a comparison is added to the left child's
//! index, without a branch. A leaf is its own left child under a threshold that nothing exceeds, so every row takes as
//! many steps as its tree is deep. There are many such thresholds: which one it is numbers the leaf.
//!
//! # Outcomes
//!
//! Splits are chosen by the four classes. A finished tree then counts all training rows by leaf and by bin of arrival
//! delay (Nicolai Meinshausen, "Quantile Regression Forests", 2006), so that a forest gives the distribution of the
//! minutes as well: the mean over its leaves. Cancelled flights are counted likewise. They have no class, and no split
//! depends on them.

mod explainer;
mod flat;
pub mod histogram;
mod leaf;
pub mod linfa;
mod max_features;
mod settings;
mod training_set;
mod traversal;
mod tree;

pub use explainer::Explainer;
pub(crate) use flat::ForestReadError;
pub use flat::{DEPTH_MAX, Forest, MalformedForest, NODES_MAX, TREES_MAX};
pub use leaf::{Leaf, OUTCOMES};
pub use max_features::{InvalidMaxFeatures, MaxFeatures};
pub use settings::{ForestSettings, Trainer, UnknownTrainer};
pub use training_set::{TrainingSet, TrainingSetError, count_classes};
pub use traversal::Prediction;
pub use tree::{Distribution, Split, Tree, TreeNode};

#[cfg(test)]
pub(crate) mod tests;
