//! Models: the traits that score requests, a versioned directory ([`ModelDir`]), and the replacement of the models of a
//! running scorer ([`DesiredModels`]).

mod candidate;
mod choice;
mod directory;
mod files;
mod role;
mod scorer;
#[cfg(test)]
mod testing;
mod version;
mod watch;

pub use candidate::{Candidate, DesiredModel, DesiredModels, FileLoader, Latest, Loader};
pub use choice::{HISTORY_FILE, HISTORY_MAX, Listed};
pub use directory::{CURRENT_FILE, MODEL_FILE, ModelDir, ModelDirError, VERSIONS_MAX};
pub use role::Role;
pub use scorer::{MODEL_BYTES_MAX, ModelFile, Predict, Scorer, Versioned};
pub use version::{published_at, version_name};
pub use watch::{POLL_INTERVAL, RETRY_MAX, Watcher, watch};
