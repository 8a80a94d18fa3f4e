//! The dataflows of delaycast. They open no file or database: the caller passes sources and sinks. Only [`mesh`] opens
//! sockets, between the processes of a cluster.
//!
//! # Layout
//!
//! * [`graph`]: the operators, channels and frontiers of the running dataflows, from timely's log.
//! * [`heartbeat`]: detects processes of a cluster that hang.
//! * [`live`]: keeps the state that events make, for the requests that are scored.
//! * [`mesh`]: connects the processes of a cluster, and authenticates them.
//! * [`monitor`]: the liveness, the readiness and the metrics of a process.
//! * [`score`]: scores requests, and keeps the rules of delivery.
//! * [`watch`]: counts answers and dead letters over a sliding window.

pub mod graph;
pub mod heartbeat;
pub mod live;
pub mod mesh;
pub mod monitor;
pub mod score;
#[cfg(test)]
mod testing;
pub mod watch;
