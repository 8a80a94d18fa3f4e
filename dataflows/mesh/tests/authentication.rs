//! Tests of rule 2, bounds on unauthenticated connections, and rule 3, authentication of both ends.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::cluster::{Ports, all_formed, hello, settle, within};
use crate::mesh::{
    Certificates, Credentials, HANDSHAKES_MAX, Listener, MESSAGE_BYTES_MAX,
    channel::{Channel, ChannelError},
    connection::Transport,
    handshake,
};

async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The connection may be closed before all is written.
    let _ = stream.write_all(bytes).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_neither_silent_nor_noisy_connections_prevent_a_generation() {
    let ports = Ports::bind(3);
    let mut connections = Vec::new();
    let noises: [&[u8]; 6] =
        [b"", b"GET / HTTP/1.1\r\n\r\n", &[0; 8], &[0xff; 4096], b"delaycast mesh 1\n", b"\x16\x03\x01\x02\x00\x01"];
    let leader = ports.start(0);
    for round in 0..2 * HANDSHAKES_MAX / noises.len() {
        for noise in noises {
            connections.push(send_bytes(ports.address(round % 3), noise).await);
        }
    }
    let followers = [ports.start(1), ports.start(2)];
    for noise in noises {
        connections.push(send_bytes(ports.address(1), noise).await);
    }
    let processes = [leader].into_iter().chain(followers).collect();
    assert_eq!(all_formed(processes).await.len(), 3);
    assert!(connections.len() > HANDSHAKES_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_a_long_message_is_rejected_unread() {
    let ports = Ports::bind(2);
    let leader = ports.start(0);
    let channel = ports.connect(0).await;
    let address = channel.address();
    let mut transport = channel.into_transport();
    transport.write(&(MESSAGE_BYTES_MAX as u32 + 1).to_be_bytes()).await.unwrap();
    let ended = within(transport.read(&mut [0; 1])).await;
    assert!(ended.is_err(), "the connection ends");
    drop(Channel::new(transport, None, address));
    all_formed(vec![leader, ports.start(1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_a_message_without_its_mac_is_rejected() {
    let ports = Ports::bind(2);
    let _leader = ports.start(0);
    let channel = ports.connect(0).await;
    let address = channel.address();
    let Transport::Tcp(stream) = channel.into_transport() else { panic!("a secret encrypts nothing") };
    let mut without_mac = Channel::new(Transport::Tcp(stream), None, address);
    without_mac.send(&hello(1, 1, 2)).await.unwrap();
    without_mac.send(&hello(1, 1, 2)).await.unwrap();
    let ended = within(without_mac.receive()).await;
    assert!(
        matches!(ended, Err(ChannelError::Io(_) | ChannelError::Malformed(_) | ChannelError::TooLong(_))),
        "{ended:?}"
    );
}

const NAME: &str = "delaycast-mesh";

/// A certificate authority: its issuer, and its own certificate as PEM.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = params.self_signed(&key).unwrap().pem();
        Authority(Issuer::new(params, key), pem)
    }

    /// Writes a certificate for a name, and its key, into a directory.
    fn issue(&self, dir: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        std::fs::write(dir.join("ca.crt"), &self.1).unwrap();
        std::fs::write(dir.join("tls.crt"), own.pem()).unwrap();
        write_key(dir, &key);
    }
}

/// Writes a key that only its owner may read, also over an existing one.
fn write_key(dir: &Path, key: &KeyPair) {
    let path = dir.join("tls.key");
    std::fs::write(&path, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn credentials(authority: &Authority, name: &str) -> (tempfile::TempDir, Credentials) {
    let dir = tempfile::tempdir().unwrap();
    authority.issue(dir.path(), name);
    let credentials = Credentials::certificates(Certificates::new(dir.path(), NAME).unwrap()).unwrap();
    (dir, credentials)
}

/// Connects with wrong credentials and returns the error.
async fn connect_error(ports: &Ports, index: usize, credentials: &Credentials) -> ChannelError {
    let address = ports.address(index);
    let tcp = TcpStream::connect(address).await.unwrap();
    match within(handshake::connect(credentials, tcp, address)).await {
        Err(error) => error,
        // The client of TLS 1.3 completes its handshake first; it learns of its rejection when it reads.
        Ok(mut channel) => within(channel.receive()).await.expect_err("wrong credentials"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_3_a_wrong_secret_is_rejected_at_both_ends() {
    let ports = Ports::bind(2);
    let leader = ports.start(0);
    let mut config = ports.config(1);
    config.credentials = Credentials::secret(b"another secret that is long enough").unwrap();
    let error = connect_error(&ports, 0, &config.credentials).await;
    assert!(matches!(error, ChannelError::WrongSecret | ChannelError::Io(_)), "{error:?}");
    let with_wrong_secret = ports.start_with(1, config);
    settle().await;
    assert!(!with_wrong_secret.has_formed() && !leader.has_formed());
    with_wrong_secret.kill().await;
    all_formed(vec![leader, ports.start(1)]).await;
}

/// A code under the secret would help to guess it.
#[tokio::test(flavor = "multi_thread")]
async fn rule_3_an_unproven_client_receives_no_code() {
    let ports = Ports::bind(2);
    let _leader = ports.start(0);
    let mut stream = TcpStream::connect(ports.address(0)).await.unwrap();
    let preamble = b"delaycast mesh 1\n";
    stream.write_all(&[&preamble[..], &[7; 64]].concat()).await.unwrap();
    let mut received = Vec::new();
    within(stream.read_to_end(&mut received)).await.unwrap();
    assert_eq!(received.len(), preamble.len() + 32, "the preamble and the nonce only");
}

#[test]
fn rule_3_a_secret_is_long_and_for_loopback_only() {
    assert!(Credentials::secret(b"fifteen bytes..").is_err());
    let credentials = Credentials::secret(b"sixteen bytes...").unwrap();
    assert!(credentials.check_address("192.0.2.1:2101".parse().unwrap()).is_err());
    assert!(credentials.check_address("127.0.0.7:2101".parse().unwrap()).is_ok());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _context = runtime.enter();
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(Listener::open(listener, credentials).is_err_and(|error| error.to_string().contains("use certificates")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_3_a_certificate_is_accepted_only_from_this_authority_and_for_this_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let ports = Ports::bind(2);
    let configs: Vec<_> = (0..2)
        .map(|index| {
            let (dir, credentials) = credentials(&ours, NAME);
            let mut config = ports.config(index);
            config.credentials = credentials;
            (dir, config)
        })
        .collect();
    let (dirs, mut configs): (Vec<_>, Vec<_>) = configs.into_iter().unzip();
    let leader = ports.start_with(0, configs.remove(0));
    let (_dir, of_other_authority) = credentials(&theirs, NAME);
    // Both authorities have the same name: the signature is what is wrong.
    let error = connect_error(&ports, 0, &of_other_authority).await;
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    let (_dir, for_other_name) = credentials(&ours, "somebody-else");
    let error = connect_error(&ports, 0, &for_other_name).await;
    assert!(error.to_string().contains("alert") && !error.is_unavailable(), "{error}");
    let secret = Credentials::secret(b"a secret is no certificate").unwrap();
    let error = connect_error(&ports, 0, &secret).await;
    assert!(matches!(error, ChannelError::Io(_) | ChannelError::Protocol), "{error:?}");

    // Renewed certificates of the same authority need no restart.
    ours.issue(dirs[0].path(), NAME);
    ours.issue(dirs[1].path(), NAME);
    let formed = all_formed(vec![leader, ports.start_with(1, configs.remove(0))]).await;
    assert_eq!(formed.iter().map(|(formed, _)| formed.proxies.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn errors_of_certificates_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let load =
        || Credentials::certificates(Certificates::new(dir.path(), NAME).unwrap()).map_err(|error| error.to_string());
    assert!(load().unwrap_err().contains("ca.crt"));
    let authority = Authority::new();
    authority.issue(dir.path(), NAME);
    assert!(load().is_ok());
    assert!(Certificates::new(dir.path(), NAME).unwrap().expires().unwrap() > std::time::SystemTime::now());
    std::fs::write(dir.path().join("tls.crt"), "nonsense").unwrap();
    assert!(load().unwrap_err().contains("tls.crt"));
    authority.issue(dir.path(), NAME);
    let other = KeyPair::generate().unwrap();
    write_key(dir.path(), &other);
    assert!(load().is_err(), "the key of another certificate");
    authority.issue(dir.path(), NAME);
    std::fs::set_permissions(dir.path().join("tls.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = load().unwrap_err();
    assert!(error.contains("chmod 600") && error.contains("tls.key"), "{error}");
}
