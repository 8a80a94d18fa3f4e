//! The traits that the engine requires of a model: scores, and a file.

use std::error::Error;

use sha2::{Digest, Sha256};

use crate::{answer::ModelVersion, domain::Domain};

/// Upper bound on the length of a model file, in bytes.
pub const MODEL_BYTES_MAX: u64 = 256 << 20;

/// A model that scores requests, under its version.
pub trait Scorer<D: Domain>: Send + Sync {
    /// Returns the model's version.
    fn version(&self) -> &ModelVersion;

    /// Appends one score a request, in the requests' order.
    fn score(&self, requests: &[D::Request], scores: &mut Vec<D::Score>);
}

/// A model that is kept in a file of at most [`MODEL_BYTES_MAX`].
pub trait ModelFile: Sized + Send + 'static {
    /// The reason why a file cannot be used.
    type Error: Error + Send + Sync + 'static;

    /// Encodes the model as the bytes of a file.
    fn encode(&self) -> Result<Vec<u8>, Self::Error>;

    /// Reads and checks the bytes of a file.
    fn decode(bytes: &[u8]) -> Result<Self, Self::Error>;

    /// Returns the error for a file that is longer than [`MODEL_BYTES_MAX`].
    fn too_long() -> Box<dyn Error + Send + Sync> {
        format!("this model file is longer than {MODEL_BYTES_MAX} bytes").into()
    }

    /// Returns the checksum of a file's bytes, whose beginning is part of the version's name.
    fn checksum(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }
}

/// A model that scores the requests of a domain. Under a version it is a [`Scorer`].
pub trait Predict<D: Domain>: Send + Sync {
    /// Appends one score a request, in the requests' order.
    fn predict(&self, requests: &[D::Request], scores: &mut Vec<D::Score>);
}

impl<D: Domain, M: Predict<D>> Scorer<D> for Versioned<M> {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[D::Request], scores: &mut Vec<D::Score>) {
        self.model.predict(requests, scores);
    }
}

/// A model under the name that its answers carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<M> {
    /// The name.
    pub version: ModelVersion,
    /// The model.
    pub model: M,
}

impl<M> Versioned<M> {
    /// Changes the model and keeps the version.
    pub fn map<N>(self, change: impl FnOnce(M) -> N) -> Versioned<N> {
        Versioned { version: self.version, model: change(self.model) }
    }
}
