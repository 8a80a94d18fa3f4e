//! Models: the traits that score requests, a versioned directory ([`ModelDir`]), and the replacement of the models of a
//! running scorer ([`DesiredModels`]).

mod candidate;
mod choice;
mod directory;
mod layout;
mod scorer;
#[cfg(test)]
mod testing;
mod watch;

pub use candidate::{Candidate, DesiredModel, DesiredModels, FileLoader, Latest, Loader};
pub use choice::{HISTORY_FILE, HISTORY_MAX, Listed};
pub use directory::{CURRENT_FILE, MODEL_FILE, ModelDir, ModelDirError, VERSIONS_MAX};
pub use layout::{Role, published_at, version_name};
pub use scorer::{MODEL_BYTES_MAX, ModelFile, Predict, Scorer, Versioned};
pub use watch::{POLL_INTERVAL, RETRY_MAX, Watcher, watch};
