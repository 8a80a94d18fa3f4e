//! Messages over a connection that has proven itself: framed, bounded, and sealed where the connection is not.

use std::{fmt, io, net::SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsStream;

use super::{TrustError, message::Message};

/// A longer message is refused unread. A Form for 256 processes has 6 KiB.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// A length stands before each message.
const LENGTH_BYTES: usize = 4;
/// A code stands behind each sealed one.
pub(super) const CODE_BYTES: usize = 32;

/// What bytes go over.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) async fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.read_exact(bytes).await.map(drop),
            Wire::Tls(stream) => stream.read_exact(bytes).await.map(drop),
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.write_all(bytes).await,
            Wire::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// Why a process is not talked to any longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Trust(#[from] TrustError),
    #[error("it does not speak as a process of a mesh does")]
    Stranger,
    #[error("it does not have the same secret")]
    Secret,
    #[error("a message of {0} bytes")]
    TooLong(usize),
    #[error("a message that was changed on its way")]
    Changed,
    #[error("a message that is none: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{got} came where {wanted} was due")]
    OutOfOrder { got: &'static str, wanted: &'static str },
    #[error("it refused: {0}")]
    Refused(String),
    #[error("it has been silent for too long")]
    Silent,
    #[error("it has started over, or has left")]
    Ended,
}

impl Fault {
    /// Whether the other end has gone.
    pub(super) fn is_end(&self) -> bool {
        match self {
            Fault::Io(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            Fault::Ended => true,
            _ => false,
        }
    }

    /// Whether it may be that nobody is there, or not yet.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            // What rustls finds wrong comes as invalid data.
            Fault::Io(error) => error.kind() != io::ErrorKind::InvalidData,
            Fault::Silent | Fault::Ended => true,
            _ => false,
        }
    }
}

/// Messages to and from one process.
pub(super) struct Channel {
    wire: Wire,
    seal: Option<Seal>,
    address: SocketAddr,
}

impl Channel {
    /// Over a connection on which nobody else can read or write.
    pub(super) fn new(wire: Wire, seal: Option<Seal>, address: SocketAddr) -> Self {
        Channel { wire, seal, address }
    }

    /// Where the process is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection, for others to use.
    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    pub(super) async fn send(&mut self, message: &Message) -> Result<(), Fault> {
        let body = serde_json::to_vec(message)?;
        let mut frame = Vec::with_capacity(LENGTH_BYTES + body.len() + CODE_BYTES);
        frame.extend_from_slice(&u32::try_from(body.len()).map_err(|_| Fault::TooLong(body.len()))?.to_be_bytes());
        frame.extend_from_slice(&body);
        if let Some(seal) = &mut self.seal {
            frame.extend_from_slice(&seal.next_sent(&body));
        }
        Ok(self.wire.write(&frame).await?)
    }

    /// The next message; a refusal is an error, and so is the end.
    pub(super) async fn receive(&mut self) -> Result<Message, Fault> {
        match self.receive_any().await {
            Err(Fault::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Fault::Ended),
            received => received,
        }
    }

    async fn receive_any(&mut self) -> Result<Message, Fault> {
        let mut length = [0; LENGTH_BYTES];
        self.wire.read(&mut length).await?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(Fault::TooLong(length));
        }
        let mut body = vec![0; length];
        self.wire.read(&mut body).await?;
        if let Some(seal) = &mut self.seal {
            let mut code = [0; CODE_BYTES];
            self.wire.read(&mut code).await?;
            seal.check_received(&body, &code)?;
        }
        match serde_json::from_slice(&body)? {
            Message::Refused { reason } => Err(Fault::Refused(reason)),
            message => Ok(message),
        }
    }

    /// Tells why not, as far as the other still listens.
    pub(super) async fn refuse(mut self, reason: String) {
        // Who does not hear why hears at least that the connection ends.
        let _ = self.send(&Message::Refused { reason }).await;
    }
}

/// Codes over all messages of one connection (HMAC-SHA-256, RFC 2104), keyed by the secret and both ends' nonces: no
/// message can be made, changed, left out or repeated by who does not have the secret.
pub(super) struct Seal {
    keyed: Hmac<Sha256>,
    dialled: bool,
    sent: u64,
    received: u64,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// For one end of a connection.
    pub(super) fn new(secret: &[u8], dialled: bool, dialler_nonce: &[u8], other_nonce: &[u8]) -> Self {
        let key = code(&keyed(secret), &[b"delaycast mesh", dialler_nonce, other_nonce]);
        Seal { keyed: keyed(&key), dialled, sent: 0, received: 0 }
    }

    /// What this end shows to prove that it has the secret.
    pub(super) fn proof(&self) -> [u8; CODE_BYTES] {
        code(&self.keyed, &[b"proof", &[u8::from(self.dialled)]])
    }

    /// Checks what the other end has shown.
    pub(super) fn check_proof(&self, proof: &[u8; CODE_BYTES]) -> Result<(), Fault> {
        check(&self.keyed, &[b"proof", &[u8::from(!self.dialled)]], proof).map_err(|()| Fault::Secret)
    }

    fn next_sent(&mut self, body: &[u8]) -> [u8; CODE_BYTES] {
        self.sent += 1;
        code(&self.keyed, &[b"message", &[u8::from(self.dialled)], &self.sent.to_be_bytes(), body])
    }

    fn check_received(&mut self, body: &[u8], code: &[u8]) -> Result<(), Fault> {
        self.received += 1;
        let parts: [&[u8]; 4] = [b"message", &[u8::from(!self.dialled)], &self.received.to_be_bytes(), body];
        check(&self.keyed, &parts, code).map_err(|()| Fault::Changed)
    }
}

#[expect(clippy::expect_used, reason = "a key of HMAC may have any length (RFC 2104, section 2)")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any length will do")
}

/// Each part with its length before it, so that no two lists of parts give the same bytes.
fn fed(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut hmac = keyed.clone();
    for part in parts {
        hmac.update(&(part.len() as u64).to_be_bytes());
        hmac.update(part);
    }
    hmac
}

fn code(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; CODE_BYTES] {
    fed(keyed, parts).finalize().into_bytes().into()
}

/// In constant time.
fn check(keyed: &Hmac<Sha256>, parts: &[&[u8]], code: &[u8]) -> Result<(), ()> {
    fed(keyed, parts).verify_slice(code).map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(theirs: &[u8]) -> (Seal, Seal) {
        (Seal::new(b"secret", true, b"1", b"2"), Seal::new(theirs, false, b"1", b"2"))
    }

    #[test]
    fn a_proof_takes_the_secret_and_cannot_be_handed_back() {
        let (dialler, other) = ends(b"secret");
        assert!(other.check_proof(&dialler.proof()).is_ok() && dialler.check_proof(&other.proof()).is_ok());
        assert!(matches!(dialler.check_proof(&dialler.proof()), Err(Fault::Secret)));
        let (dialler, other) = ends(b"guess");
        assert!(other.check_proof(&dialler.proof()).is_err() && dialler.check_proof(&other.proof()).is_err());
    }

    #[test]
    fn a_message_is_neither_changed_nor_repeated_nor_handed_back() {
        let (mut dialler, mut other) = ends(b"secret");
        let code = dialler.next_sent(b"hello");
        assert!(other.check_received(b"hello", &code).is_ok());
        assert!(matches!(other.check_received(b"hello", &code), Err(Fault::Changed)), "again");
        let (mut dialler, mut other) = ends(b"secret");
        let code = dialler.next_sent(b"hello");
        assert!(other.check_received(b"hellO", &code).is_err());
        assert!(dialler.check_received(b"hello", &code).is_err(), "its own");
    }
}
