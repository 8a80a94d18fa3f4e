//! Files with private keys and other secrets: refused if other users may read them.
//!
//! 1. Only the owner may read, write or execute a key file. One exception: the group may read a file of root. The
//!    kubelet gives a Secret's files this owner and mode in a pod with an `fsGroup`.
//! 2. A key file is a regular file, possibly behind symbolic links, of at most 1 MiB.
//! 3. [`read`] checks the file after opening it, so that the path cannot be replaced between check and read.

use std::{
    fs::{self, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::regular_file;

/// Upper bound on the length of a key file.
const BYTES_MAX: u64 = 1 << 20;
/// All permissions of other users: neither the owner nor the group.
const OTHERS: u32 = 0o007;
/// The group's permission to read.
const GROUP_READ: u32 = 0o040;
/// The group's permissions to write and to execute.
const GROUP_MORE: u32 = 0o030;
const ROOT: u32 = 0;

/// The reason why a key file is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Other users may read or change it.
    #[error(
        "{path} can be read or changed by others (mode {mode:03o}): `chmod 600 {path}`; in Kubernetes give the volume of the \
         Secret `defaultMode: 0440` and the pod an `fsGroup`"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It is too long.
    #[error("{0} is longer than 1 MiB, and no key")]
    TooLong(PathBuf),
}

/// Checks a file that a library will read. If its metadata cannot be read, the check passes and the library reports the
/// error.
pub fn check(path: &Path) -> Result<(), KeyFileError> {
    fs::metadata(path).map_or(Ok(()), |found| of_the_owner(path, &found))
}

/// Reads a key file.
pub fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    let file = regular_file::open(path).map_err(io)?;
    of_the_owner(path, &file.metadata().map_err(io)?)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > BYTES_MAX { Err(KeyFileError::TooLong(path.to_owned())) } else { Ok(bytes) }
}

fn of_the_owner(path: &Path, found: &Metadata) -> Result<(), KeyFileError> {
    let mode = found.mode() & 0o777;
    if is_private(mode, found.uid()) { Ok(()) } else { Err(KeyFileError::Open { path: path.to_owned(), mode }) }
}

fn is_private(mode: u32, owner: u32) -> bool {
    mode & (OTHERS | GROUP_MORE) == 0 && (mode & GROUP_READ == 0 || owner == ROOT)
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::regular_file::tests::not_regular_files;

    #[test]
    fn rule_1_nobody_else_may_read_a_key_but_the_group_if_root_owns_it() {
        for (mode, owner, private) in [
            (0o600, 1000, true),
            (0o400, 1000, true),
            (0o700, 1000, true),
            (0o440, ROOT, true),
            (0o640, ROOT, true),
            (0o440, 1000, false),
            (0o640, 1000, false),
            (0o660, ROOT, false),
            (0o644, ROOT, false),
            (0o444, 1000, false),
            (0o604, 1000, false),
            (0o602, 1000, false),
            (0o610, 1000, false),
        ] {
            assert_eq!(is_private(mode, owner), private, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn rules_2_and_3_a_key_is_read_from_a_file_of_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        not_regular_files(&path, |kind| {
            let said = read(&path).unwrap_err().to_string();
            assert!(said.contains(kind), "{said}");
        });
        assert!(
            read(&path).is_err() && check(&path).is_ok(),
            "one that is not there is the library's to complain about"
        );
        fs::write(&path, "key").unwrap();
        for (mode, private) in [(0o600, true), (0o604, false), (0o666, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!((read(&path).is_ok(), check(&path).is_ok()), (private, private), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path).unwrap(), b"key");
        // As in the volume of a Secret, where each name is a link.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link).unwrap(), b"key");
        fs::write(&path, vec![0; BYTES_MAX as usize + 1]).unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::TooLong(_))));
    }
}
