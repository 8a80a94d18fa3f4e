//! The dataflows of delaycast. They open no file, socket or database: sources and sinks are handed in.
//!
//! # Layout
//!
//! * [`score`]: requests in, answers out: the rules of delivery, and the operators that keep them.

pub mod score;
