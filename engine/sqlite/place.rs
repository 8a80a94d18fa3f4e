//! Where a database may lie: on a disk of this machine.
//!
//! WAL keeps its index in memory shared by all processes, and locks must work: neither holds across machines.

use std::{
    fs::File,
    io,
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

/// The network file system of this magic number.
pub(super) fn network_kind(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, kind)| *kind)
}

/// The network file system that a folder lies on, if it does.
#[cfg(target_os = "linux")]
pub(super) fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    // The field's type differs between architectures; magic numbers have 32 bits.
    Ok(network_kind(rustix::fs::statfs(folder)?.f_type as u32))
}

/// Elsewhere the magic numbers are not known, and the file system is taken as local.
#[cfg(not(target_os = "linux"))]
pub(super) fn network_file_system(_folder: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// SQLite's range of shared locks in a database: every process that has it open in WAL mode holds one.
const SHARED_LOCKS: (u64, u64) = (0x4000_0002, 510);

/// Returns whether another process has the database open. A lock that cannot be asked for counts as one.
pub(super) fn is_in_use(file: &File) -> bool {
    let (start, length) = SHARED_LOCKS;
    let wanted = Flock { start, length, ..Flock::from(FlockType::WriteLock) };
    fcntl_getlk(file, &wanted).map_or(true, |lock| lock.is_some())
}

/// The one path of a database, whether it exists yet or not: links followed, no dots.
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
    fn network_file_systems_are_known_by_their_number() {
        assert_eq!(network_kind(0x6969), Some("NFS"));
        assert_eq!(network_kind(0xff53_4d42), Some("CIFS"));
        assert_eq!(network_kind(0xef53), None, "ext4");
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(network_file_system(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_path_has_one_form() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.db"), dir.path().join("link.db"));
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        let before = canonical(&dir.path().join("sub/../real.db")).unwrap();
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(canonical(&link).unwrap(), before);
        assert!(canonical(&dir.path().join("none/x.db")).is_err());
    }
}
