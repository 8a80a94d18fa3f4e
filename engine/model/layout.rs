//! The layout of a model directory: the roles that it names versions for, the names of the versions, and how its files
//! are written and read.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{answer::ModelVersion, regular_file, runtime::hex};

/// The role that the directory names a version for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model that answers.
    Current,
    /// A candidate that is compared with it; its scores are stored separately and not sent as answers.
    Shadow,
}

impl Role {
    /// Both roles.
    pub const ALL: [Role; 2] = [Role::Current, Role::Shadow];

    /// The file in the model directory that holds the name of the version.
    pub fn file(self) -> &'static str {
        match self {
            Role::Current => "current",
            Role::Shadow => "shadow",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file())
    }
}

/// Names a version after the moment of its publication, so that names sort as the moments do, and the first
/// 8 hexadecimal digits of its file's checksum: `20261123T151146123Z-1a2b3c4d`.
pub fn version_name(published_at: DateTime<Utc>, checksum: &[u8; 32]) -> String {
    format!("{}-{}", published_at.format("%Y%m%dT%H%M%S%3fZ"), hex::encode(&checksum[..4]))
}

/// Returns the time at which a version was published, from its name.
pub fn published_at(version: &ModelVersion) -> Option<DateTime<Utc>> {
    let (seconds, rest) = version.as_str().split_at_checked("20261124T123040".len())?;
    let millis: u32 = rest.split('Z').next()?.parse().ok()?;
    let at = NaiveDateTime::parse_from_str(seconds, "%Y%m%dT%H%M%S").ok()?.and_utc();
    Some(at + TimeDelta::milliseconds(millis.into()))
}

/// Returns true if a text has the form of a version's name. Such a text is safe as the name of a folder.
pub(super) fn is_version_name(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        18 => byte == b'Z',
        19 => byte == b'-',
        20.. => byte.is_ascii_hexdigit(),
        _ => byte.is_ascii_digit(),
    };
    text.len() == 28 && text.bytes().enumerate().all(shape)
}

/// Writes a new file and syncs it to disk. Its name is durable after [`sync_dir`] of its folder.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Syncs the names in a folder to disk.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads a regular file of at most `bytes_max` bytes; `None` if it is longer.
pub(super) fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut file = regular_file::open(path)?;
    // Allocates the length of the file at once, so that the bytes are not copied while they are read.
    let len = file.metadata()?.len().min(bytes_max);
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1);
    (&mut file).take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_contain_the_beginning_of_the_checksum() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let (earlier, later) =
            (version_name(at(1_700_000_000_123), &[0xff; 32]), version_name(at(1_700_000_000_124), &[0; 32]));
        assert_eq!(earlier, "20231114T221320123Z-ffffffff");
        assert!(earlier < later);
        assert!(is_version_name(&earlier) && is_version_name(&later));
        assert_eq!(published_at(&ModelVersion::new(&earlier)), Some(at(1_700_000_000_123)));
        assert_eq!(published_at(&ModelVersion::new("nonsense")), None);
        for text in
            ["", "..", "20231114T221320123Z-fffffff", "20231114T221320123Z-ffffffff/", "20231114T22132012/Z-ffffffff"]
        {
            assert!(!is_version_name(text), "{text}");
        }
    }
}
