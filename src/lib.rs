//! The parts of delaycast, independent of dataflows, web pages and the command line.
//!
//! # Layout
//!
//! * [`flight`]: the vocabulary of the domain: codes, delay classes, times, schedules, weather, value ranges.
//! * [`request`]: requests: fields, limits, decoding from and encoding to the wire.
//! * [`answer`]: answers and rejections; [`explanation`]: their reasons; [`shadow`]: the candidate model's answers.
//! * [`clock`]: the wall clock, which may be set to any time, and the monotonic time.
//! * [`document`]: the documents of answers, and their JSON.
//! * [`airports`]: known airports and airlines, and the distances between airports.
//! * [`history`]: flown flights: their Parquet file, the fetch of their zips, and the importers of other formats.
//! * [`features`]: the encoding of a flight as numbers, the same for training and scoring.
//! * [`classifier`]: the kinds of model: settings, prediction, explanation and bytes behind one enum each.
//! * [`forest`]: random forests: the histogram trainer, and flat trees.
//! * [`evaluate`]: the evaluation of predictors on flights later than those they were trained on.
//! * [`model`]: the trained model: forests, features and airports in one checked file; a versioned directory.
//! * [`ask`]: publishes one request and waits for its answer.
//! * [`predict`]: scores requests from a pipe into a pipe; [`ndjson`]: their lines.
//! * [`log`]: the request log and its connectors.
//! * [`store`]: the prediction store and its connectors.
//! * [`sqlite`]: the embedded database, the default log and store.
//! * [`address`]: the URLs of logs and stores; [`key_file`]: the files of private keys.
//! * [`finding`]: the findings of an examination, in words.
//! * [`supervise`]: a supervisor that restarts its child process.
//! * [`process`]: the CPU time and memory of this process.
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
