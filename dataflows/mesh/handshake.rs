//! The handshake: both ends of a connection prove that they belong to the cluster.

use std::{
    io::{self, ErrorKind::UnexpectedEof},
    net::SocketAddr,
    sync::Arc,
};

use rand::RngExt;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{
    channel::{Channel, ChannelError, MAC_BYTES, Mac},
    connection::Transport,
    credentials::{Certificates, Credentials, CredentialsError, TlsConfigs},
};

/// First bytes of each end. The number is the protocol's version.
const PREAMBLE: &[u8] = b"delaycast mesh 1\n";
const NONCE_BYTES: usize = 32;

/// Runs the handshake at the end that has connected.
pub(super) async fn connect(
    credentials: &Credentials,
    tcp: TcpStream,
    address: SocketAddr,
) -> Result<Channel, ChannelError> {
    credentials.check_address(address)?;
    match credentials {
        Credentials::Secret(secret) => exchange_proofs(secret, tcp, address, true).await,
        Credentials::Certificates(certificates) => {
            let configs = load(certificates).await?;
            // rustls checks the server's name.
            let connector = TlsConnector::from(Arc::new(configs.client));
            let stream = connector.connect(certificates.name().clone(), tcp).await?;
            exchange_preambles(Transport::Tls(Box::new(TlsStream::Client(stream))), address).await
        }
    }
}

/// Runs the handshake at the end that has accepted.
pub(super) async fn accept(
    credentials: &Credentials,
    tcp: TcpStream,
    address: SocketAddr,
) -> Result<Channel, ChannelError> {
    credentials.check_address(address)?;
    match credentials {
        Credentials::Secret(secret) => exchange_proofs(secret, tcp, address, false).await,
        Credentials::Certificates(certificates) => {
            // Read no files for a connection that sends nothing.
            tcp.readable().await?;
            let configs = load(certificates).await?;
            let stream = TlsAcceptor::from(Arc::new(configs.server)).accept(tcp).await?;
            exchange_preambles(Transport::Tls(Box::new(TlsStream::Server(stream))), address).await
        }
    }
}

/// Loads the certificates on a thread that may block.
async fn load(certificates: &Arc<Certificates>) -> Result<TlsConfigs, ChannelError> {
    let certificates = Arc::clone(certificates);
    let configs = tokio::task::spawn_blocking(move || certificates.load()).await.map_err(io::Error::other)?;
    Ok(configs.map_err(CredentialsError::from)?)
}

/// Checks the protocol's version over TLS, which has authenticated both ends.
async fn exchange_preambles(mut transport: Transport, address: SocketAddr) -> Result<Channel, ChannelError> {
    transport.write(PREAMBLE).await?;
    let mut preamble = [0; PREAMBLE.len()];
    transport.read(&mut preamble).await?;
    if preamble != PREAMBLE { Err(ChannelError::Protocol) } else { Ok(Channel::new(transport, None, address)) }
}

/// Proves to each end that the other has the secret.
async fn exchange_proofs(
    secret: &[u8],
    tcp: TcpStream,
    address: SocketAddr,
    client: bool,
) -> Result<Channel, ChannelError> {
    let mut transport = Transport::Tcp(tcp);
    let ours: [u8; NONCE_BYTES] = rand::rng().random();
    let opening = [PREAMBLE, &ours].concat();
    // The server sends nothing to a client that does not speak the protocol.
    if client {
        transport.write(&opening).await?;
    }
    let (mut preamble, mut theirs) = ([0; PREAMBLE.len()], [0; NONCE_BYTES]);
    transport.read(&mut preamble).await?;
    if preamble != PREAMBLE {
        return Err(ChannelError::Protocol);
    }
    transport.read(&mut theirs).await?;
    if !client {
        transport.write(&opening).await?;
    }
    let mac = match client {
        true => Mac::new(secret, true, &ours, &theirs),
        false => Mac::new(secret, false, &theirs, &ours),
    };
    let mut proof = [0; MAC_BYTES];
    // The client proves itself first: a code under the secret, sent to an unproven client, would help to guess it.
    if client {
        transport.write(&mac.proof()).await?;
        let answer = transport.read(&mut proof).await;
        answer.map_err(|error| match error.kind() {
            UnexpectedEof => ChannelError::WrongSecret,
            _ => error.into(),
        })?;
        mac.verify_proof(&proof)?;
    } else {
        transport.read(&mut proof).await?;
        mac.verify_proof(&proof)?;
        transport.write(&mac.proof()).await?;
    }
    Ok(Channel::new(transport, Some(mac), address))
}
