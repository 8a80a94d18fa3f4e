//! Measurements of a cluster of processes on one machine. That is for learning and tests; the difference to one process
//! is the cost of the mesh.

pub(crate) mod recovery;
pub(crate) mod throughput;

/// Processes of the cluster.
const PROCESSES: usize = 3;
/// As many partitions as there are workers in all, with two in each process.
const PARTITIONS: usize = 6;
