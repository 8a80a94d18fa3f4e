//! Opening: one [`Database`] a file and process.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rusqlite::{Error, ErrorCode};

use super::{
    DEADLINE, Database,
    bell::Bells,
    fault, place, schema,
    writer::{self, WRITE_BUSY},
};
use crate::address::{self, Address};

/// What an `sqlite:` URL may say. Log and store know the same, so that one URL can name both.
const PARAMETERS: [&str; 3] = ["topic", "group", "partitions"];

/// Why an embedded database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is not there, or may not be used.
    #[error("cannot open {path}: does its folder exist, and may it be written to?")]
    Folder {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite's locks do not work there.
    #[error("{path} lies on a network file system ({kind}), where locks cannot be trusted: put it on a local disk")]
    Network {
        /// The database.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// Another application's database.
    #[error("{path} is an SQLite database, but not one of delaycast's: name another file")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Tables of a version that this build does not know.
    #[error("{path} has tables of version {found}, and this build knows version {known}: use the build that made it")]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// Not a database, or one that is damaged.
    #[error("{path} is no SQLite database, or a damaged one: name another file, restore it, or use sqlite3's .recover")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Error,
    },
    /// Anything else that SQLite says.
    #[error("cannot open {path}: is it locked, read-only, or the disk full?")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Error,
    },
}

impl OpenError {
    /// Whether somebody else has it locked, which passes.
    pub fn is_busy(&self) -> bool {
        matches!(self, OpenError::Sqlite { source, .. } if fault::is_busy(source))
    }

    pub(super) fn of_sqlite(path: &Path, source: Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source },
            _ => OpenError::Sqlite { path, source },
        }
    }
}

/// The open databases of this process.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Database>>> = Mutex::new(BTreeMap::new());

impl Database {
    /// Opens the database that a URL names.
    pub(crate) fn at(address: &Address) -> Result<Arc<Self>, address::OpenError> {
        address.check_parameters(&PARAMETERS)?;
        let path = address.location.as_str();
        if path.is_empty() || path.contains('\0') {
            return Err(address.invalid("path", "is missing, as in sqlite:var/delaycast.db"));
        }
        if path.starts_with("//") && !path.starts_with("///") {
            return Err(address.invalid("path", "has no host: write sqlite:relative/path or sqlite:/absolute/path"));
        }
        Ok(Database::open(Path::new(path))?)
    }

    /// Opens the database at `path`, or shares the one that is open; makes the file if there is none.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        let io = |source| OpenError::Folder { path: path.to_owned(), source };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let path = place::canonical(path).map_err(io)?;
        if let Some(database) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(database);
        }
        if let Some(kind) = place::network_file_system(path.parent().unwrap_or(Path::new("/"))).map_err(io)? {
            return Err(OpenError::Network { path, kind });
        }
        // Another process may be making the same file; from now on the writing thread waits in shorter steps.
        let connection = schema::create(&path, DEADLINE)?;
        connection.busy_timeout(WRITE_BUSY).map_err(|error| OpenError::of_sqlite(&path, error))?;
        let bells = Arc::new(Bells::default());
        let (queue, writer) = writer::start(connection, &path, &bells).map_err(io)?;
        let database = Arc::new(Database { path: path.clone(), queue, bells, writer, watcher: Mutex::new(None) });
        open.retain(|_, database| database.strong_count() > 0);
        open.insert(path, Arc::downgrade(&database));
        Ok(database)
    }
}
