//! Verifies that a file is a complete zip of flights.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use zip::{ZipArchive, result::ZipResult};

/// The first bytes of a zip that has members.
pub(super) const MAGIC: &[u8; 4] = b"PK\x03\x04";
/// Upper bound on members. A zip of BTS has two: the flights and a page that explains them.
const MEMBERS_MAX: usize = 16;
const BUFFER_BYTES: usize = 1 << 17;

/// Returns the defect of the file, if it has one: reads its directory, unpacks each member and compares its checksum.
/// Members may have `unpacked_max` bytes in all. Fails if the file cannot be opened.
pub(super) fn defect(path: &Path, unpacked_max: u64) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let defect = match inspect(BufReader::with_capacity(BUFFER_BYTES, file), unpacked_max) {
        Ok(defect) => defect,
        Err(error) => Some(format!("it is no whole zip ({error})")),
    };
    Ok(defect)
}

fn inspect(mut file: BufReader<File>, unpacked_max: u64) -> ZipResult<Option<String>> {
    let mut head = [0; MAGIC.len()];
    if file.read_exact(&mut head).is_err() || head != *MAGIC {
        return Ok(Some("it is no zip".to_owned()));
    }
    file.rewind()?;
    let mut archive = ZipArchive::new(file)?;
    if archive.len() > MEMBERS_MAX {
        return Ok(Some(format!("it has {} members, and may have {MEMBERS_MAX}", archive.len())));
    }
    let (mut unpacked, mut has_flights) = (0_u64, false);
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        // The reader fails at a member that has more bytes than it declares.
        unpacked = unpacked.saturating_add(member.size());
        if unpacked > unpacked_max {
            return Ok(Some(format!("it unpacks to {unpacked} bytes or more, and may to {unpacked_max}")));
        }
        has_flights |= member.name()?.to_ascii_lowercase().ends_with(".csv");
        io::copy(&mut member, &mut io::sink())?;
    }
    Ok((!has_flights).then(|| "it is a zip without a .csv in it".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        super::tests::{tables_in, zipped},
        *,
    };

    fn defect_of(bytes: &[u8]) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        defect(file.path(), 1 << 20).unwrap()
    }

    #[test]
    fn a_zip_truncated_anywhere_is_not_complete() {
        let zip = zipped(&["readme.html", "flights.csv"], 300, 1);
        assert_eq!(defect_of(&zip), None);
        for len in 0..zip.len() {
            assert!(defect_of(&zip[..len]).is_some(), "cut to {len} of {} bytes", zip.len());
        }
    }

    #[test]
    fn a_zip_with_a_changed_byte_in_a_member_is_not_complete() {
        let zip = zipped(&["flights.csv"], 300, 2);
        // From behind the local header (30 bytes and the name) and the header of the first block, which has unused
        // bits, to the directory.
        let directory = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        for position in 31 + "flights.csv".len()..directory {
            let mut changed = zip.clone();
            changed[position] ^= 0x10;
            assert!(defect_of(&changed).is_some(), "byte {position}");
        }
    }

    /// No checksum covers the dates and permissions in headers, and the import does not read them.
    #[test]
    fn a_changed_bit_anywhere_is_a_defect_or_leaves_the_flights_unchanged() {
        let zip = zipped(&["flights.csv", "readme.html"], 40, 6);
        let mut overlooked = 0;
        for position in 0..zip.len() {
            for bit in 0..u8::BITS {
                let mut changed = zip.clone();
                changed[position] ^= 1 << bit;
                if defect_of(&changed).is_none() {
                    overlooked += 1;
                    assert_eq!(tables_in(&changed), tables_in(&zip), "bit {bit} of byte {position}");
                }
            }
        }
        assert!(overlooked > 0, "else random_faults_never_leave_a_wrong_file may compare bytes");
    }

    #[test]
    fn a_file_that_is_no_zip_of_flights_is_named() {
        let many: Vec<String> = (0..17).map(|number| format!("{number}.csv")).collect();
        for (bytes, expected) in [
            (b"<!DOCTYPE html>".to_vec(), "it is no zip"),
            (b"".to_vec(), "it is no zip"),
            (zipped(&["readme.html"], 10, 3), "without a .csv"),
            (zipped(&["flights.csv"], (1 << 20) + 1, 4), "it unpacks to 1048577 bytes"),
            (zipped(&many, 1, 5), "it has 17 members"),
        ] {
            let defect = defect_of(&bytes).unwrap();
            assert!(defect.contains(expected), "{defect}");
        }
    }
}
