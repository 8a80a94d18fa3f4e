//! Rule 3: both ends prove that they belong to the cluster.

use std::{net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::site::{Ports, a_while, all_formed, within};
use crate::mesh::{Certificates, Door, Trust, channel::Fault};

const NAME: &str = "delaycast-mesh";

/// An authority, and what it signs.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = params.self_signed(&key).unwrap().pem();
        Authority(Issuer::new(params, key), pem)
    }

    /// Puts a certificate for a name into a folder.
    fn sign(&self, dir: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        std::fs::write(dir.join("ca.crt"), &self.1).unwrap();
        std::fs::write(dir.join("tls.crt"), own.pem()).unwrap();
        write_key(dir, &key);
    }
}

/// For its owner's eyes alone, also where there was one before.
fn write_key(dir: &Path, key: &KeyPair) {
    let path = dir.join("tls.key");
    std::fs::write(&path, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn certified(authority: &Authority, name: &str) -> (tempfile::TempDir, Trust) {
    let dir = tempfile::tempdir().unwrap();
    authority.sign(dir.path(), name);
    let trust = Trust::certificates(Certificates::new(dir.path(), NAME).unwrap()).unwrap();
    (dir, trust)
}

/// What an impostor is told when it dials.
async fn told(ports: &Ports, index: usize, trust: &Trust) -> Fault {
    let address = ports.address(index);
    let tcp = TcpStream::connect(address).await.unwrap();
    match within(trust.dialled(tcp, address)).await {
        Err(fault) => fault,
        // With TLS 1.3 the end that has dialled is the first to be through; it is refused when it listens.
        Ok(mut channel) => within(channel.receive()).await.expect_err("an impostor is not let in"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_3_a_wrong_secret_is_refused_at_both_ends() {
    let ports = Ports::take(2);
    let leader = ports.start(0);
    let mut site = ports.site(1);
    site.trust = Trust::secret(b"another secret that is long enough").unwrap();
    assert!(matches!(told(&ports, 0, &site.trust).await, Fault::Secret | Fault::Io(_)));
    let impostor = ports.start_with(1, site);
    a_while().await;
    assert!(!impostor.has_formed() && !leader.has_formed());
    impostor.kill().await;
    all_formed(vec![leader, ports.start(1)]).await;
}

/// A code under the secret would help to guess it.
#[tokio::test(flavor = "multi_thread")]
async fn rule_3_who_has_not_proven_itself_is_given_no_code() {
    let ports = Ports::take(2);
    let _leader = ports.start(0);
    let mut stream = TcpStream::connect(ports.address(0)).await.unwrap();
    let preamble = b"delaycast mesh 1\n";
    stream.write_all(&[&preamble[..], &[7; 64]].concat()).await.unwrap();
    let mut given = Vec::new();
    within(stream.read_to_end(&mut given)).await.unwrap();
    assert_eq!(given.len(), preamble.len() + 32, "its nonce and nothing more");
}

#[test]
fn rule_3_a_secret_is_for_this_machine_alone_and_not_short() {
    assert!(Trust::secret(b"fifteen bytes..").is_err());
    let trust = Trust::secret(b"sixteen bytes...").unwrap();
    assert!(trust.suffices("192.0.2.1:2101".parse().unwrap()).is_err());
    assert!(trust.suffices("127.0.0.7:2101".parse().unwrap()).is_ok());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(Door::open(listener, trust).is_err_and(|error| error.to_string().contains("use certificates")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_3_certificates_let_in_who_has_one_of_this_authority_for_this_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let ports = Ports::take(2);
    let sites: Vec<_> = (0..2)
        .map(|index| {
            let (dir, trust) = certified(&ours, NAME);
            let mut site = ports.site(index);
            site.trust = trust;
            (dir, site)
        })
        .collect();
    let (dirs, mut sites): (Vec<_>, Vec<_>) = sites.into_iter().unzip();
    let leader = ports.start_with(0, sites.remove(0));
    let (_other_authority, stranger) = certified(&theirs, NAME);
    // Both authorities have the same name, so it is the signature that is wrong.
    assert!(told(&ports, 0, &stranger).await.to_string().contains("invalid peer certificate"));
    let (_other_name, colleague) = certified(&ours, "somebody-else");
    let refused = told(&ports, 0, &colleague).await;
    assert!(refused.to_string().contains("alert") && !refused.is_absence(), "{refused}");
    let secret = Trust::secret(b"a secret is no certificate").unwrap();
    assert!(matches!(told(&ports, 0, &secret).await, Fault::Io(_) | Fault::Stranger));

    // New certificates of the same authority are taken up as they are.
    ours.sign(dirs[0].path(), NAME);
    ours.sign(dirs[1].path(), NAME);
    let formed = all_formed(vec![leader, ports.start_with(1, sites.remove(0))]).await;
    assert_eq!(formed.iter().map(|(formed, _)| formed.pumps.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn certificates_that_cannot_be_used_are_told_of_with_their_file() {
    let dir = tempfile::tempdir().unwrap();
    let load = || Trust::certificates(Certificates::new(dir.path(), NAME).unwrap()).map_err(|error| error.to_string());
    assert!(load().unwrap_err().contains("ca.crt"));
    let authority = Authority::new();
    authority.sign(dir.path(), NAME);
    assert!(load().is_ok());
    assert!(Certificates::new(dir.path(), NAME).unwrap().expires().unwrap() > std::time::SystemTime::now());
    std::fs::write(dir.path().join("tls.crt"), "nonsense").unwrap();
    assert!(load().unwrap_err().contains("tls.crt"));
    authority.sign(dir.path(), NAME);
    let other = KeyPair::generate().unwrap();
    write_key(dir.path(), &other);
    assert!(load().is_err(), "another key");
    authority.sign(dir.path(), NAME);
    std::fs::set_permissions(dir.path().join("tls.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = load().unwrap_err();
    assert!(said.contains("chmod 600") && said.contains("tls.key"), "{said}");
}
