//! Fault injection into a cluster: no request is lost, each is answered once, and no answer changes, whatever fails of
//! the processes or of the network between them.
//!
//! Each process runs under its supervisor in its own network namespace, with the host name of a StatefulSet's pod.
//! docs/faults.md has the table of faults, promises and tests. Each test prints its counts, the time of recovery, and
//! its seed. Each fault is injected once, or 20 times with DELAYCAST_TEST_LONG.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod changes;
mod failures;
mod hosts;
mod load;
mod pod;
mod request_history;
#[path = "../support/mod.rs"]
mod support;
mod test_cluster;
mod trials;
mod unauthorized;
