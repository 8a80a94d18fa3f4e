//! Who does not belong to the cluster knocks at its ports.

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
    trials::{Trials, times},
    world::{Ground, MESH_PORT, World, binary},
};

/// More silent connections than the mesh bears at once.
const SILENT_MAX: usize = 80;

/// Tells this program, run on the stranger's machine, whom to bother.
const ADDRESSES: &str = "DELAYCAST_TEST_BABBLE_AT";

/// Looks which ports are open, connects and is silent, says things, and goes away in the middle, until told to stop.
struct Babbler(Child);

impl Babbler {
    fn start(from: &Host, at: &[Host]) -> Self {
        let mut command = from.command(&std::env::current_exe().unwrap());
        command.args(["strangers::a_babbler", "--exact", "--ignored", "--nocapture"]);
        let addresses: Vec<&str> = at.iter().map(|host| host.address.as_str()).collect();
        command.env(ADDRESSES, addresses.join(",")).env("DELAYCAST_SEED", seed().to_string());
        Babbler(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Stops it; how many connections there were.
    fn stop(mut self) -> usize {
        // It goes on until its standard input ends.
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        said.lines().find_map(|line| line.strip_prefix("connections: ")?.parse().ok()).expect("it says how many")
    }
}

impl Drop for Babbler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "runs on the stranger's machine"]
fn a_babbler() {
    let Ok(addresses) = std::env::var(ADDRESSES) else { return };
    let over = Arc::<AtomicBool>::default();
    let told = Arc::clone(&over);
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Release);
    });
    let addresses: Vec<IpAddr> = addresses.split(',').map(|address| address.parse().unwrap()).collect();
    println!("connections: {}", babble(&addresses, &mut ChaCha8Rng::seed_from_u64(seed()), &over));
}

fn babble(at: &[IpAddr], random: &mut ChaCha8Rng, over: &AtomicBool) -> usize {
    let (mut silent, mut connections) = (Vec::new(), 0);
    while !over.load(Ordering::Acquire) {
        // Now and then a port nearby.
        let port = if random.random_ratio(1, 10) { random.random_range(2095..2110) } else { MESH_PORT };
        let address = SocketAddr::new(at[random.random_range(0..at.len())], port);
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { continue };
        connections += 1;
        let mut noise = [0; 64];
        random.fill_bytes(&mut noise);
        // It may have been shown out already.
        let _ = match random.random_range(0..6) {
            0 => Ok(()),
            1 => stream.write_all(&noise),
            2 => stream.write_all(b"GET / HTTP/1.1\r\nHost: score-0\r\n\r\n"),
            3 => stream.write_all(b"delaycast mesh 1\n"),
            // A record of TLS that announces more than it has.
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
fn a_scanner_and_babbler() {
    let Some(mut world) = World::enter() else { return };
    let mut trials = Trials::of("noise at all ports during start-up and while running; recovery from the start");
    for trial in 0..times() {
        let network = &world.ground.network;
        let babbler = Babbler::start(&network.stranger, &network.pods);
        let at = world.cluster.start_all();
        trials.add(None, world.load.recovery(at));
        let generation = world.cluster.generation();
        thread::sleep(Duration::from_secs(1));
        let connections = babbler.stop();
        println!("{connections} connections of strangers");
        assert!(connections > 50, "{connections}");
        world.load.recovery(Instant::now());
        assert_eq!(world.cluster.generation(), generation, "the generation went on");
        if trial + 1 < times() {
            world.cluster.stop_all();
        }
    }
    trials.print();
    world.finish("strangers at the ports", times());
}

/// A process that says that it is number 2.
fn impostor(ground: &Ground, binary: &Path, certificates: &Path) -> Pod {
    let mut command = ground.score(binary, &ground.network.stranger, certificates);
    let hosts: Vec<String> = (0..3).map(|index| format!("score-{index}.{DOMAIN}:{MESH_PORT}")).collect();
    command.args(["--hosts", &hosts.join(","), "--process", "2"]);
    Pod::start("the impostor", &mut command)
}

/// Somebody with wrong certificates is refused before the cluster forms and while it runs, and both ends are told.
fn refused_with(certificates: impl Fn(&Ground), theirs: &str, ours: &str) {
    let Some(mut world) = World::enter() else { return };
    certificates(&world.ground);
    let folder = world.ground.path("impostor");
    for _ in 0..times() {
        // The place that it wants is free.
        let at = world.cluster.start(0);
        world.cluster.start(1);
        let mut stranger = impostor(&world.ground, binary(), &folder);
        stranger.says(at, theirs);
        let (_, line) = world.cluster.pod(0).says(at, ours);
        assert!(line.contains("refused a connection from"), "{line}");
        assert!(stranger.is_running() && world.cluster.pod(0).said(at, " has formed").is_none());
        world.cluster.start(2);
        world.load.recovery(Instant::now());
        let (generation, running) = (world.cluster.generation(), Instant::now());
        world.cluster.pod(0).says(running, ours);
        world.load.recovery(Instant::now());
        assert_eq!(world.cluster.generation(), generation, "the generation went on");
        stranger.tell_to_stop();
        assert_eq!(stranger.left(), Some(0));
        world.cluster.stop_all();
    }
    world.cluster.start_all();
    world.finish("impostor", times());
}

#[test]
fn an_impostor_of_another_authority() {
    let make = |ground: &Ground| drop(ground.make_certificates("impostor", "delaycast-mesh"));
    // Both authorities have the same name, so it is the signature that is wrong.
    refused_with(make, "invalid peer certificate", "alert");
}

#[test]
fn an_impostor_with_another_name() {
    let make = |ground: &Ground| {
        let (certificates, impostor) = (ground.path("certs"), ground.path("impostor"));
        fs::create_dir(&impostor).unwrap();
        for file in ["ca.crt", "ca.key"] {
            fs::copy(certificates.join(file), impostor.join(file)).unwrap();
        }
        ground.make_certificates("impostor", "somebody-else");
    };
    refused_with(make, "alert", "certificate not valid for name");
}

/// Both ends are told; the generation that runs is not harmed, and the right program gets in.
#[test]
fn an_old_binary() {
    let Some(mut world) = World::enter() else { return };
    // Bytes behind the end of a program are not loaded, and make it another one.
    let old = world.ground.path("delaycast-of-yesterday");
    fs::copy(binary(), &old).unwrap();
    fs::OpenOptions::new().append(true).open(&old).unwrap().write_all(b"\n").unwrap();
    let mut trials = Trials::of("an old binary in the place of one process; recovery from the right one's start");
    for _ in 0..times() {
        let at = world.cluster.start(0);
        world.cluster.start(1);
        world.cluster.start_binary(2, &old);
        for (index, words) in [(0, "refused the process at"), (2, "it refused")] {
            world.cluster.pod(index).says(at, words);
            world.cluster.pod(index).says(at, "the program differs");
        }
        world.cluster.stop(2);
        let right = world.cluster.start(2);
        trials.add(None, world.load.recovery(right));
        let (generation, running) = (world.cluster.generation(), Instant::now());
        let mut stranger = impostor(&world.ground, &old, &world.ground.path("certs"));
        stranger.says(running, "runs, and ends with the first of its processes");
        world.cluster.pod(0).says(running, "runs, and ends with the first of its processes");
        world.load.recovery(Instant::now());
        assert_eq!(world.cluster.generation(), generation, "the generation went on");
        stranger.tell_to_stop();
        assert_eq!(stranger.left(), Some(0));
        world.cluster.stop_all();
    }
    trials.print();
    world.cluster.start_all();
    world.finish("old binary", times());
}
