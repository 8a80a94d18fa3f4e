//! Tests of the rules, on loopback sockets.

mod authentication;
mod cluster;
mod rules;
