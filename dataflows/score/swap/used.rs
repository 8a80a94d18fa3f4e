//! Which models are in use, for those who ask from outside.

use engine::{answer::ModelVersion, model::Role, runtime::Mutex};

use crate::score::Timestamp;

/// The models in use, by role, each with the timestamp from which on.
#[derive(Debug, Default)]
pub struct ModelsInUse(Mutex<[Option<(ModelVersion, Timestamp)>; Role::ALL.len()]>);

impl ModelsInUse {
    pub(in crate::score) fn set(&self, role: Role, version: Option<ModelVersion>, from: Timestamp) {
        let mut used = self.0.lock();
        used[role as usize] = version.map(|version| (version, from));
    }

    /// Which model is used for a role, and since which timestamp; 0 for the one that the dataflow has started with.
    pub fn get(&self, role: Role) -> Option<(ModelVersion, Timestamp)> {
        self.0.lock()[role as usize].clone()
    }
}
