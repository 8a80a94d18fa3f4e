//! How the ends of a connection prove that they belong to the cluster.

use std::{
    fmt,
    io::{self, ErrorKind::UnexpectedEof},
    net::SocketAddr,
    sync::Arc,
};

use rand::RngExt;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{
    certificates::{CertificateError, Certificates, Loaded},
    channel::{CODE_BYTES, Channel, Fault, Seal, Wire},
};

/// Each end starts with this: who says anything else is a stranger. The number is the protocol's version.
const PREAMBLE: &[u8] = b"delaycast mesh 1\n";
const NONCE_BYTES: usize = 32;
/// A shorter secret could be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// What a process proves itself by.
#[derive(Clone)]
pub enum Trust {
    /// A secret that all processes have. What they exchange afterwards is open to who can read the network: so it is
    /// for loopback alone, and refused elsewhere.
    Secret(Arc<[u8]>),
    /// Certificates of both ends, TLS 1.3.
    Certificates(Arc<Certificates>),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trust::Secret(_) => "Secret",
            Trust::Certificates(_) => "Certificates",
        })
    }
}

/// Why processes cannot prove themselves.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A secret that could be guessed.
    #[error("the secret of the mesh has {0} bytes, and at least {SECRET_BYTES_MIN} are wanted")]
    ShortSecret(usize),
    /// A secret over a network.
    #[error("{0} is not on this machine, and a shared secret protects nothing on a network: use certificates")]
    NotLoopback(SocketAddr),
    /// The certificates.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl Trust {
    /// By a secret.
    pub fn secret(secret: &[u8]) -> Result<Self, TrustError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(TrustError::ShortSecret(secret.len()));
        }
        Ok(Trust::Secret(secret.into()))
    }

    /// By certificates; fails if they cannot be used now.
    pub fn certificates(certificates: Certificates) -> Result<Self, TrustError> {
        certificates.load()?;
        Ok(Trust::Certificates(Arc::new(certificates)))
    }

    /// Whether this is enough for a connection with somebody, or for listening, at an address.
    pub(super) fn suffices(&self, address: SocketAddr) -> Result<(), TrustError> {
        match self {
            Trust::Secret(_) if !address.ip().is_loopback() => Err(TrustError::NotLoopback(address)),
            _ => Ok(()),
        }
    }

    /// The end that has dialled.
    pub(super) async fn dialled(&self, tcp: TcpStream, address: SocketAddr) -> Result<Channel, Fault> {
        self.suffices(address)?;
        match self {
            Trust::Secret(secret) => prove(secret, tcp, address, true).await,
            Trust::Certificates(certificates) => {
                let loaded = loaded(certificates).await?;
                // The name is checked by the library here.
                let connector = TlsConnector::from(Arc::new(loaded.client));
                let stream = connector.connect(certificates.name().clone(), tcp).await?;
                greet(Wire::Tls(Box::new(TlsStream::Client(stream))), address).await
            }
        }
    }

    /// The end that was dialled.
    pub(super) async fn answered(&self, tcp: TcpStream, address: SocketAddr) -> Result<Channel, Fault> {
        self.suffices(address)?;
        match self {
            Trust::Secret(secret) => prove(secret, tcp, address, false).await,
            Trust::Certificates(certificates) => {
                // Who connects and says nothing is not worth a look at files.
                tcp.readable().await?;
                let loaded = loaded(certificates).await?;
                let stream = TlsAcceptor::from(Arc::new(loaded.server)).accept(tcp).await?;
                greet(Wire::Tls(Box::new(TlsStream::Server(stream))), address).await
            }
        }
    }
}

/// What the files say now, read where reading holds nobody up.
async fn loaded(certificates: &Arc<Certificates>) -> Result<Loaded, Fault> {
    let certificates = Arc::clone(certificates);
    let loaded = tokio::task::spawn_blocking(move || certificates.load()).await.map_err(io::Error::other)?;
    Ok(loaded.map_err(TrustError::from)?)
}

/// Both ends say what they are.
async fn greet(mut wire: Wire, address: SocketAddr) -> Result<Channel, Fault> {
    wire.write(PREAMBLE).await?;
    let mut preamble = [0; PREAMBLE.len()];
    wire.read(&mut preamble).await?;
    if preamble != PREAMBLE { Err(Fault::Stranger) } else { Ok(Channel::new(wire, None, address)) }
}

/// Both ends show that they have the secret, and each hears of it if the other does not.
async fn prove(secret: &[u8], tcp: TcpStream, address: SocketAddr, dialled: bool) -> Result<Channel, Fault> {
    let mut wire = Wire::Plain(tcp);
    let ours: [u8; NONCE_BYTES] = rand::rng().random();
    let opening = [PREAMBLE, &ours].concat();
    // Who was dialled says nothing to strangers.
    if dialled {
        wire.write(&opening).await?;
    }
    let (mut preamble, mut theirs) = ([0; PREAMBLE.len()], [0; NONCE_BYTES]);
    wire.read(&mut preamble).await?;
    if preamble != PREAMBLE {
        return Err(Fault::Stranger);
    }
    wire.read(&mut theirs).await?;
    if !dialled {
        wire.write(&opening).await?;
    }
    let seal = match dialled {
        true => Seal::new(secret, true, &ours, &theirs),
        false => Seal::new(secret, false, &theirs, &ours),
    };
    let mut proof = [0; CODE_BYTES];
    // Who has dialled proves itself first: a code under the secret, given to anybody, would help to guess it.
    if dialled {
        wire.write(&seal.proof()).await?;
        let answer = wire.read(&mut proof).await;
        answer.map_err(|error| if error.kind() == UnexpectedEof { Fault::Secret } else { error.into() })?;
        seal.check_proof(&proof)?;
    } else {
        wire.read(&mut proof).await?;
        seal.check_proof(&proof)?;
        wire.write(&seal.proof()).await?;
    }
    Ok(Channel::new(wire, Some(seal), address))
}
