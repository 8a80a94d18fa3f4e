//! One timely cluster of several processes: they find each other, check each other, and hand timely their connections.
//!
//! ```text
//!   process 2 ── Hello ──▶ ┐                     ┌──▶ Form {generation, incarnations} ──▶ 1, 2
//!   process 1 ── Hello ──▶ ┴─ process 0: all here ┘
//!   process 2 ── Join ──▶ process 1 ── Joined ──▶ 2          every pair of the others
//!   process 1, 2 ── Ready ──▶ process 0 ── Go ──▶ 1, 2       then the connections are timely's
//! ```
//!
//! Timely's own bootstrap trusts whoever connects, waits for a silent one for ever, and knows no generations.
//!
//! # The rules
//!
//! Each has a test of its number in `tests/` beside this file.
//!
//! 1. Process i of n dials every process of a lower number and is dialled by those of a higher one. A name is resolved
//!    again at each try.
//! 2. What a stranger sends is never acted upon, and costs nobody time: each connection that comes in is a task of its own
//!    with a deadline ([`HANDSHAKE`]), there are at most [`STRANGERS_MAX`] of them, and a message is at most
//!    [`MESSAGE_BYTES_MAX`] long.
//! 3. Both ends prove that they belong to the cluster before either says who it is: by certificates, or on loopback by a
//!    shared secret, with a code over both ends' nonces on every message.
//! 4. Whoever exchanges data agrees on all [`Terms`]: the cluster and its shape, the binary, the dataflow, the model. A
//!    disagreement is refused, and both ends are told.
//! 5. Process 0 gathers one Hello of each process; a later one of the same number replaces the earlier one. When all are
//!    there it makes the next generation: a number above all that any of them knows of, an identity, and a clock.
//! 6. Processes join each other only under the same generation and the incarnation that process 0 has heard of: so no
//!    connection of an earlier try, and no process that was replaced, gets in.
//! 7. A generation starts when every process has all its connections: each says Ready, and process 0 says Go.
//! 8. Forming has a deadline as a whole ([`FORMING`]) and starts over then, or as soon as a connection is lost, or when
//!    process 0 turns somebody away and finds that it is itself behind, with an old model.
//! 9. Once the generation runs, whoever knocks is refused and told that it runs. It ends with the first of its processes.

mod attempt;
mod certificates;
mod channel;
mod door;
mod follow;
mod form;
mod join;
mod lead;
mod link;
mod member;
mod message;
mod named;
mod peers;
mod refusals;
mod terms;
#[cfg(test)]
mod tests;
mod trust;

use std::time::Duration;

pub use attempt::Site;
pub use certificates::{CertificateError, Certificates};
pub use channel::MESSAGE_BYTES_MAX;
pub use door::{Door, DoorError, STRANGERS_MAX};
pub use form::{Formed, form};
pub use link::Link;
pub use member::{Member, Mesh, peer_of_thread};
pub use message::Generation;
pub use peers::{Peers, PeersError};
pub use terms::Terms;
pub use trust::{Trust, TrustError};

/// A stranger has so long to prove that it is none.
pub const HANDSHAKE: Duration = Duration::from_secs(5);
/// Forming starts over after this time.
pub const FORMING: Duration = Duration::from_secs(10);
