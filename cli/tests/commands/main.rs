//! The program's commands, as processes: what they print where, how they exit, and what they leave.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod ask;
mod data_fetch;
mod data_import;
mod evaluate;
mod health;
mod help;
mod malformed;
mod mesh;
mod models;
mod secrets;
#[path = "../../../src/history/fetch/tests/server.rs"]
mod server;
mod small;
#[path = "../support/mod.rs"]
mod support;
mod swap;
mod tools;
mod train;
mod up;
