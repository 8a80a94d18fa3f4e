//! Measurements of a model: its training, its loading, and its replacement by another.

pub(crate) mod hot_swap;
pub(crate) mod load;
pub(crate) mod training;
