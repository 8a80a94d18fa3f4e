//! Connections from outside the cluster: a port scan, wrong certificates, an old binary.

use std::{
    fs,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    hosts::{DOMAIN, Host},
    pod::Pod,
    support::seed,
    test_cluster::{Environment, MESH_PORT, TestCluster, binary},
    trials::{Trials, times},
};

/// Number of silent connections: more than the mesh accepts at once.
const SILENT_MAX: usize = 80;

/// Environment variable with the targets of the noise client.
const TARGETS: &str = "DELAYCAST_TEST_NOISE_TARGETS";

/// A process on the outside host that scans ports, connects, stays silent, sends garbage, and leaves, until stopped.
struct NoiseClient(Child);

impl NoiseClient {
    fn start(from: &Host, at: &[Host]) -> Self {
        let mut command = from.command(&std::env::current_exe().unwrap());
        command.args(["unauthorized::noise_client", "--exact", "--ignored", "--nocapture"]);
        let addresses: Vec<&str> = at.iter().map(|host| host.address.as_str()).collect();
        command.env(TARGETS, addresses.join(",")).env("DELAYCAST_SEED", seed().to_string());
        NoiseClient(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Stops it; returns the number of its connections.
    fn stop(mut self) -> usize {
        // The process ends when its standard input is closed.
        drop(self.0.stdin.take());
        let mut output = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        output.lines().find_map(|line| line.strip_prefix("connections: ")?.parse().ok()).expect("it prints the number")
    }
}

impl Drop for NoiseClient {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "started by another test, on the outside host"]
fn noise_client() {
    let Ok(addresses) = std::env::var(TARGETS) else { return };
    let stop = Arc::<AtomicBool>::default();
    let on_stop = Arc::clone(&stop);
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        on_stop.store(true, Ordering::Release);
    });
    let addresses: Vec<IpAddr> = addresses.split(',').map(|address| address.parse().unwrap()).collect();
    println!("connections: {}", make_noise(&addresses, &mut ChaCha8Rng::seed_from_u64(seed()), &stop));
}

fn make_noise(at: &[IpAddr], random: &mut ChaCha8Rng, stop: &AtomicBool) -> usize {
    let (mut silent, mut connections) = (Vec::new(), 0);
    while !stop.load(Ordering::Acquire) {
        // Sometimes a port nearby.
        let port = if random.random_ratio(1, 10) { random.random_range(2095..2110) } else { MESH_PORT };
        let address = SocketAddr::new(at[random.random_range(0..at.len())], port);
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { continue };
        connections += 1;
        let mut noise = [0; 64];
        random.fill_bytes(&mut noise);
        // The connection may be closed already.
        let _ = match random.random_range(0..6) {
            0 => Ok(()),
            1 => stream.write_all(&noise),
            2 => stream.write_all(b"GET / HTTP/1.1\r\nHost: score-0\r\n\r\n"),
            3 => stream.write_all(b"delaycast mesh 1\n"),
            // A truncated TLS record.
            4 => stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
            _ => {
                silent.push(stream);
                if silent.len() > SILENT_MAX {
                    silent.remove(0);
                }
                continue;
            }
        };
        thread::sleep(Duration::from_millis(2));
    }
    connections
}

#[test]
fn a_port_scan_and_garbage() {
    let Some(mut test) = TestCluster::acquire() else { return };
    let mut trials = Trials::of("noise at all ports during start-up and while running; recovery from the start");
    for trial in 0..times() {
        let network = &test.environment.network;
        let client = NoiseClient::start(&network.outsider, &network.pods);
        let at = test.cluster.start_all();
        trials.add(None, test.load.recovery(at));
        let generation = test.cluster.generation();
        thread::sleep(Duration::from_secs(1));
        let connections = client.stop();
        println!("{connections} connections from outside");
        assert!(connections > 50, "{connections}");
        test.load.recovery(Instant::now());
        assert_eq!(test.cluster.generation(), generation, "the generation went on");
        if trial + 1 < times() {
            test.cluster.stop_all();
        }
    }
    trials.print();
    test.finish("port scan and garbage", times());
}

/// Starts a process on the outside host as number 2.
fn start_outside(environment: &Environment, binary: &Path, certificates: &Path) -> Pod {
    let mut command = environment.score(binary, &environment.network.outsider, certificates);
    let hosts: Vec<String> = (0..3).map(|index| format!("score-{index}.{DOMAIN}:{MESH_PORT}")).collect();
    command.args(["--hosts", &hosts.join(","), "--process", "2"]);
    Pod::start("the outsider", &mut command)
}

/// Asserts that a process with wrong certificates is rejected before the cluster forms and while it runs, and that both
/// ends log it.
fn assert_rejected(certificates: impl Fn(&Environment), theirs: &str, ours: &str) {
    let Some(mut test) = TestCluster::acquire() else { return };
    certificates(&test.environment);
    let folder = test.environment.path("outsider");
    for _ in 0..times() {
        // Its number is not taken.
        let at = test.cluster.start(0);
        test.cluster.start(1);
        let mut outsider = start_outside(&test.environment, binary(), &folder);
        outsider.wait_for_line(at, theirs);
        let (_, line) = test.cluster.pod(0).wait_for_line(at, ours);
        assert!(line.contains("refused a connection from"), "{line}");
        assert!(outsider.is_running() && test.cluster.pod(0).find_line(at, " has formed").is_none());
        test.cluster.start(2);
        test.load.recovery(Instant::now());
        let (generation, running) = (test.cluster.generation(), Instant::now());
        test.cluster.pod(0).wait_for_line(running, ours);
        test.load.recovery(Instant::now());
        assert_eq!(test.cluster.generation(), generation, "the generation went on");
        outsider.terminate();
        assert_eq!(outsider.wait(), Some(0));
        test.cluster.stop_all();
    }
    test.cluster.start_all();
    test.finish("outsider", times());
}

#[test]
fn a_certificate_of_another_authority() {
    let make = |environment: &Environment| drop(environment.make_certificates("outsider", "delaycast-mesh"));
    // Both authorities have the same name: only the signature differs.
    assert_rejected(make, "invalid peer certificate", "alert");
}

#[test]
fn a_certificate_for_another_name() {
    let make = |environment: &Environment| {
        let (certificates, wrong) = (environment.path("certs"), environment.path("outsider"));
        fs::create_dir(&wrong).unwrap();
        for file in ["ca.crt", "ca.key"] {
            fs::copy(certificates.join(file), wrong.join(file)).unwrap();
        }
        environment.make_certificates("outsider", "somebody-else");
    };
    assert_rejected(make, "alert", "certificate not valid for name");
}

/// Both ends log the rejection; the running generation continues, and the right program joins.
#[test]
fn an_old_binary() {
    let Some(mut test) = TestCluster::acquire() else { return };
    // Bytes after the end of a program are not loaded, and change its fingerprint.
    let old = test.environment.path("delaycast-of-yesterday");
    fs::copy(binary(), &old).unwrap();
    fs::OpenOptions::new().append(true).open(&old).unwrap().write_all(b"\n").unwrap();
    let mut trials = Trials::of("an old binary in the place of one process; recovery from the right one's start");
    for _ in 0..times() {
        let at = test.cluster.start(0);
        test.cluster.start(1);
        test.cluster.start_binary(2, &old);
        for (index, words) in [(0, "refused the process at"), (2, "it refused")] {
            test.cluster.pod(index).wait_for_line(at, words);
            test.cluster.pod(index).wait_for_line(at, "the program differs");
        }
        test.cluster.stop(2);
        let right = test.cluster.start(2);
        trials.add(None, test.load.recovery(right));
        let (generation, running) = (test.cluster.generation(), Instant::now());
        let mut outsider = start_outside(&test.environment, &old, &test.environment.path("certs"));
        outsider.wait_for_line(running, "runs, and ends with the first of its processes");
        test.cluster.pod(0).wait_for_line(running, "runs, and ends with the first of its processes");
        test.load.recovery(Instant::now());
        assert_eq!(test.cluster.generation(), generation, "the generation went on");
        outsider.terminate();
        assert_eq!(outsider.wait(), Some(0));
        test.cluster.stop_all();
    }
    trials.print();
    test.cluster.start_all();
    test.finish("old binary", times());
}
