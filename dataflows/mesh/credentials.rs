//! Credentials that prove that a process belongs to the cluster: a shared secret, or X.509 certificates.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use engine::key_file::{self, KeyFileError};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::{danger::HandshakeSignatureValid, verify_server_name},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Lower bound on the length of a shared secret: a shorter one could be guessed.
const SECRET_BYTES_MIN: usize = 16;
/// File names within the directory, those of a Kubernetes secret that cert-manager maintains.
const AUTHORITY: &str = "ca.crt";
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The credentials of a process.
#[derive(Clone)]
pub enum Credentials {
    /// A secret that all processes share. Loopback only, because the data that follows is not encrypted.
    Secret(Arc<[u8]>),
    /// Certificates of both ends, mutual TLS 1.3.
    Certificates(Arc<Certificates>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Secret(_) => "Secret",
            Credentials::Certificates(_) => "Certificates",
        })
    }
}

/// Credentials that are unusable, or insufficient for an address.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The secret could be guessed.
    #[error("the secret of the mesh has {0} bytes, and at least {SECRET_BYTES_MIN} are wanted")]
    ShortSecret(usize),
    /// A secret with an address that is not loopback.
    #[error("{0} is not on this machine, and a shared secret protects nothing on a network: use certificates")]
    NotLoopback(SocketAddr),
    /// The certificates are unusable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl Credentials {
    /// Returns a shared secret.
    pub fn secret(secret: &[u8]) -> Result<Self, CredentialsError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(CredentialsError::ShortSecret(secret.len()));
        }
        Ok(Credentials::Secret(secret.into()))
    }

    /// Returns certificates; fails if they cannot be loaded now.
    pub fn certificates(certificates: Certificates) -> Result<Self, CredentialsError> {
        certificates.load()?;
        Ok(Credentials::Certificates(Arc::new(certificates)))
    }

    /// Checks that these credentials suffice to connect to an address, or to listen on it.
    pub(super) fn check_address(&self, address: SocketAddr) -> Result<(), CredentialsError> {
        match self {
            Credentials::Secret(_) if !address.ip().is_loopback() => Err(CredentialsError::NotLoopback(address)),
            _ => Ok(()),
        }
    }
}

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or parsed.
    #[error("cannot use {path}: {reason}")]
    File {
        /// Its path.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The private key is readable by other users, or cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Not a valid DNS name or IP address.
    #[error("{0:?} is no name for a certificate")]
    Name(String),
    /// The certificate and the key do not match.
    #[error("cannot use the certificate and key in {dir}: {reason}")]
    Pair {
        /// Their directory.
        dir: PathBuf,
        /// The cause.
        reason: String,
    },
}

/// The directory of the certificates, and the name that every process's certificate must have. The files are read again
/// for each connection, so that renewed certificates need no restart.
#[derive(Debug)]
pub struct Certificates {
    dir: PathBuf,
    name: ServerName<'static>,
}

/// TLS configurations made from the files.
pub(super) struct TlsConfigs {
    pub(super) server: ServerConfig,
    pub(super) client: ClientConfig,
}

impl Certificates {
    /// Returns the certificates of a directory: `ca.crt`, the trusted authorities; `tls.crt`, this process's
    /// certificate and its chain; `tls.key`, the private key, which other users may not read.
    pub fn new(dir: impl Into<PathBuf>, name: &str) -> Result<Self, CertificateError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| CertificateError::Name(name.to_owned()))?;
        Ok(Certificates { dir: dir.into(), name })
    }

    pub(super) fn name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// Returns the end of validity of this process's certificate.
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

    /// Reads the files. Blocks.
    pub(super) fn load(&self) -> Result<TlsConfigs, CertificateError> {
        let pair = |error: Error| CertificateError::Pair { dir: self.dir.clone(), reason: error.to_string() };
        let (authority, key) = (self.dir.join(AUTHORITY), self.dir.join(KEY));
        let mut roots = RootCertStore::empty();
        for certificate in read(&authority)? {
            roots.add(certificate).map_err(|error| file_error(&authority, error))?;
        }
        let (roots, chain) = (Arc::new(roots), read(&self.dir.join(CHAIN))?);
        let own_key = PrivateKeyDer::from_pem_slice(&key_file::read(&key)?).map_err(|error| file_error(&key, error))?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| file_error(&authority, error))?;
        let verifier = Arc::new(ClientNameVerifier { verifier, name: self.name.clone() });
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
        Ok(TlsConfigs { server, client })
    }
}

fn file_error(path: &Path, reason: impl ToString) -> CertificateError {
    CertificateError::File { path: path.to_owned(), reason: reason.to_string() }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| file_error(path, error))?;
    if found.is_empty() { Err(file_error(path, "it holds no certificate")) } else { Ok(found) }
}

/// Checks the client certificate's name, as rustls does for servers: one of the same authority may be for another
/// service. Part of the TLS handshake, so that a rejected client receives an alert.
#[derive(Debug)]
struct ClientNameVerifier {
    verifier: Arc<dyn ClientCertVerifier>,
    name: ServerName<'static>,
}

impl ClientCertVerifier for ClientNameVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier.verify_client_cert(own, intermediates, now)?;
        verify_server_name(&ParsedCertificate::try_from(own)?, &self.name)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
