//! The dataflows of delaycast. They open no file, socket or database: sources and sinks are handed in.
//!
//! # Layout
//!
//! * [`monitor`]: how a process is: live, ready, and its metrics.
//! * [`score`]: requests in, answers out: the rules of delivery, and the operators that keep them.
//! * [`train`]: flights in, a model out: trees spread over the workers.
//! * [`watch`]: answers and dead letters in, counts over a sliding window out.

pub mod monitor;
pub mod score;
pub mod train;
pub mod watch;
