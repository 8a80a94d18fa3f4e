//! Tests of the promise under faults: nothing lost, each request answered once, an answer never changes.
//!
//! The binary runs between a Kafka and a MongoDB-protocol server that belong to these tests, so that they can be
//! stopped and killed. docs/faults.md has the table of faults, promises and tests. Outages are short; `./test long` has
//! the full ones. Each test prints its counts and its seed.

#![cfg(all(feature = "kafka", feature = "mongo"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod broker;
mod clock;
mod crash;
mod crash_embedded;
mod embedded;
mod file;
#[allow(dead_code, reason = "these tests use their share")]
#[path = "../services/fixture.rs"]
mod fixture;
mod hostile;
mod load;
mod malformed_requests;
mod proxy;
mod recreate;
mod repeated_ids;
mod servers;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod table;
