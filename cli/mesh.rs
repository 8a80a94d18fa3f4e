//! `delaycast mesh`: the certificates of the processes of a cluster.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::{Datelike, Days};
use clap::{Args as ClapArgs, Subcommand};
use engine::key_file::{self, KeyFileError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use crate::{cluster::MESH_NAME, progress::say};

/// The certificates of the processes of a cluster
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Certs(CertsArgs),
}

/// Make certificates for the processes of a cluster
///
/// A private authority, and one certificate that all processes share: enough for a laptop or a few machines. On
/// Kubernetes cert-manager makes and renews them. The authority's key is kept in ca.key: with it, running this again
/// makes a new certificate that the old ones trust; copy ca.crt, tls.crt and tls.key to every process, which reads them
/// at the next connection, without a restart.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast mesh certs --dir certs --days 90
  delaycast score --hosts a:2101,b:2101 --process 0 --mesh-certs certs …")]
struct CertsArgs {
    /// The directory; it is created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// The name that the certificate is for
    #[arg(long, value_name = "NAME", default_value = MESH_NAME)]
    name: String,
    /// The days that the certificate is valid; the authority is for ten years
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Certs(args) => certs(args),
    }
}

/// Validity of an authority.
const AUTHORITY_DAYS: u64 = 3650;
/// Certificates are valid from the day before, because clocks differ.
const BACKDATED_DAYS: u64 = 1;

fn certs(args: &CertsArgs) -> anyhow::Result<()> {
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make the folder {}", args.dir.display()))?;
    let (authority, authority_key) = (args.dir.join("ca.crt"), args.dir.join("ca.key"));
    let key = match read_key(&authority_key)? {
        Some(pem) => KeyPair::from_pem(&pem).with_context(|| format!("cannot use {}", authority_key.display()))?,
        None => {
            let key = KeyPair::generate()?;
            let certificate = authority_params(&args.name)?.self_signed(&key)?;
            write_atomically(&authority_key, &key.serialize_pem(), PRIVATE_MODE)?;
            write_atomically(&authority, &certificate.pem(), PUBLIC_MODE)?;
            key
        }
    };
    let pem = read(&authority)?.with_context(|| {
        format!("{} is there and {} is not: remove both to start anew", authority_key.display(), authority.display())
    })?;
    let issuer = Issuer::from_ca_cert_pem(&pem, key).with_context(|| format!("cannot use {}", authority.display()))?;

    let own_key = KeyPair::generate()?;
    let mut own = CertificateParams::new(vec![args.name.clone()])
        .with_context(|| format!("{:?} is no name for a certificate", args.name))?;
    own.distinguished_name.push(DnType::CommonName, args.name.clone());
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Each process is a server and a client.
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    set_validity(&mut own, args.days.into());
    let certificate = own.signed_by(&own_key, &issuer)?;
    write_atomically(&args.dir.join("tls.key"), &own_key.serialize_pem(), PRIVATE_MODE)?;
    write_atomically(&args.dir.join("tls.crt"), &certificate.pem(), PUBLIC_MODE)?;
    say(&format!("{} has a certificate for {:?}, valid for {} days", args.dir.display(), args.name, args.days));
    Ok(())
}

fn authority_params(name: &str) -> anyhow::Result<CertificateParams> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, format!("the authority of {name}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    set_validity(&mut authority, AUTHORITY_DAYS);
    Ok(authority)
}

fn set_validity(certificate: &mut CertificateParams, days: u64) {
    let day = |day: chrono::NaiveDate| date_time_ymd(day.year(), day.month() as u8, day.day() as u8);
    let today = engine::clock::now().date_naive();
    certificate.not_before = day(today.checked_sub_days(Days::new(BACKDATED_DAYS)).unwrap_or(today));
    // To the end of the last day.
    certificate.not_after = day(today.checked_add_days(Days::new(days + 1)).unwrap_or(today));
}

const PRIVATE_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

/// Writes a file atomically: a concurrent reader sees the old content or the new one.
fn write_atomically(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = path.with_file_name(name);
    let written = (|| {
        // Not into an existing file: its owner and its mode would remain.
        let _ = fs::remove_file(&unfinished);
        let mut file = File::options().create_new(true).write(true).mode(mode).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Reads the authority's key; `None` if it does not exist.
fn read_key(path: &Path) -> anyhow::Result<Option<String>> {
    match key_file::read(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(String::from_utf8(read?).with_context(|| format!("{} is no text", path.display()))?)),
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.with_context(|| format!("cannot read {}", path.display()))?)),
    }
}
