//! What the processes of a cluster agree on.

use serde::{Deserialize, Serialize};

/// What must be the same in all processes before they exchange data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The cluster's name.
    pub cluster: String,
    /// How many processes it has.
    pub processes: usize,
    /// How many worker threads each of them has.
    pub workers: usize,
    /// A fingerprint of the program file.
    pub program: String,
    /// What the dataflow is built from, beyond the program: its options in words.
    pub dataflow: String,
    /// The model version that is scored with.
    pub model: String,
}

impl Terms {
    /// What another process has otherwise, in words for both operators; `theirs` are those of the process told of it.
    pub(super) fn disagreement(&self, theirs: &Terms) -> Option<String> {
        let differs = |what: &str, ours: &str, theirs: &str| {
            (ours != theirs).then(|| format!("the {what} differs: {theirs} there, {ours} here"))
        };
        let number = |number: usize| number.to_string();
        differs("cluster", &self.cluster, &theirs.cluster)
            .or_else(|| differs("number of processes", &number(self.processes), &number(theirs.processes)))
            .or_else(|| differs("number of workers", &number(self.workers), &number(theirs.workers)))
            .or_else(|| differs("program", &self.program, &theirs.program))
            .or_else(|| differs("dataflow", &self.dataflow, &theirs.dataflow))
            .or_else(|| differs("model", &self.model, &theirs.model))
    }
}
