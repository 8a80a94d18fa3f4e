//! `delaycast score` as one process of a cluster: its options, its supervisor, and what runs under that.

mod child;
mod local;
mod options;
mod supervisor;

pub(crate) use child::{leave_if_a_peer_is_lost, run as run_child};
pub(crate) use local::LocalCluster;
pub(crate) use options::{ClusterOptions, MESH_NAME};
pub(crate) use supervisor::run as run_supervisor;
