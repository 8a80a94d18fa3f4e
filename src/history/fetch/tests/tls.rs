//! Tests of a fetch over TLS.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use ureq::tls::Certificate;

use super::*;

/// Starts a TLS proxy of a server that ends after this many connections.
fn tls_proxy(
    server: &Server,
    identity: &CertifiedKey<KeyPair>,
    connections: usize,
) -> (String, thread::JoinHandle<()>) {
    let behind: SocketAddr = server.url().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![identity.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let forward = move || {
        for stream in listener.incoming().take(connections) {
            let mut client = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream.unwrap());
            // A client may disconnect at any time, even in the handshake.
            let _ = exchange(&mut client, behind);
        }
    };
    (url, thread::spawn(forward))
}

fn exchange(client: &mut StreamOwned<ServerConnection, TcpStream>, behind: SocketAddr) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&head)?;
    io::copy(&mut server, client)?;
    client.conn.send_close_notify();
    client.flush()
}

fn identity() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

#[test]
fn an_interrupted_file_is_resumed_over_tls() {
    let zip = zip_of(1);
    let server = server(move |count, request| {
        let whole = Reply::file(request, &zip, "\"a\"");
        if count == 0 { whole.truncate(20_000) } else { whole }
    });
    let (fixture, identity) = (Fixture::new(), identity());
    let (url, proxy) = tls_proxy(&server, &identity, 2);
    let authority = Certificate::from_der(identity.cert.der()).to_owned();
    let fetcher = Fetcher::trusting(&url, fixture.limits.clone(), [authority].into_iter().into()).unwrap();
    let months = Months::new(month("2015-01"), month("2015-01")).unwrap();
    let summary = fetcher.fetch(months, fixture.dir.path(), &mut |_| {}).unwrap();
    assert_eq!((summary.files[0].tries, fixture.zip()), (2, Some(zip_of(1))), "{summary:?}");
    assert_eq!(server.requests()[1].range_start(), Some(20_000));
    proxy.join().unwrap();
}

#[test]
fn an_untrusted_certificate_ends_the_fetch_at_once() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let (url, proxy) = tls_proxy(&server, &identity(), 1);
    let summary = Fixture::new().fetch(&url, "2015-01", "2015-02");
    let why = summary.ended_early.unwrap();
    assert!(why.contains("does not answer (invalid peer certificate: UnknownIssuer)"), "{why}");
    assert_eq!((summary.files[0].tries, server.requests().len()), (1, 0));
    proxy.join().unwrap();
}

#[test]
fn an_https_url_is_never_fetched_in_plain_text() {
    let server = Server::start(|request| Reply::file(request, &zip_of(1), "\"a\""));
    let summary = Fixture::new().fetch(&server.url().replace("http:", "https:"), "2015-01", "2015-01");
    assert!(summary.ended_early.unwrap().contains("does not answer"));
    assert_eq!(server.requests().len(), 0);
}
