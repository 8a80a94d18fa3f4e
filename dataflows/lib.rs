//! The dataflows of delaycast.
//!
//! * [`train`]: grows forests, its trees spread over the workers.

pub mod train;
