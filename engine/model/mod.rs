//! Models: the traits that score requests, a versioned directory ([`ModelDir`]), and the replacement of the models of a
//! running scorer ([`DesiredModels`]).
//!
//! # Example
//!
//! Publishes and loads a model of the domain `Payments`, which is the example of [`Domain`](crate::domain::Domain).
//!
//! ```
//! # mod payments { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/payments.rs")); }
//! use engine::{clock, domain::Domain, model::{FileLoader, Loader, ModelDir, ModelFile, Predict, Scorer}};
//! use payments::{Payment, Payments, Risk};
//!
//! /// Every payment has the same risk.
//! struct BaseRate(f64);
//!
//! impl ModelFile for BaseRate {
//!     type Error = serde_json::Error;
//!
//!     fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
//!         serde_json::to_vec(&self.0)
//!     }
//!
//!     fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
//!         serde_json::from_slice(bytes).map(BaseRate)
//!     }
//! }
//!
//! impl Predict<Payments> for BaseRate {
//!     fn predict(&self, payments: &[Payment], risks: &mut Vec<Risk>) {
//!         risks.extend(payments.iter().map(|_| Risk(self.0)));
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("models");
//! let models = ModelDir::new(path);
//! let version = models.publish(BaseRate(0.25), clock::now())?.version;
//! let payments = [Payments::decode(br#"{"UUID":"p-1","Amount":9.5}"#)?];
//!
//! // At the start of a scorer.
//! let scorer = models.load_current()?;
//! let mut risks = Vec::new();
//! Scorer::<Payments>::score(&scorer, &payments, &mut risks);
//! assert_eq!((scorer.version, risks), (version.clone(), vec![Risk(0.25)]));
//!
//! // While it runs: bytes of another version, in every process.
//! let loader = FileLoader::<BaseRate>::default();
//! let next = Loader::<Payments>::load(&loader, &version, b"0.5")?;
//! let mut risks = Vec::new();
//! next.score(&payments, &mut risks);
//! assert_eq!(risks, [Risk(0.5)]);
//! # Ok(())
//! # }
//! ```

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
