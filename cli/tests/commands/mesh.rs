//! Tests of `delaycast mesh certs`, and of a cluster of one process with its certificates.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Process, models, run, until};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn certs(dir: &Path, days: &str) {
    let (status, _, stderr) = run(&["mesh", "certs", "--dir", &dir.to_string_lossy(), "--days", days], b"");
    assert!(status.success(), "{stderr}");
}

#[test]
fn certificates_are_renewed_by_the_same_authority_and_keys_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    certs(dir.path(), "30");
    let (authority, own) = (read("ca.crt"), read("tls.crt"));
    certs(dir.path(), "60");
    assert!(read("ca.crt") == authority && read("tls.crt") != own);
    for key in ["ca.key", "tls.key"] {
        assert_eq!(fs::metadata(dir.path().join(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
    }
    fs::remove_file(dir.path().join("ca.crt")).unwrap();
    let (status, _, stderr) = run(&["mesh", "certs", "--dir", &dir.path().to_string_lossy()], b"");
    assert!(!status.success() && stderr.contains("remove both to start anew"), "{stderr}");
}

#[test]
fn a_cluster_of_one_exports_metrics_and_closes_its_file() {
    let dir = tempfile::tempdir().unwrap();
    certs(&dir.path().join("certs"), "30");
    let (mesh, health) = (free_port(), free_port());
    let url = format!("sqlite:{}", dir.path().join("one.db").display());
    let (hosts, health) = (format!("127.0.0.1:{mesh}"), format!("127.0.0.1:{health}"));
    let (certs, models) = (dir.path().join("certs"), models());
    let arguments = ["score", "--hosts", &hosts, "--process", "0", "--mesh-certs", &certs.to_string_lossy()]
        .map(str::to_owned)
        .into_iter()
        .chain(["--log", &url, "--store", &url, "--health", &health, "--models"].map(str::to_owned))
        .chain([models.to_string_lossy().into_owned()]);
    let arguments: Vec<String> = arguments.collect();
    let scorer = Process::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let page = |path: &str| {
        let mut reply = ureq::get(format!("http://{health}/{path}")).call().ok()?;
        reply.body_mut().read_to_string().ok()
    };
    until("it is ready", || page("readyz").is_some());
    let metrics = page("metrics").unwrap();
    for shown in
        ["delaycast_generation 1\n", "delaycast_restarts_total 0\n", "delaycast_certificate_expiry_timestamp_seconds 1"]
    {
        assert!(metrics.contains(shown), "{shown:?} is not in\n{metrics}");
    }
    let request = crate::support::request("alone", 5.0);
    let (status, _, stderr) = run(&["send", "-", "--log", &url], request.as_bytes());
    assert!(status.success(), "{stderr}");
    until("it is answered", || page("metrics").is_some_and(|page| page.contains("delaycast_landed_answers_total 1\n")));
    assert_eq!(scorer.terminate(), Some(0));
    // A write-ahead log left behind would be missing from a copy of the file.
    assert!(dir.path().join("one.db").exists() && !dir.path().join("one.db-wal").exists());
}
