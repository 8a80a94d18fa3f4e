//! The runtime kit: what every part with threads needs.
//!
//! * [`Stop`]: a flag that ends threads, with a sleep that it interrupts.
//! * [`Thread`]: a thread that is joined with a timeout.
//! * [`Backoff`], [`retry`]: pauses between attempts, and the loop around them.
//! * [`Mutex`], [`Condvar`]: locks without poisoning.
//! * [`hex`]: bytes as hexadecimal digits.

mod backoff;
pub mod hex;
mod lock;
mod thread;

pub use backoff::{Backoff, retry};
pub use lock::{Condvar, Mutex, MutexGuard};
pub use thread::{JOIN_TIMEOUT, Stop, Thread};
