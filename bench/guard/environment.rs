//! The circumstances that counts depend on: compilers, libraries, valgrind.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, ensure};

/// Circumstances by name. Counts of different circumstances are not comparable.
pub(crate) type Environment = BTreeMap<String, String>;

/// Features of a processor that valgrind passes on if the machine has them. It reports all others as those of one fixed
/// processor, so that libraries choose the same code everywhere.
const FEATURES: [&str; 4] = ["avx2", "f16c", "rdrand", "rdseed"];

/// Returns the circumstances here.
pub(crate) fn here() -> anyhow::Result<Environment> {
    let rustc = output("rustc", &["-vV"])?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    let entries = [
        ("rustc", first_line(&rustc)),
        ("target", host.to_owned()),
        ("RUSTFLAGS", option_env!("RUSTFLAGS").unwrap_or_default().to_owned()),
        // SQLite is compiled by it.
        ("cc", first_line(&output("cc", &["--version"])?)),
        ("libc", first_line(&output("getconf", &["GNU_LIBC_VERSION"])?)),
        ("valgrind", first_line(&output("valgrind", &["--version"])?)),
        ("processor", features().join(" ")),
    ];
    Ok(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} {} fails: {}", arguments.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let found = [
        is_x86_feature_detected!("avx2"),
        is_x86_feature_detected!("f16c"),
        is_x86_feature_detected!("rdrand"),
        is_x86_feature_detected!("rdseed"),
    ];
    FEATURES.into_iter().zip(found).filter_map(|(name, found)| found.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    Vec::new()
}
