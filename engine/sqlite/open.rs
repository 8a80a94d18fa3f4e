//! Opening: one [`Database`] per file and process.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use rusqlite::config::DbConfig;

use super::{
    checkpoint::WalStats,
    database::Database,
    error::OpenError,
    filesystem::{canonical, companion, hard_links_warning, is_in_use, network_file_system},
    identity::Identity,
    notify::Notifiers,
    queue::DEADLINE,
    schema::{self, WRITE_BUSY},
    wal::{self, HEADER_BYTES},
    writer,
};
use crate::{
    address::{self, Address},
    runtime::Mutex,
};

/// The parameters of an `sqlite:` URL. Log and store know the same ones, so that one URL can name both.
const PARAMETERS: [&str; 4] = ["topic", "group", "partitions", "wal"];
/// Upper bound on the length of the write-ahead log that a URL may set, in MiB.
const WAL_MIB_MAX: u64 = 1 << 20;

/// The open databases of this process.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Database>>> = Mutex::new(BTreeMap::new());

/// Returns the path that a URL names.
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

/// The metrics of an open file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMetrics {
    /// Its path.
    pub file: String,
    /// Length of its write-ahead log.
    pub wal_bytes: u64,
    /// Number of checkpoints that a reader blocked.
    pub blocked_checkpoints: u64,
    /// True if the path still names the file that is open.
    pub is_intact: bool,
}

/// Returns the metrics of the files that this process has open, by path; none while a file is being opened, which may
/// take seconds.
pub fn file_metrics() -> Vec<FileMetrics> {
    let open = OPEN.try_lock().map(|open| open.values().filter_map(Weak::upgrade).collect::<Vec<_>>());
    let of = |database: Arc<Database>| FileMetrics {
        file: database.path.display().to_string(),
        wal_bytes: database.wal_stats.bytes.load(Ordering::Relaxed),
        blocked_checkpoints: database.wal_stats.blocked.load(Ordering::Relaxed),
        is_intact: database.intact().is_ok(),
    };
    open.unwrap_or_default().into_iter().map(of).collect()
}

/// Closes the open databases before the process ends, and waits for that until the timeout. Threads that are not joined
/// may hold a database for a moment; a process that ends meanwhile leaves its write-ahead log to the next start.
pub fn close(timeout: Duration) {
    let deadline = Instant::now() + timeout;
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

/// Creates an empty file if there is none, reports what a crash has left, and opens the file for its [`Identity`]. An
/// error of that opening is returned apart: SQLite opens the file afterwards, and its error says more.
fn prepare(path: &Path) -> Result<io::Result<File>, OpenError> {
    // In this order: a process that creates the file writes into it before it has a log.
    let wal_bytes = fs::metadata(companion(path, "-wal")).map_or(0, |wal| wal.len());
    let is_left = wal_bytes > HEADER_BYTES as u64;
    let length = fs::metadata(path).map_or(0, |file| file.len());
    if is_left && length == 0 {
        return Err(OpenError::OrphanedWal { path: path.to_owned(), bytes: wal_bytes });
    }
    if length == 0 {
        // No lock is held on a file that is created here, so closing it drops none.
        let _ = File::options().write(true).create_new(true).open(path);
    }
    // For writing, as SQLite does: on overlayfs, a file opened for reading may be another one.
    let file = File::options().read(true).write(true).open(path);
    if let Ok(file) = &file
        && is_left
        && !is_in_use(file)
    {
        report_crash(path, file);
    }
    if let Some(warning) = hard_links_warning(path) {
        tracing::warn!("{warning}");
    }
    Ok(file)
}

fn report_crash(path: &Path, file: &File) {
    match wal::examine(path, file) {
        // A process that has opened it meanwhile may have changed it during the examination.
        Ok(Some(contents)) if !is_in_use(file) => match wal::report(path, &contents) {
            (true, report) => tracing::warn!("{report}"),
            (false, report) => tracing::info!("{report}"),
        },
        Ok(_) => {}
        Err(error) => tracing::warn!("cannot examine the -wal of {}: {error}", path.display()),
    }
}

impl Database {
    /// Opens the database that a URL names; creates the file if there is none.
    pub(crate) fn at(address: &Address) -> Result<Arc<Self>, address::OpenError> {
        let path = path_of(address)?;
        let stop = address.parameter("wal").map(|mib| wal_stop(address, mib)).transpose()?;
        let database = Database::open(path)?;
        if let Some(bytes) = stop {
            // Log and store may name the same file: the URL with the parameter counts.
            database.wal_stats.stop.store(bytes, Ordering::Relaxed);
        }
        Ok(database)
    }

    /// Opens the database that a URL names; fails if there is no file.
    pub(crate) fn at_existing(address: &Address) -> Result<Arc<Self>, address::OpenError> {
        let path = path_of(address)?;
        let is_there = fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        if !is_there && !fs::metadata(companion(path, "-wal")).is_ok_and(|wal| wal.len() > HEADER_BYTES as u64) {
            return Err(OpenError::Missing { path: path.to_owned() }.into());
        }
        Database::at(address)
    }

    /// Opens the database at `path`, or shares the one that is open; creates the file if there is none.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        let io = |source| OpenError::Folder { path: path.to_owned(), source };
        let mut open = OPEN.lock();
        let path = canonical(path).map_err(io)?;
        if let Some(database) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(database);
        }
        if let Some(kind) = network_file_system(path.parent().unwrap_or(Path::new("/"))).map_err(io)? {
            return Err(OpenError::Network { path, kind });
        }
        let file = prepare(&path)?;
        // Another process may be creating the same file, so this waits long; the writing thread waits in shorter steps.
        let connection = schema::create(&path, DEADLINE)?;
        connection.busy_timeout(WRITE_BUSY).map_err(|error| OpenError::of_sqlite(&path, error))?;
        let identity = file.and_then(|file| Identity::of(&path, file)).map_err(|source| {
            // The open file is not the one at the path, so that its log must not be written there.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            OpenError::Changed { path: path.clone(), source }
        });
        let (identity, notifiers, wal_stats) =
            (Arc::new(identity?), Arc::new(Notifiers::default()), Arc::new(WalStats::default()));
        let (queue, writer) = writer::start(connection, &identity, &notifiers, &wal_stats).map_err(io)?;
        let watcher = Mutex::new(None);
        let database =
            Arc::new(Database { path: path.clone(), queue, notifiers, writer, watcher, wal_stats, identity });
        open.retain(|_, database| database.strong_count() > 0);
        open.insert(path, Arc::downgrade(&database));
        Ok(database)
    }
}
