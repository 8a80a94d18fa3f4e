//! The file system under a database: paths, links, locks, and network file systems, which are refused.
//!
//! WAL keeps its index in memory shared by all processes, and its locks must work: neither holds across machines.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::{Flock, FlockType, fcntl_getlk};

/// File systems that SQLite's locks and shared memory do not work on, by the magic number of `statfs` (Linux:
/// `include/uapi/linux/magic.h`, and for those that are not in it, the file system's own source).
const NETWORK: [(u32, &str); 13] = [
    (0x0000_6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0000_517b, "SMB"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
];

/// Returns the network file system of this magic number.
fn network_kind(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, kind)| *kind)
}

/// Returns the network file system that a folder is on, if it is on one.
#[cfg(target_os = "linux")]
pub(super) fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    // The field's type differs between architectures; magic numbers have 32 bits.
    Ok(network_kind(rustix::fs::statfs(folder)?.f_type as u32))
}

/// Returns none: on other systems the magic numbers are not known, and every file system counts as local.
#[cfg(not(target_os = "linux"))]
pub(super) fn network_file_system(_folder: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// SQLite's range of shared locks in a database: each process that has it open in WAL mode holds one.
const SHARED_LOCKS: (u64, u64) = (0x4000_0002, 510);

/// Returns whether another process has the database open. A lock that cannot be asked for counts as one.
pub(super) fn is_in_use(file: &File) -> bool {
    let (start, length) = SHARED_LOCKS;
    let wanted = Flock { start, length, ..Flock::from(FlockType::WriteLock) };
    fcntl_getlk(file, &wanted).map_or(true, |lock| lock.is_some())
}

/// Returns the path of a companion of the database: its path with a suffix, as SQLite names `-wal` and `-shm`.
pub(super) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns a warning if the file has several hard links: opened under two names it gets two logs, and is damaged.
pub(super) fn hard_links_warning(path: &Path) -> Option<String> {
    let links = fs::metadata(path).ok()?.nlink();
    (links > 1).then(|| {
        format!("{} has {links} hard links: opened under another of its names it would be damaged", path.display())
    })
}

/// Returns the canonical path of a database, whether it exists or not: without symbolic links and dots.
pub(super) fn canonical(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => return done,
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.canonicalize()?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_have_their_magic_numbers() {
        assert_eq!(network_kind(0x6969), Some("NFS"));
        assert_eq!(network_kind(0xff53_4d42), Some("CIFS"));
        assert_eq!(network_kind(0xef53), None, "ext4");
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(network_file_system(dir.path()).unwrap(), None);
    }

    #[test]
    fn all_names_of_a_file_have_one_canonical_path() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.db"), dir.path().join("link.db"));
        fs::create_dir(dir.path().join("sub")).unwrap();
        let before = canonical(&dir.path().join("sub/../real.db")).unwrap();
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(canonical(&link).unwrap(), before);
        assert!(canonical(&dir.path().join("none/x.db")).is_err());
    }
}
