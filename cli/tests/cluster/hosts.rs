//! Hosts of the tests: network namespaces, joined by a bridge, with the host names of pods.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// Prefix of the namespaces' names; the id of the process that created them follows.
const PREFIX: &str = "delaycast-test-";
/// The headless service of the pods.
pub(crate) const DOMAIN: &str = "score-headless";
/// The Service of process 0.
pub(crate) const LEADER: &str = "score-leader";
/// Addresses reserved for documentation (RFC 5737).
const NETWORK: &str = "198.51.100";

/// A host.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    namespace: String,
    pub(crate) hostname: String,
    pub(crate) address: String,
}

impl Host {
    /// Returns the command of a program on this host, with its host name. The program is killed when the thread that
    /// starts it ends.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "setpriv", "--pdeathsig", "KILL", "unshare", "--uts"]);
        command.args(["sh", "-c", r#"hostname "$0" && exec "$@""#, &self.hostname]).arg(program);
        command
    }

    /// Drops all packets between this host and another one, both ways, until healed.
    pub(crate) fn drop_packets(&self, other: &Host) {
        let rules = format!(
            "table inet cut {{\n\
             chain in {{ type filter hook input priority 0; ip saddr {0} drop;\n}}\n\
             chain out {{ type filter hook output priority 0; ip daddr {0} drop;\n}}\n}}\n",
            other.address
        );
        run(&["ip", "netns", "exec", &self.namespace, "nft", "-f", "-"], &rules);
    }

    /// Ends the partition.
    pub(crate) fn heal(&self) {
        run(&["ip", "netns", "exec", &self.namespace, "nft", "delete", "table", "inet", "cut"], "");
    }
}

/// The hosts and the bridge that joins them. Removed when dropped.
pub(crate) struct Network {
    namespaces: Vec<String>,
    /// The pods' hosts by number.
    pub(crate) pods: Vec<Host>,
    /// A host without a pod.
    pub(crate) outsider: Host,
}

impl Network {
    /// Creates hosts for `pods` pods; `None` where network namespaces are not available, which is printed.
    pub(crate) fn new(pods: usize) -> Option<Self> {
        if let Some(why) = missing_prerequisite() {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_NETNS").is_none(), "no network namespaces here: {why}");
            println!("skipped: no network namespaces here: {why}");
            return None;
        }
        remove_leftovers();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("{PREFIX}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let host = |number: usize, name: String| Host {
            namespace: format!("{prefix}-{name}"),
            hostname: name,
            address: format!("{NETWORK}.{}", 10 + number),
        };
        let pods: Vec<Host> = (0..pods).map(|number| host(number, format!("score-{number}"))).collect();
        let outsider = host(pods.len(), "outsider".into());
        let bridge = format!("{prefix}-bridge");
        let namespaces = [&bridge].into_iter().chain(pods.iter().chain([&outsider]).map(|host| &host.namespace));
        // Complete before the namespaces are created, so that all are removed when one fails.
        let network = Network { namespaces: namespaces.cloned().collect(), pods, outsider };
        network.create(&bridge);
        Some(network)
    }

    /// Makes the names of all pods lead to addresses that no host has, as a name service does that answers from its
    /// cache after pods were replaced. The Service of process 0 leads to it. For programs that start after this.
    pub(crate) fn make_names_stale(&self) {
        let stale = self.pods.iter().enumerate();
        let stale = stale.map(|(number, pod)| format!("{NETWORK}.{} {}.{DOMAIN}\n", 200 + number, pod.hostname));
        let leader = format!("{} {LEADER}\n", self.pods[0].address);
        self.write_names(&stale.chain([leader]).collect::<String>());
    }

    /// Writes the hosts file of all hosts. `ip netns exec` mounts it over /etc/hosts.
    fn write_names(&self, names: &str) {
        for host in self.pods.iter().chain([&self.outsider]) {
            let dir = resolver_dir(&host.namespace);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("hosts"), format!("127.0.0.1 localhost\n{names}")).unwrap();
        }
    }

    fn create(&self, bridge: &str) {
        let name = |pod: &Host| format!("{} {}.{DOMAIN}\n", pod.address, pod.hostname);
        self.write_names(&self.pods.iter().map(name).collect::<String>());
        ip(&["netns", "add", bridge]);
        ip(&["-n", bridge, "link", "add", "bridge", "type", "bridge"]);
        ip(&["-n", bridge, "link", "set", "bridge", "up"]);
        for (number, host) in self.pods.iter().chain([&self.outsider]).enumerate() {
            let (namespace, port) = (host.namespace.as_str(), format!("port{number}"));
            ip(&["netns", "add", namespace]);
            ip(&["-n", bridge, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
            ip(&["-n", bridge, "link", "set", &port, "master", "bridge", "up"]);
            ip(&["-n", namespace, "address", "add", &format!("{}/24", host.address), "dev", "eth0"]);
            ip(&["-n", namespace, "link", "set", "eth0", "up"]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.namespaces.iter().for_each(|namespace| remove(namespace));
    }
}

/// Returns the reason why there can be no namespaces.
fn missing_prerequisite() -> Option<String> {
    if !geteuid().is_root() {
        return Some("they take root".into());
    }
    for tool in [["ip", "-V"], ["nft", "-v"], ["unshare", "-V"], ["setpriv", "-V"]] {
        let version = Command::new(tool[0]).arg(tool[1]).stdin(Stdio::null()).output();
        if !version.is_ok_and(|output| output.status.success()) {
            return Some(format!("there is no {}", tool[0]));
        }
    }
    let probe = format!("{PREFIX}{}-probe", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &probe]).output().unwrap();
    remove(&probe);
    (!made.status.success()).then(|| String::from_utf8_lossy(&made.stderr).into_owned())
}

/// Removes the namespaces of a run that was killed.
fn remove_leftovers() {
    let names = fs::read_dir("/run/netns").into_iter().flatten();
    for name in names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            remove(&name);
        }
    }
}

fn remove(namespace: &str) {
    let pids = Command::new("ip").args(["netns", "pids", namespace]).stdin(Stdio::null()).output();
    let pids = pids.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for pid in pids.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = Command::new("ip").args(["netns", "delete", namespace]).stdin(Stdio::null()).output();
    let _ = fs::remove_dir_all(resolver_dir(namespace));
}

fn resolver_dir(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

fn ip(arguments: &[&str]) {
    run(&[&["ip"], arguments].concat(), "");
}

fn run(command_line: &[&str], input: &str) {
    let mut command = Command::new(command_line[0]);
    command.args(&command_line[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command_line:?}: {}", String::from_utf8_lossy(&output.stderr));
}
