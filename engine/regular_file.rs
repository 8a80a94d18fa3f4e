//! Opens regular files, and refuses all others.
//!
//! Opening a FIFO blocks until it has a writer, reading a device may never end, and opening some devices has effects.
//! Therefore the type is checked before opening, the file is opened without blocking, and the type is checked again.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// Flags for opening: no wait for the other end of a FIFO, and no terminal becomes the controlling one.
const NO_WAITING: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// Opens a regular file for reading. A file of another type is [`io::ErrorKind::InvalidInput`], with the type in the
/// error.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, File::options().read(true))
}

/// Opens a regular file as [`open`] does, with options of the caller, which may create an absent one.
pub fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(found) => check(&found)?,
        // Only the target of the link is absent: with the option to create, opening would create it.
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() => {
            return Err(not_regular("a symbolic link to nothing"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = options.custom_flags(NO_WAITING.bits().cast_signed()).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

fn check(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let cases = [
        (kind.is_dir(), "a directory"),
        (kind.is_fifo(), "a FIFO"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    Err(not_regular(cases.into_iter().find_map(|(is_it, name)| is_it.then_some(name)).unwrap_or("something else")))
}

fn not_regular(found: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {found}, and no regular file"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// Puts something at `path` that is no regular file, one kind after the other.
    pub(crate) fn not_regular_files(path: &Path, mut look: impl FnMut(&str)) {
        let made: [(&str, &dyn Fn()); 5] = [
            ("a FIFO", &|| mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap()),
            ("a directory", &|| fs::create_dir(path).unwrap()),
            ("a socket", &|| drop(UnixListener::bind(path).unwrap())),
            ("a device", &|| symlink("/dev/zero", path).unwrap()),
            ("a symbolic link to nothing", &|| symlink("nothing", path).unwrap()),
        ];
        for (kind, make) in made {
            make();
            look(kind);
            if kind == "a directory" { fs::remove_dir(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let said = |result: io::Result<File>| result.map(drop).map_err(|error| error.to_string());
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        not_regular_files(&path, |kind| {
            let expected = Err(format!("it is {kind}, and no regular file"));
            assert_eq!(said(open(&path)), expected);
            assert_eq!(said(open_with(&path, File::options().write(true).create(true))), expected);
        });
        assert!(open_with(&path, File::options().write(true).create(true)).is_ok());
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(open(&path).is_ok() && open(&link).is_ok());
    }
}
