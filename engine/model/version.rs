//! The names of model versions.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{answer::ModelVersion, runtime::hex};

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
