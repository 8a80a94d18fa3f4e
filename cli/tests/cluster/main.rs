//! The promise in a cluster: nothing lost, each request answered once, an answer never changes, whatever happens to its
//! processes or to the network between them.
//!
//! Each process runs under its supervisor in a network namespace of its own, with the name that a pod of a StatefulSet
//! has. docs/faults.md has the table of faults, promises and tests. Each test prints what it counted, how long recovery
//! took, and its seed. Once each, or 20 times with DELAYCAST_TEST_LONG.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod book;
mod cut;
mod freeze;
mod hosts;
mod kills;
mod load;
mod model;
mod overlap;
mod pod;
mod restart;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod trials;
mod world;
