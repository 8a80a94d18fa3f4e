//! Values by place.

use std::sync::Arc;

/// No value at a place. Infinity and not NaN, because it equals itself.
pub(super) const NO_VALUE: f32 = f32::INFINITY;

/// A number for each value of a group that occurs, at the value's place: see [`super::seen`]. Tables with the same numbers
/// may share them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table(pub(super) Arc<[f32]>);

impl Default for Table {
    fn default() -> Self {
        Table(Arc::new([]))
    }
}

impl Table {
    pub(super) fn get(&self, place: Option<usize>) -> Option<f32> {
        self.0.get(place?).copied().filter(|value| *value != NO_VALUE)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_sound(&self, len: usize) -> bool {
        self.len() == len && self.0.iter().all(|value| value.is_finite() || *value == NO_VALUE)
    }
}
