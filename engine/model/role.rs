//! The roles of model versions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The role that the directory names a version for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model that answers.
    Current,
    /// A candidate that is compared with it; its scores are stored separately and not sent as answers.
    Shadow,
}

impl Role {
    /// Both roles.
    pub const ALL: [Role; 2] = [Role::Current, Role::Shadow];

    /// The file in the model directory that holds the name of the version.
    pub fn file(self) -> &'static str {
        match self {
            Role::Current => "current",
            Role::Shadow => "shadow",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file())
    }
}
