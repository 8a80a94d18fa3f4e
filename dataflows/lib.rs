//! The dataflows of delaycast. They open no file, socket or database: sources and sinks are handed in. Only [`mesh`]
//! has sockets: those between the processes of one cluster.
//!
//! # Layout
//!
//! * [`heartbeat`]: how they notice that one of them is there and does nothing.
//! * [`mesh`]: how the processes of a cluster find, check and trust each other.
//! * [`monitor`]: how a process is: live, ready, and its metrics.
//! * [`score`]: requests in, answers out: the rules of delivery, and the operators that keep them.
//! * [`watch`]: answers and dead letters in, counts over a sliding window out.

pub mod heartbeat;
pub mod mesh;
pub mod monitor;
pub mod score;
pub mod watch;
