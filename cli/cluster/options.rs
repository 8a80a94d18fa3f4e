//! The options of `delaycast score` as one process of a cluster.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use delaycast_dataflows::mesh::{Certificates, Credentials, Peers};
use engine::key_file;

/// Upper bound on the length of a secret.
const SECRET_BYTES_MAX: usize = 4096;

/// The options of one process of a cluster.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterOptions {
    /// The cluster's name: processes of another one are refused
    #[arg(long, value_name = "NAME", default_value = "delaycast")]
    pub(crate) cluster: String,
    /// All processes of the cluster in order, this one included: score in one process of these
    #[arg(long, value_name = "HOST:PORT,…", requires = "process", conflicts_with = "replicas")]
    hosts: Option<String>,
    /// The number of this process in --hosts, counted from 0
    #[arg(long, value_name = "I", requires = "hosts")]
    process: Option<usize>,
    /// The number of pods of a StatefulSet: score in one of them. Its name and number are the host's, as in score-0
    #[arg(long, value_name = "N", env = "DELAYCAST_REPLICAS", requires = "domain")]
    replicas: Option<usize>,
    /// The headless service of the StatefulSet: peers are at POD-I.DOMAIN
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Where the others reach process 0, in place of its own name: an address that stays when process 0 is replaced, as
    /// that of a Service. The others tell process 0 where they are
    #[arg(long, value_name = "HOST:PORT")]
    mesh_leader: Option<String>,
    /// The port of the mesh, with --replicas
    #[arg(long, value_name = "PORT", default_value_t = 2101)]
    mesh_port: u16,
    /// Address to listen on for other processes [default: all with certificates, this machine alone with a secret]
    #[arg(long, value_name = "ADDRESS")]
    mesh_bind: Option<IpAddr>,
    /// A folder with ca.crt, tls.crt and tls.key: processes prove themselves by certificates, and what they exchange is
    /// encrypted; `delaycast mesh certs` makes some
    #[arg(long, value_name = "DIR", conflicts_with = "mesh_secret")]
    mesh_certs: Option<PathBuf>,
    /// The name that the certificates of all processes are for
    #[arg(long, value_name = "NAME", default_value = MESH_NAME)]
    mesh_name: String,
    /// A file with a secret of 16 bytes or more that other users may not read, instead of certificates: for processes
    /// on one machine alone
    #[arg(long, value_name = "FILE")]
    mesh_secret: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) supervisor: SupervisorOptions,
}

/// The default name of the certificates.
pub(crate) const MESH_NAME: &str = "delaycast-mesh";

/// The options that a supervisor passes to its child; hidden from the help.
#[derive(Args)]
pub(crate) struct SupervisorOptions {
    /// The supervisor's process id: stdin is the listening port, reports go to stdout
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) child_of: Option<u32>,
    /// The last generation that is known
    #[arg(long, hide = true, value_name = "N", default_value_t = 0)]
    pub(crate) after_generation: u64,
    /// The number of children before this one
    #[arg(long, hide = true, value_name = "N", default_value_t = 0)]
    pub(crate) restarts: u64,
    /// The fingerprint of the program
    #[arg(long, hide = true, value_name = "SHA-256", default_value = "")]
    pub(crate) program: String,
}

impl ClusterOptions {
    /// Returns the processes of the cluster; `None` without a cluster.
    pub(crate) fn peers(&self) -> anyhow::Result<Option<Peers>> {
        let peers = match (&self.hosts, self.process, self.replicas, &self.domain) {
            (Some(hosts), Some(process), ..) => Peers::from_list(hosts, process)?,
            (_, _, Some(replicas), Some(domain)) => {
                let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
                Peers::from_stateful_set(replicas, domain, self.mesh_port, &hostname)?
            }
            _ => return Ok(None),
        };
        Ok(Some(match &self.mesh_leader {
            Some(address) => peers.with_leader(address)?,
            None => peers,
        }))
    }

    /// Returns the credentials of this process.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        match (self.certificates()?, &self.mesh_secret) {
            (Some(certificates), _) => Ok(Credentials::certificates(certificates)?),
            (None, Some(file)) => Ok(Credentials::secret(&read_secret(file)?)?),
            (None, None) => bail!(
                "how shall the processes of the cluster know each other? Give --mesh-certs (`delaycast mesh certs` makes \
                 some), or --mesh-secret if all of them are on this machine"
            ),
        }
    }

    /// Returns the certificates, if they are the credentials.
    pub(crate) fn certificates(&self) -> anyhow::Result<Option<Certificates>> {
        Ok(self.mesh_certs.as_ref().map(|dir| Certificates::new(dir, &self.mesh_name)).transpose()?)
    }

    /// Listens on this process's port.
    pub(crate) fn listen(&self, peers: &Peers) -> anyhow::Result<TcpListener> {
        let port = peers.port(peers.index());
        let address = match (self.mesh_bind, &self.mesh_secret) {
            (Some(address), _) => SocketAddr::new(address, port),
            (None, Some(_)) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
            // An IPv6 socket accepts IPv4, too.
            (None, None) if Path::new("/proc/net/if_inet6").exists() => {
                SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)
            }
            (None, None) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
        };
        TcpListener::bind(address).with_context(|| {
            format!("cannot listen at {address} for the other processes: is another one running here?")
        })
    }
}

fn read_secret(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut secret = key_file::read(file).context("cannot use the secret of --mesh-secret")?;
    secret.truncate(SECRET_BYTES_MAX);
    let length = secret.trim_ascii_end().len();
    secret.truncate(length);
    Ok(secret)
}
