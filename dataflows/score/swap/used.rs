//! The models in use, for readers outside of the dataflow.

use engine::{answer::ModelVersion, model::Role, runtime::Mutex};

use crate::score::Timestamp;

/// The models in use, by role, each with the timestamp from which it is active.
#[derive(Debug, Default)]
pub struct ModelsInUse(Mutex<[Option<(ModelVersion, Timestamp)>; Role::ALL.len()]>);

impl ModelsInUse {
    pub(in crate::score) fn set(&self, role: Role, version: Option<ModelVersion>, from: Timestamp) {
        let mut used = self.0.lock();
        used[role as usize] = version.map(|version| (version, from));
    }

    /// Returns the model in use for a role, and the timestamp from which it is active: 0 for the first model.
    pub fn get(&self, role: Role) -> Option<(ModelVersion, Timestamp)> {
        self.0.lock()[role as usize].clone()
    }
}
