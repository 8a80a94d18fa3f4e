//! Opening: one [`Database`] a file and process.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Error, ErrorCode, config::DbConfig};

use super::{
    DEADLINE, Database,
    bell::Bells,
    checkpoint::Measured,
    fault,
    identity::{Identity, beside},
    look, place, schema,
    wal::{self, HEADER_BYTES},
    writer::{self, WRITE_BUSY},
};
use crate::{
    address::{self, Address},
    runtime::Mutex,
};

/// What an `sqlite:` URL may say. Log and store know the same, so that one URL can name both.
const PARAMETERS: [&str; 4] = ["topic", "group", "partitions", "wal"];
/// The largest stop of the write-ahead log that a URL may name, in MiB.
const WAL_MIB_MAX: u64 = 1 << 20;

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
    /// There is no file, and none is to be made.
    #[error("there is no {path}: `delaycast up` makes it, or name the one that is wanted")]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// A log that belongs to a file which is gone.
    #[error(
        "there is no {path}, but its -wal is there with {bytes} bytes, which SQLite would delete: restore the file, or \
         move the -wal and the -shm away to start anew"
    )]
    OrphanedWal {
        /// The database.
        path: PathBuf,
        /// The length of the log.
        bytes: u64,
    },
    /// A log without the index that reading it takes.
    #[error(
        "the -wal of {path} holds {bytes} bytes and its -shm is missing, so that it cannot be read without recovery: \
         `delaycast up` and scorers recover it when they start"
    )]
    Unrecovered {
        /// The database.
        path: PathBuf,
        /// The length of the log.
        bytes: u64,
    },
    /// Its path names another file by now.
    #[error("{path} was deleted or replaced while it was being opened: start again")]
    Changed {
        /// The database.
        path: PathBuf,
        /// The error that names the difference.
        source: io::Error,
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

impl From<OpenError> for address::OpenError {
    fn from(error: OpenError) -> Self {
        let is_busy = error.is_busy();
        let error = Box::new(error);
        if is_busy { address::OpenError::Busy(error) } else { address::OpenError::Connector(error) }
    }
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

/// The path that a URL names.
pub(super) fn path_of(address: &Address) -> Result<&Path, address::OpenError> {
    address.check_parameters(&PARAMETERS)?;
    let path = address.location.as_str();
    if path.is_empty() || path.contains('\0') {
        return Err(address.invalid("path", "is missing, as in sqlite:var/delaycast.db"));
    }
    if path.starts_with("//") && !path.starts_with("///") {
        return Err(address.invalid("path", "has no host: write sqlite:relative/path or sqlite:/absolute/path"));
    }
    Ok(Path::new(path))
}

fn wal_stop(address: &Address, mib: &str) -> Result<u64, address::OpenError> {
    let mib = mib.parse().ok().filter(|mib| (1..=WAL_MIB_MAX).contains(mib));
    mib.map(|mib| mib << 20).ok_or_else(|| {
        address.invalid("wal", format!("is where the write-ahead log stops growing, in MiB: from 1 to {WAL_MIB_MAX}"))
    })
}

/// The open databases of this process; none while one is being opened, as that may take seconds.
pub(super) fn opened() -> Vec<Arc<Database>> {
    OPEN.try_lock().map(|open| open.values().filter_map(Weak::upgrade).collect()).unwrap_or_default()
}

/// Closes what is still open, before the process ends: threads that are not waited for may hold on to a database for a
/// moment, and a process that ends meanwhile leaves its log to the next start. Waits for them until the limit.
pub fn close(limit: Duration) {
    let deadline = Instant::now() + limit;
    let open: Vec<_> = {
        let open = OPEN.lock();
        open.values().filter_map(Weak::upgrade).collect()
    };
    for database in open {
        while Arc::strong_count(&database) > 1 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        if Arc::strong_count(&database) > 1 {
            tracing::debug!("{} is still in use: its log stays for the next start", database.path.display());
        }
    }
}

/// Returns whether this process has the database at a canonical path open.
pub(super) fn is_open_here(path: &Path) -> bool {
    OPEN.lock().get(path).is_some_and(|open| open.strong_count() > 0)
}

/// Makes an empty file if there is none, looks at what a crash has left, and opens the file by which its identity is
/// known. SQLite opens it after that, and says better why it cannot be opened.
fn prepare(path: &Path) -> Result<io::Result<File>, OpenError> {
    // In this order: a process that makes the file has filled it before it has a log.
    let left = fs::metadata(beside(path, "-wal")).map_or(0, |wal| wal.len());
    let is_left = left > HEADER_BYTES as u64;
    let length = fs::metadata(path).map_or(0, |file| file.len());
    if is_left && length == 0 {
        return Err(OpenError::OrphanedWal { path: path.to_owned(), bytes: left });
    }
    if length == 0 {
        // Nobody has a lock on a file that is made here, so closing it drops none.
        let _ = File::options().write(true).create_new(true).open(path);
    }
    // For writing, as SQLite does: where layers are stacked (overlayfs) that makes it the same file.
    let file = File::options().read(true).write(true).open(path);
    if let Ok(file) = &file
        && is_left
        && !place::is_in_use(file)
    {
        tell_of_the_crash(path, file);
    }
    if let Some(words) = look::more_links(path) {
        tracing::warn!("{words}");
    }
    Ok(file)
}

fn tell_of_the_crash(path: &Path, file: &File) {
    match wal::found(path, file) {
        // A process that has opened it meanwhile is writing into what was read.
        Ok(Some(contents)) if !place::is_in_use(file) => match wal::told(path, &contents) {
            (true, words) => tracing::warn!("{words}"),
            (false, words) => tracing::info!("{words}"),
        },
        Ok(_) => {}
        Err(error) => tracing::warn!("cannot examine the -wal of {}: {error}", path.display()),
    }
}

impl Database {
    /// Opens the database that a URL names; makes the file if there is none.
    pub(crate) fn at(address: &Address) -> Result<Arc<Self>, address::OpenError> {
        let path = path_of(address)?;
        let stop = address.parameter("wal").map(|mib| wal_stop(address, mib)).transpose()?;
        let database = Database::open(path)?;
        if let Some(bytes) = stop {
            // Log and store may name the same file: the one that says something counts.
            database.measured.stop.store(bytes, Ordering::Relaxed);
        }
        Ok(database)
    }

    /// The same, and fails if there is no file.
    pub(crate) fn at_existing(address: &Address) -> Result<Arc<Self>, address::OpenError> {
        let path = path_of(address)?;
        let is_there = fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        if !is_there && !fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > HEADER_BYTES as u64) {
            return Err(OpenError::Missing { path: path.to_owned() }.into());
        }
        Database::at(address)
    }

    /// Opens the database at `path`, or shares the one that is open; makes the file if there is none.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        let io = |source| OpenError::Folder { path: path.to_owned(), source };
        let mut open = OPEN.lock();
        let path = place::canonical(path).map_err(io)?;
        if let Some(database) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(database);
        }
        if let Some(kind) = place::network_file_system(path.parent().unwrap_or(Path::new("/"))).map_err(io)? {
            return Err(OpenError::Network { path, kind });
        }
        let file = prepare(&path)?;
        // Another process may be making the same file; from now on the writing thread waits in shorter steps.
        let connection = schema::create(&path, DEADLINE)?;
        connection.busy_timeout(WRITE_BUSY).map_err(|error| OpenError::of_sqlite(&path, error))?;
        let identity = file.and_then(|file| Identity::of(&path, file)).map_err(|source| {
            // Nothing of the file that is open belongs to the path.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            OpenError::Changed { path: path.clone(), source }
        });
        let (identity, bells, measured) =
            (Arc::new(identity?), Arc::new(Bells::default()), Arc::new(Measured::default()));
        let (queue, writer) = writer::start(connection, &identity, &bells, &measured).map_err(io)?;
        let watcher = Mutex::new(None);
        let database = Arc::new(Database { path: path.clone(), queue, bells, writer, watcher, measured, identity });
        open.retain(|_, database| database.strong_count() > 0);
        open.insert(path, Arc::downgrade(&database));
        Ok(database)
    }
}
