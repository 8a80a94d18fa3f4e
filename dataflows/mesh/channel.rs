//! A channel of messages over an authenticated connection: length-prefixed, bounded, and with a message authentication
//! code (MAC) each where the transport has none.

use std::{fmt, io, net::SocketAddr};

use hmac::{Hmac, KeyInit, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{config::ClusterSpec, connection::Transport, credentials::CredentialsError};

/// Upper bound on a message's length; a longer one is rejected unread. A Form for 256 processes has at most 19 KiB.
pub const MESSAGE_BYTES_MAX: usize = 32 << 10;
/// Length of the prefix of each message, which holds its length.
const LENGTH_BYTES: usize = 4;
/// Length of a MAC.
pub(super) const MAC_BYTES: usize = 32;

/// One life of a cluster, from its formation to the loss of any of its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// A counter, for operators.
    pub number: u64,
    /// A random id, so that no two generations are the same.
    pub id: u64,
    /// Wall time of process 0 at the formation, in milliseconds since 1970: the origin of all timestamps.
    pub clock_ms: u64,
    /// The number of partitions in process 0: the dataflow's shape depends on it and must be the same everywhere.
    pub partitions: u32,
}

/// A random number drawn at each attempt: distinguishes a process from the one that it replaces.
pub(super) type Incarnation = u64;

/// A message of the formation of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// To process 0: this process is ready to form a generation, and listens at the address. Earlier builds tell none.
    Hello {
        index: usize,
        incarnation: Incarnation,
        #[serde(default)]
        address: Option<SocketAddr>,
        last_generation: u64,
        #[serde(rename = "terms")]
        spec: ClusterSpec,
    },
    /// From process 0: all processes are present, with these incarnations; and the addresses of the others, from
    /// process 1 on.
    Form { generation: Generation, incarnations: Vec<Incarnation>, addresses: Vec<Option<SocketAddr>> },
    /// To any other process of a lower number: this process belongs to the generation.
    Join { index: usize, incarnation: Incarnation, generation: u64 },
    /// The answer to Join: so does this one.
    Joined,
    /// To process 0: this process has all its connections.
    Ready,
    /// From process 0: all processes are ready.
    Go,
    /// The rejection of the other process, with its reason.
    #[serde(rename = "Refused")]
    Rejected { reason: String },
}

impl Message {
    /// Returns the name of the message's kind, for error messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Message::Hello { .. } => "Hello",
            Message::Form { .. } => "Form",
            Message::Join { .. } => "Join",
            Message::Joined => "Joined",
            Message::Ready => "Ready",
            Message::Go => "Go",
            Message::Rejected { .. } => "Refused",
        }
    }
}

/// A failure of the handshake with another process, or of the channel to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Credentials(#[from] CredentialsError),
    #[error("it does not speak as a process of a mesh does")]
    Protocol,
    #[error("it does not have the same secret")]
    WrongSecret,
    #[error("a message of {0} bytes")]
    TooLong(usize),
    #[error("a message that was changed on its way")]
    WrongMac,
    #[error("malformed message: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{got} came where {wanted} was due")]
    Unexpected { got: &'static str, wanted: &'static str },
    #[error("it refused: {0}")]
    Rejected(String),
    #[error("it has been silent for too long")]
    Timeout,
    #[error("it has started over, or has left")]
    Closed,
}

impl ChannelError {
    /// Returns whether the other end has closed the connection.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            ChannelError::Io(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            ChannelError::Closed => true,
            _ => false,
        }
    }

    /// Returns whether the other process may be absent or still starting.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            // rustls reports protocol and certificate errors as invalid data.
            ChannelError::Io(error) => error.kind() != io::ErrorKind::InvalidData,
            ChannelError::Timeout | ChannelError::Closed => true,
            _ => false,
        }
    }
}

/// A channel to one process.
pub(super) struct Channel {
    transport: Transport,
    mac: Option<Mac>,
    address: SocketAddr,
}

impl Channel {
    /// Returns a channel. Without `mac` the transport itself must be authenticated.
    pub(super) fn new(transport: Transport, mac: Option<Mac>, address: SocketAddr) -> Self {
        Channel { transport, mac, address }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of this end.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.transport.local_address()
    }

    pub(super) fn into_transport(self) -> Transport {
        self.transport
    }

    pub(super) async fn send(&mut self, message: &Message) -> Result<(), ChannelError> {
        let body = serde_json::to_vec(message)?;
        let mut frame = Vec::with_capacity(LENGTH_BYTES + body.len() + MAC_BYTES);
        let length = u32::try_from(body.len()).map_err(|_| ChannelError::TooLong(body.len()))?;
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&body);
        if let Some(mac) = &mut self.mac {
            frame.extend_from_slice(&mac.sign(&body));
        }
        Ok(self.transport.write(&frame).await?)
    }

    /// Returns the next message; a rejection is an error, and so is the end of the connection.
    pub(super) async fn receive(&mut self) -> Result<Message, ChannelError> {
        match self.receive_any().await {
            Err(ChannelError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ChannelError::Closed),
            received => received,
        }
    }

    async fn receive_any(&mut self) -> Result<Message, ChannelError> {
        let mut length = [0; LENGTH_BYTES];
        self.transport.read(&mut length).await?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(ChannelError::TooLong(length));
        }
        let mut body = vec![0; length];
        self.transport.read(&mut body).await?;
        if let Some(mac) = &mut self.mac {
            let mut tag = [0; MAC_BYTES];
            self.transport.read(&mut tag).await?;
            mac.verify(&body, &tag)?;
        }
        match serde_json::from_slice(&body)? {
            Message::Rejected { reason } => Err(ChannelError::Rejected(reason)),
            message => Ok(message),
        }
    }

    /// Sends the reason of a rejection and closes the channel.
    pub(super) async fn reject(mut self, reason: String) {
        // Best effort: without the reason, the other end still sees the connection close.
        let _ = self.send(&Message::Rejected { reason }).await;
    }
}

/// Codes over all messages of one connection (HMAC-SHA-256, RFC 2104), keyed by the secret and both ends' nonces.
/// Without the secret no message can be forged, changed, dropped or replayed.
pub(super) struct Mac {
    key: Hmac<Sha256>,
    client: bool,
    sent: u64,
    received: u64,
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac")
    }
}

impl Mac {
    /// Returns the codes of one end of a connection; `client` is the end that has connected.
    pub(super) fn new(secret: &[u8], client: bool, client_nonce: &[u8], server_nonce: &[u8]) -> Self {
        let key = tag(&hmac_key(secret), &[b"delaycast mesh", client_nonce, server_nonce]);
        Mac { key: hmac_key(&key), client, sent: 0, received: 0 }
    }

    /// Returns the code that proves that this end has the secret.
    pub(super) fn proof(&self) -> [u8; MAC_BYTES] {
        tag(&self.key, &[b"proof", &[u8::from(self.client)]])
    }

    /// Verifies the other end's proof.
    pub(super) fn verify_proof(&self, proof: &[u8; MAC_BYTES]) -> Result<(), ChannelError> {
        verify_tag(&self.key, &[b"proof", &[u8::from(!self.client)]], proof).map_err(|()| ChannelError::WrongSecret)
    }

    /// Returns the code of the next message sent.
    fn sign(&mut self, body: &[u8]) -> [u8; MAC_BYTES] {
        self.sent += 1;
        tag(&self.key, &[b"message", &[u8::from(self.client)], &self.sent.to_be_bytes(), body])
    }

    /// Verifies the code of the next message received.
    fn verify(&mut self, body: &[u8], code: &[u8]) -> Result<(), ChannelError> {
        self.received += 1;
        let parts: [&[u8]; 4] = [b"message", &[u8::from(!self.client)], &self.received.to_be_bytes(), body];
        verify_tag(&self.key, &parts, code).map_err(|()| ChannelError::WrongMac)
    }
}

#[expect(clippy::expect_used, reason = "a key of HMAC may have any length (RFC 2104, section 2)")]
fn hmac_key(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any length will do")
}

/// Feeds each part with its length before it, so that no two lists of parts give the same bytes.
fn hmac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut hmac = key.clone();
    for part in parts {
        hmac.update(&(part.len() as u64).to_be_bytes());
        hmac.update(part);
    }
    hmac
}

fn tag(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    hmac(key, parts).finalize().into_bytes().into()
}

/// Compares in constant time.
fn verify_tag(key: &Hmac<Sha256>, parts: &[&[u8]], tag: &[u8]) -> Result<(), ()> {
    hmac(key, parts).verify_slice(tag).map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(server_secret: &[u8]) -> (Mac, Mac) {
        (Mac::new(b"secret", true, b"1", b"2"), Mac::new(server_secret, false, b"1", b"2"))
    }

    #[test]
    fn a_proof_needs_the_secret_and_cannot_be_reflected() {
        let (client, server) = ends(b"secret");
        assert!(server.verify_proof(&client.proof()).is_ok() && client.verify_proof(&server.proof()).is_ok());
        assert!(matches!(client.verify_proof(&client.proof()), Err(ChannelError::WrongSecret)));
        let (client, server) = ends(b"guess");
        assert!(server.verify_proof(&client.proof()).is_err() && client.verify_proof(&server.proof()).is_err());
    }

    #[test]
    fn a_message_cannot_be_changed_replayed_or_reflected() {
        let (mut client, mut server) = ends(b"secret");
        let tag = client.sign(b"hello");
        assert!(server.verify(b"hello", &tag).is_ok());
        assert!(matches!(server.verify(b"hello", &tag), Err(ChannelError::WrongMac)), "replayed");
        let (mut client, mut server) = ends(b"secret");
        let tag = client.sign(b"hello");
        assert!(server.verify(b"hellO", &tag).is_err());
        assert!(client.verify(b"hello", &tag).is_err(), "reflected");
    }

    /// The wire format: processes of two builds must still understand why they reject each other.
    #[test]
    fn the_names_on_the_wire_are_fixed() {
        let spec = ClusterSpec {
            cluster: "c".into(),
            processes: 2,
            workers: 1,
            program: "p".into(),
            dataflow: "d".into(),
            model: "m".into(),
        };
        let earlier =
            Message::Hello { index: 1, incarnation: 2, address: None, last_generation: 3, spec: spec.clone() };
        let text = r#"{"Hello":{"index":1,"incarnation":2,"last_generation":3,"terms":{"cluster":"c","processes":2,"workers":1,"program":"p","dataflow":"d","model":"m"}}}"#;
        assert_eq!(serde_json::from_str::<Message>(text).unwrap(), earlier);
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 2101)));
        let hello = Message::Hello { index: 1, incarnation: 2, address, last_generation: 3, spec };
        assert_eq!(
            serde_json::to_string(&hello).unwrap(),
            r#"{"Hello":{"index":1,"incarnation":2,"address":"127.0.0.1:2101","last_generation":3,"terms":{"cluster":"c","processes":2,"workers":1,"program":"p","dataflow":"d","model":"m"}}}"#
        );
        let rejected = Message::Rejected { reason: "r".into() };
        assert_eq!(serde_json::to_string(&rejected).unwrap(), r#"{"Refused":{"reason":"r"}}"#);
    }
}
