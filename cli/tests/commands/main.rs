//! Tests of the commands as processes: their output, exit codes and files.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod ask;
mod batch;
mod data_fetch;
mod data_import;
mod edition;
mod evaluate;
mod events;
mod feed_cluster;
mod followed;
mod health;
mod help;
mod malformed;
mod mesh;
mod models;
mod parity;
mod secrets;
#[path = "../../../src/history/fetch/tests/server.rs"]
mod server;
mod simulate;
mod small;
#[path = "../support/mod.rs"]
mod support;
mod swap;
mod tools;
mod train;
mod up;
