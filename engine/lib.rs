//! The engine of delaycast: requests in, answers out, for any domain.
//!
//! # Layout
//!
//! * [`domain`]: the trait that a domain implements: its requests, its scores, its documents.
//! * [`request`]: the identity of a request, and the reasons for which a message is no request.
//! * [`answer`]: answers and rejections; [`shadow`]: the answers of a candidate model.
//! * [`batch`]: requests that wait in the store, and are answered once a day.
//! * [`document`]: the shape of answers in a document store, and its JSON.
//! * [`live`]: the trait of a domain whose answers depend on events, too; [`follow`]: answers that go on.
//! * [`model`]: scorers, their files in a versioned directory, and how another one is taken up.
//! * [`log`]: the request log and its connectors.
//! * [`store`]: the prediction store and its connectors; [`output`]: answers as messages of a topic.
//! * [`sqlite`]: the database that is log and store where nothing else is configured.
//! * [`delivery`]: a writer thread that retries until the store has acknowledged.
//! * [`address`]: the URLs of logs and stores; [`key_file`]: the files of private keys.
//! * [`regular_file`]: opening files that are regular ones.
//! * [`ndjson`]: JSON lines of bounded length.
//! * [`finding`]: the results of an inspection, in words.
//! * [`clock`]: the wall clock, which may be set to anything, and the time that elapses.
//! * [`runtime`]: stopping, joining, retrying, locking: the needs of every part with threads.
//! * [`status`]: the state of a scorer, as its supervisor and the page of operations show it.
//! * [`supervise`]: a process that restarts another one.
//! * [`process`]: this process's use of the machine.
//! * `log::promises`, `store::promises`, `testing`: the conformance suites of connectors; cargo feature `conformance`.

// The example of a domain, which tests include, names this crate.
#[cfg(test)]
extern crate self as engine;

pub mod address;
pub mod answer;
pub mod batch;
pub mod clock;
pub mod delivery;
pub mod document;
pub mod domain;
pub mod finding;
pub mod follow;
pub mod key_file;
pub mod live;
pub mod log;
pub mod model;
pub mod ndjson;
pub mod output;
pub mod process;
pub mod regular_file;
pub mod request;
pub mod runtime;
pub mod shadow;
pub mod sqlite;
pub mod status;
pub mod store;
pub mod supervise;
#[cfg(any(test, feature = "conformance"))]
pub mod testing;
