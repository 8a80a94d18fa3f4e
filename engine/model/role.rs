//! What a version is used for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the directory names a version for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It answers.
    Current,
    /// It is tried out beside the one that answers; nobody sees what it says.
    Shadow,
}

impl Role {
    /// Both.
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
