//! The parts of delaycast, none of which knows a dataflow, a web page or a command line.
//!
//! # Layout
//!
//! * [`flight`]: the vocabulary of the domain: codes, delay classes, times, schedules, weather, value ranges.
//! * [`request`]: requests: fields, limits, decoding from and encoding to the wire.
//! * [`answer`]: answers and rejections; [`explanation`]: their reasons; [`shadow`]: the candidate model's answers.
//! * [`clock`]: the wall clock, which may be set to anything, and the time that elapses.
//! * [`document`]: the answers' shape in a document store, and its JSON.
//! * [`airports`]: known airports and airlines, and the distances between airports.
//! * [`history`]: flown flights: their Parquet file, what fetches their zips, and the importers of other formats.
//! * [`features`]: a flight as numbers: one module for training and scoring.
//! * [`classifier`]: the kinds of model: settings, prediction, explanation and bytes behind one enum each.
//! * [`forest`]: random forests: flat trees, growing them.
//! * [`evaluate`]: how good a forest is, on flights later than those it was trained on.
//! * [`model`]: what is trained and loaded: forests, features and airports in one checked file; a versioned directory.
//! * [`ask`]: one request, from its publication to its answer.
//! * [`predict`]: requests in, answers out, on pipes; [`ndjson`]: their lines.
//! * [`log`]: the request log and its connectors.
//! * [`store`]: the prediction store and its connectors.
//! * [`sqlite`]: the database that is log and store where nothing else is configured.
//! * [`address`]: the URLs of logs and stores; [`key_file`]: the files of private keys.
//! * [`finding`]: what an examination of these finds, in words.
//! * [`supervise`]: a process that keeps another one running.
//! * [`process`]: what this process takes of the machine.
//! * [`delivery`]: a writer thread that retries until the store has acknowledged.

pub mod airports;
pub mod answer;
pub mod ask;
mod binary;
pub mod classifier;
pub mod domain;
pub mod evaluate;
pub mod explanation;
pub mod features;
pub mod flight;
pub mod forest;
pub mod history;
pub mod log;
pub mod model;
pub mod predict;
pub mod request;
pub mod routes;
pub mod shadow;

pub use engine::{
    address, clock, delivery, document, finding, key_file, ndjson, process, runtime, sqlite, store, supervise,
};
