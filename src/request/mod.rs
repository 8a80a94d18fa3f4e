//! Requests: their fields, decoding and encoding.
//!
//! [`decode()`] reads the JSON of the wire contract and [`encode()`] writes it. Both sides of the log use this module,
//! so that the page refuses what the scorer would refuse, for the same reason. [`Field`] lists the fields.

mod decode;
mod find_id;
mod schema;
mod wire;

pub use decode::decode;
pub use schema::{Field, MESSAGE_BYTES_MAX, Request};
pub use wire::{encode, parse_flight_date};

#[cfg(test)]
mod tests;
