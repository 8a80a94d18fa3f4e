//! Machines of the tests' own: network namespaces, joined by a bridge, with the names that pods have.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// All namespaces of these tests are named so; the number of the process that made them follows.
const PREFIX: &str = "delaycast-test-";
/// What the headless service of the pods is called.
pub(crate) const DOMAIN: &str = "score-headless";
/// Addresses for documentation (RFC 5737): nobody has them.
const NETWORK: &str = "198.51.100";

/// A machine.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    namespace: String,
    pub(crate) hostname: String,
    pub(crate) address: String,
}

impl Host {
    /// A program on this machine, under its name. It is killed when the thread that starts it ends.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "setpriv", "--pdeathsig", "KILL", "unshare", "--uts"]);
        command.args(["sh", "-c", r#"hostname "$0" && exec "$@""#, &self.hostname]).arg(program);
        command
    }

    /// Lets no packet through between this machine and another one, either way, until healed.
    pub(crate) fn cut_off(&self, other: &Host) {
        let rules = format!(
            "table inet cut {{\n\
             chain in {{ type filter hook input priority 0; ip saddr {0} drop;\n}}\n\
             chain out {{ type filter hook output priority 0; ip daddr {0} drop;\n}}\n}}\n",
            other.address
        );
        succeed(&["ip", "netns", "exec", &self.namespace, "nft", "-f", "-"], &rules);
    }

    /// Lets everything through again.
    pub(crate) fn heal(&self) {
        succeed(&["ip", "netns", "exec", &self.namespace, "nft", "delete", "table", "inet", "cut"], "");
    }
}

/// The machines, and what joins them. Removed when dropped.
pub(crate) struct Network {
    namespaces: Vec<String>,
    /// In the order of their numbers.
    pub(crate) pods: Vec<Host>,
    /// Belongs to nobody.
    pub(crate) stranger: Host,
}

impl Network {
    /// Machines for so many pods; `None` where the system gives none, which is said.
    pub(crate) fn new(pods: usize) -> Option<Self> {
        if let Some(why) = impossible() {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_NETNS").is_none(), "no network namespaces here: {why}");
            println!("skipped: no network namespaces here: {why}");
            return None;
        }
        remove_leftovers();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let of_world = format!("{PREFIX}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let host = |number: usize, name: String| Host {
            namespace: format!("{of_world}-{name}"),
            hostname: name,
            address: format!("{NETWORK}.{}", 10 + number),
        };
        let pods: Vec<Host> = (0..pods).map(|number| host(number, format!("score-{number}"))).collect();
        let stranger = host(pods.len(), "stranger".into());
        let bridge = format!("{of_world}-bridge");
        let namespaces = [&bridge].into_iter().chain(pods.iter().chain([&stranger]).map(|host| &host.namespace));
        // Complete from the first: whatever fails below, all is removed.
        let network = Network { namespaces: namespaces.cloned().collect(), pods, stranger };
        network.make(&bridge);
        Some(network)
    }

    fn make(&self, bridge: &str) {
        let hosts: String =
            self.pods.iter().map(|pod| format!("{} {}.{DOMAIN}\n", pod.address, pod.hostname)).collect();
        ip(&["netns", "add", bridge]);
        ip(&["-n", bridge, "link", "add", "bridge", "type", "bridge"]);
        ip(&["-n", bridge, "link", "set", "bridge", "up"]);
        for (number, host) in self.pods.iter().chain([&self.stranger]).enumerate() {
            // `ip netns exec` puts it in the place of /etc/hosts.
            let folder = resolver_folder(&host.namespace);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n{hosts}")).unwrap();
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

/// Why there can be no namespaces.
fn impossible() -> Option<String> {
    if !geteuid().is_root() {
        return Some("they take root".into());
    }
    for tool in [["ip", "-V"], ["nft", "-v"], ["unshare", "-V"], ["setpriv", "-V"]] {
        let tried = Command::new(tool[0]).arg(tool[1]).stdin(Stdio::null()).output();
        if !tried.is_ok_and(|output| output.status.success()) {
            return Some(format!("there is no {}", tool[0]));
        }
    }
    let probe = format!("{PREFIX}{}-probe", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &probe]).output().unwrap();
    remove(&probe);
    (!made.status.success()).then(|| String::from_utf8_lossy(&made.stderr).into_owned())
}

/// What a run left behind that was killed.
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
    let _ = fs::remove_dir_all(resolver_folder(namespace));
}

fn resolver_folder(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

fn ip(arguments: &[&str]) {
    succeed(&[&["ip"], arguments].concat(), "");
}

fn succeed(words: &[&str], input: &str) {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
