//! The mesh of a cluster: several processes discover and authenticate each other, and form one timely cluster.
//!
//! ```text
//!   process 2 ── Hello ──▶ ┐                     ┌──▶ Form {generation, addresses} ──▶ 1, 2
//!   process 1 ── Hello ──▶ ┴─ process 0: all here ┘
//!   process 2 ── Join ──▶ process 1 ── Joined ──▶ 2          every pair of the others
//!   process 1, 2 ── Ready ──▶ process 0 ── Go ──▶ 1, 2       then the connections are timely's
//! ```
//!
//! Timely's own bootstrap accepts any connection, waits for a silent one without a deadline, and has no generations.
//!
//! # The rules
//!
//! Each has a test of its number in `tests/` beside this file.
//!
//! 1. Process i of n connects to every process of a lower number and accepts connections of those of a higher one. Only
//!    process 0 must be found by its name, which is resolved again at each attempt: each of the others tells process 0
//!    its address, and process 0 tells it to all. The answer of a name service may be out of date by half a minute.
//! 2. An unauthenticated connection has no effect and delays no process: each has its own task with a deadline
//!    ([`HANDSHAKE_TIMEOUT`]), there are at most [`HANDSHAKES_MAX`] of them, and a message has at most
//!    [`MESSAGE_BYTES_MAX`].
//! 3. Both ends authenticate before they exchange messages: by certificates, or on loopback by a shared secret, with a
//!    MAC over both ends' nonces on every message.
//! 4. Processes that exchange data agree on the whole [`ClusterSpec`]: the cluster and its shape, the binary, the
//!    dataflow, the model. A process that differs is rejected, and both ends log the difference.
//! 5. Process 0 collects one Hello of each process; a later one of the same number replaces the earlier one. When all
//!    are present it makes the next generation: a number above all that any of them knows of, an id, and a clock.
//! 6. Processes join each other only with the generation's id and the incarnation that process 0 has announced. This
//!    excludes connections of an earlier attempt, and processes that were replaced.
//! 7. A generation starts when every process has all its connections: each sends Ready, and process 0 sends Go.
//! 8. An attempt starts over after a deadline ([`FORMATION_TIMEOUT`]), when a connection is lost, or when process 0
//!    rejects a process and finds its own model outdated.
//! 9. While the generation runs, every process that connects is rejected with that reason. The generation ends with the
//!    first of its processes.

mod attempt;
mod channel;
mod config;
mod connection;
mod credentials;
mod handshake;
mod listener;
mod member;
#[cfg(test)]
mod tests;

pub use channel::{Generation, MESSAGE_BYTES_MAX};
pub use config::{ClusterSpec, MeshConfig, Peers, PeersError};
pub use connection::Link;
pub use credentials::{CertificateError, Certificates, Credentials, CredentialsError};
pub use listener::{HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, Listener, ListenerError};
pub use member::{FORMATION_TIMEOUT, Formed, Member, Mesh, form, peer_of_thread};
