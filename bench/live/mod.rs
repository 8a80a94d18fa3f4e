//! Answers with events: how good they are, and what they cost.

pub(crate) mod horizons;
pub(crate) mod parity;
pub(crate) mod serving;
