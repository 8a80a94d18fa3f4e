//! Random forests: flat arrays of small nodes, class probabilities at the leaves.
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
//! many steps as its tree is deep.

mod explainer;
mod flat;
pub mod histogram;
pub mod linfa;
mod max_features;
mod settings;
mod training_set;
mod traversal;
mod tree;

pub use explainer::Explainer;
pub(crate) use flat::ForestReadError;
pub use flat::{DEPTH_MAX, Forest, MalformedForest, NODES_MAX, TREES_MAX};
pub use max_features::{InvalidMaxFeatures, MaxFeatures};
pub use settings::{ForestSettings, Trainer, UnknownTrainer};
pub use training_set::{TrainingSet, TrainingSetError, count_classes};
pub use tree::{Distribution, Split, Tree, TreeNode};

#[cfg(test)]
pub(crate) mod tests;
