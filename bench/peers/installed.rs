//! The peers as `bench/peers/run` installs them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the peers, with a Python environment of each.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Installed {
    /// The folder into which `bench/peers/run` has installed the peers
    #[arg(long, default_value = "target/peers")]
    peers: PathBuf,
}

impl Installed {
    /// A command of a script in `bench/peers/`, by the Python environment of a peer.
    pub(super) fn python(&self, environment: &str, script: &str) -> Command {
        let mut command = Command::new(self.peers.join(environment).join("bin/python"));
        command.arg(Path::new("bench/peers").join(script));
        command
    }

    /// A command of Spark: its connector, its forest, and as many slots for tasks.
    pub(super) fn spark(&self, slots: usize) -> Command {
        let mut command = self.python("spark", "spark_peer.py");
        command.arg("--jars").arg(self.peers.join("spark-jars")).arg("--model").arg(self.peers.join("spark-model"));
        command.args(["--slots", &slots.to_string()]);
        // Spark would take another one from the environment.
        command.env_remove("SPARK_HOME").env_remove("PYSPARK_SUBMIT_ARGS");
        command
    }

    /// A command of Pathway with its forest.
    pub(super) fn pathway(&self) -> Command {
        let mut command = self.python("pathway", "pathway_peer.py");
        command.arg("--model").arg(self.peers.join("pathway-model"));
        command
    }

    /// The folder of what compilers of forests have made.
    pub(super) fn compiled(&self) -> PathBuf {
        self.peers.join("compiled")
    }
}
