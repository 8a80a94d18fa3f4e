//! The certificates of the mesh: read from files, and read again whenever a connection is made, so that new ones need no
//! restart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use delaycast::key_file::{self, KeyFileError};
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::named::Named;

/// The names of the files in a folder, those of a Kubernetes secret that cert-manager keeps.
const AUTHORITY: &str = "ca.crt";
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file.
    #[error("cannot use {path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The private key is refused: other users may read it, or it cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A name that no certificate can be for.
    #[error("{0:?} is no name for a certificate")]
    Name(String),
    /// They do not go together.
    #[error("cannot use the certificate and key in {dir}: {reason}")]
    Pair {
        /// Where they are.
        dir: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Where the certificates are, and the name that every process's own is for.
#[derive(Debug)]
pub struct Certificates {
    dir: PathBuf,
    name: ServerName<'static>,
}

/// What they say now.
pub(super) struct Loaded {
    pub(super) server: ServerConfig,
    pub(super) client: ClientConfig,
}

impl Certificates {
    /// The certificates of a folder: `ca.crt`, the authorities that are trusted; `tls.crt`, this process's
    /// certificate and its chain; `tls.key`, the private key, which other users may not read.
    pub fn new(dir: impl Into<PathBuf>, name: &str) -> Result<Self, CertificateError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| CertificateError::Name(name.to_owned()))?;
        Ok(Certificates { dir: dir.into(), name })
    }

    pub(super) fn name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// Until when this process's own certificate is valid.
    pub fn expires(&self) -> Result<SystemTime, CertificateError> {
        let path = self.dir.join(CHAIN);
        let chain = read(&path)?;
        let own = chain.first().map(|own| X509Certificate::from_der(own));
        let Some(Ok((_, own))) = own else {
            return Err(CertificateError::File { path, reason: "it cannot be read as a certificate".into() });
        };
        let seconds = u64::try_from(own.validity().not_after.timestamp()).unwrap_or(0);
        Ok(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    pub(super) fn load(&self) -> Result<Loaded, CertificateError> {
        let pair = |error: rustls::Error| CertificateError::Pair { dir: self.dir.clone(), reason: error.to_string() };
        let (authority, key) = (self.dir.join(AUTHORITY), self.dir.join(KEY));
        let mut roots = RootCertStore::empty();
        for certificate in read(&authority)? {
            roots.add(certificate).map_err(|error| file(&authority, error))?;
        }
        let (roots, chain) = (Arc::new(roots), read(&self.dir.join(CHAIN))?);
        let own_key = PrivateKeyDer::from_pem_slice(&key_file::read(&key)?).map_err(|error| file(&key, error))?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| file(&authority, error))?;
        let verifier = Arc::new(Named { verifier, name: self.name.clone() });
        let versions = [&rustls::version::TLS13];
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(pair)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), own_key.clone_key())
            .map_err(pair)?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(pair)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, own_key)
            .map_err(pair)?;
        Ok(Loaded { server, client })
    }
}

fn file(path: &Path, reason: impl ToString) -> CertificateError {
    CertificateError::File { path: path.to_owned(), reason: reason.to_string() }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| file(path, error))?;
    if found.is_empty() { Err(file(path, "it holds no certificate")) } else { Ok(found) }
}
