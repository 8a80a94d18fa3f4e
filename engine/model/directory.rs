//! The model directory.
//!
//! 1. A version is a folder, `DIR/<version>/`, with one model file; it is never changed. `DIR/current` is a small file
//!    that holds the name of the version in use.
//! 2. Both appear whole: written under another name, synced, renamed, and the directory synced. A version is complete
//!    before `current` names it, so a reader at any moment, or after a power cut, finds the old version or the new one.
//! 3. One publisher at a time: it holds a lock on `DIR/lock`. Readers need none.
//! 4. At most [`VERSIONS_MAX`] versions are kept. The oldest are removed first, except the current one, the shadow, and
//!    the target of a roll-back. The next publisher removes the unfinished files of an interrupted one.
//! 5. Only regular files of a bounded length are read. A FIFO, a device, a socket, a directory or a dangling symbolic
//!    link is an error; no read blocks for a writer.
//! 6. Loading the version in use fails after [`LOAD_TIMEOUT`], so that a file system that hangs does not block it for
//!    ever.
//! 7. `DIR/history` names the versions that were current before, see [`super::HISTORY_MAX`]. `DIR/shadow` names the
//!    shadow, if there is one.

use std::{
    error::Error,
    fmt,
    fs::{self, File},
    io,
    marker::PhantomData,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::{
    layout::{Role, is_version_name, read_at_most, sync_dir, version_name, write_durably},
    scorer::{MODEL_BYTES_MAX, ModelFile, Versioned},
};
use crate::{answer::ModelVersion, regular_file, runtime::Thread};

/// Upper bound on the versions that are kept.
pub const VERSIONS_MAX: usize = 10;
/// Timeout of loading the version in use: enough for the longest file on a slow disk.
pub(super) const LOAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The file that names the version in use.
pub const CURRENT_FILE: &str = "current";
/// The model file in a version's folder.
pub const MODEL_FILE: &str = "model.delaycast";

const LOCK_FILE: &str = "lock";
const UNFINISHED_PREFIX: &str = ".unfinished-";

/// The reason why a model was not loaded or published.
#[derive(Debug, thiserror::Error)]
pub enum ModelDirError {
    /// The directory has no model.
    #[error("no model in {0}: run `delaycast train --models {0}`")]
    NoModel(String),
    /// `current` or `shadow` does not name an existing version.
    #[error(
        "{dir}/{role} names {name:?}, and there is no such version: `delaycast models list` shows those that are there"
    )]
    Dangling {
        /// The directory.
        dir: String,
        /// The role that the file is for.
        role: Role,
        /// The content of the file.
        name: String,
    },
    /// The file exists and cannot be used.
    #[error("{path} cannot be used")]
    Unusable {
        /// The model file.
        path: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No version has the prefix, or several have it.
    #[error("{found} versions in {dir} begin with {prefix:?}: `delaycast models list` shows them all")]
    NotOne {
        /// The directory.
        dir: String,
        /// The prefix.
        prefix: String,
        /// The number of versions with the prefix.
        found: usize,
    },
    /// No version of the history can be rolled back to.
    #[error("no version in {0} was current before and is still there: promote one that `delaycast models list` shows")]
    NoEarlier(String),
    /// Another process is publishing.
    #[error("another process is publishing to {0}: wait for it to end, and try again")]
    Busy(String),
    /// The file system hangs.
    #[error("{dir} is not read within {seconds} s: see whether its file system answers, as with `ls {dir}`")]
    Hangs {
        /// The directory.
        dir: String,
        /// The timeout.
        seconds: u64,
    },
    /// The file system has returned an error.
    #[error("cannot {what} {path}: check that it exists, its owner, and the space on its disk")]
    Io {
        /// The operation.
        what: &'static str,
        /// The path.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

/// Adds the operation and the path to an I/O error.
pub(super) trait IoContext<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, ModelDirError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, ModelDirError> {
        self.map_err(|source| ModelDirError::Io { what, path: path.display().to_string(), source })
    }
}

/// A directory of model versions.
pub struct ModelDir<M> {
    path: PathBuf,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for ModelDir<M> {
    fn clone(&self) -> Self {
        ModelDir { path: self.path.clone(), model: PhantomData }
    }
}

impl<M> fmt::Debug for ModelDir<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelDir").field(&self.path).finish()
    }
}

impl<M: ModelFile> ModelDir<M> {
    /// Returns the directory at a path; the first [`Self::publish`] creates it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        ModelDir { path: path.into(), model: PhantomData }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a version's model file.
    pub fn path_of(&self, version: &ModelVersion) -> PathBuf {
        self.path.join(version.as_str()).join(MODEL_FILE)
    }

    /// Returns all versions, oldest first.
    pub fn versions(&self) -> Result<Vec<ModelVersion>, ModelDirError> {
        let names = self.names().context("list", &self.path)?;
        let mut names: Vec<String> = names.into_iter().filter(|name| is_version_name(name)).collect();
        names.sort_unstable();
        Ok(names.iter().map(|name| ModelVersion::new(name)).collect())
    }

    /// Returns the version in use.
    pub fn current(&self) -> Result<ModelVersion, ModelDirError> {
        self.named(Role::Current)?.ok_or_else(|| ModelDirError::NoModel(self.describe()))
    }

    /// Returns the version for a role; `None` if there is none.
    pub fn named(&self, role: Role) -> Result<Option<ModelVersion>, ModelDirError> {
        let path = self.path.join(role.file());
        let bytes = match read_at_most(&path, 128) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.context("read", &path)?.unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(&bytes);
        let name = text.trim();
        if !is_version_name(name) {
            return Err(ModelDirError::Dangling { dir: self.describe(), role, name: name.to_owned() });
        }
        Ok(Some(ModelVersion::new(name)))
    }

    /// Loads the version in use. Blocks, for [`LOAD_TIMEOUT`] at most.
    pub fn load_current(&self) -> Result<Versioned<M>, ModelDirError> {
        self.with_timeout(LOAD_TIMEOUT, Self::load_current_without_limit)
    }

    /// Reads the directory on another thread, and fails after `timeout`: the thread then blocks until the file system
    /// answers.
    pub(super) fn with_timeout<T: Send + 'static>(
        &self,
        timeout: Duration,
        read: impl FnOnce(&Self) -> Result<T, ModelDirError> + Send + 'static,
    ) -> Result<T, ModelDirError> {
        let (reply, result) = sync_channel(1);
        let dir = self.clone();
        // The channel has room for the only reply, and after the timeout there is no receiver.
        Thread::spawn("model-load", move || drop(reply.try_send(read(&dir))))
            .context("start a thread that reads", &self.path)?;
        let hangs = |_| ModelDirError::Hangs { dir: self.describe(), seconds: timeout.as_secs() };
        result.recv_timeout(timeout).map_err(hangs)?
    }

    pub(super) fn load_current_without_limit(&self) -> Result<Versioned<M>, ModelDirError> {
        let version = self.current()?;
        match self.load(&version) {
            Err(ModelDirError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(ModelDirError::Dangling { dir: self.describe(), role: Role::Current, name: version.to_string() })
            }
            loaded => loaded,
        }
    }

    /// Loads a version.
    pub fn load(&self, version: &ModelVersion) -> Result<Versioned<M>, ModelDirError> {
        let unusable = |source: M::Error| self.unusable(version, source);
        let model = M::decode(&self.read(version)?).map_err(unusable)?;
        Ok(Versioned { version: version.clone(), model })
    }

    /// Returns the bytes of a version's file.
    pub fn read(&self, version: &ModelVersion) -> Result<Vec<u8>, ModelDirError> {
        let path = self.path_of(version);
        let bytes = match read_at_most(&path, MODEL_BYTES_MAX) {
            // The file is no regular one, so that reading it again is useless.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(self.unusable(version, error));
            }
            read => read.context("read", &path)?,
        };
        bytes.ok_or_else(|| self.unusable(version, M::too_long()))
    }

    pub(super) fn unusable(
        &self,
        version: &ModelVersion,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ModelDirError {
        ModelDirError::Unusable { path: self.path_of(version).display().to_string(), source: source.into() }
    }

    /// Creates the directory and checks that it can be published to: called before a training, which is long.
    pub fn prepare(&self) -> Result<(), ModelDirError> {
        fs::create_dir_all(&self.path).context("create", &self.path)?;
        match self.lock() {
            // Another publisher will have ended before the model is trained.
            Ok(_) | Err(ModelDirError::Busy(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Publishes a model under a new version, and makes it the one in use.
    pub fn publish(&self, model: M, published_at: DateTime<Utc>) -> Result<Versioned<M>, ModelDirError> {
        self.add(model, published_at, true)
    }

    /// Publishes a model under a new version that is not used yet.
    pub fn publish_aside(&self, model: M, published_at: DateTime<Utc>) -> Result<Versioned<M>, ModelDirError> {
        self.add(model, published_at, false)
    }

    fn add(&self, model: M, published_at: DateTime<Utc>, use_it: bool) -> Result<Versioned<M>, ModelDirError> {
        let unusable = |source: M::Error| ModelDirError::Unusable { path: self.describe(), source: source.into() };
        let bytes = model.encode().map_err(unusable)?;
        let version = ModelVersion::new(&version_name(published_at, &M::checksum(&bytes)));
        fs::create_dir_all(&self.path).context("create", &self.path)?;
        let lock = self.lock()?;
        self.remove_unfinished()?;
        self.write_version(&version, &bytes)?;
        if use_it {
            self.make_current(&version)?;
        }
        self.remove_oldest(&version)?;
        drop(lock);
        Ok(Versioned { version, model })
    }

    pub(super) fn lock(&self) -> Result<File, ModelDirError> {
        let path = self.path.join(LOCK_FILE);
        let file = regular_file::open_with(&path, File::options().create(true).truncate(false).write(true));
        let file = file.context("open", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(ModelDirError::Busy(self.describe())),
            Err(fs::TryLockError::Error(error)) => Err(error).context("lock", &path),
        }
    }

    fn write_version(&self, version: &ModelVersion, bytes: &[u8]) -> Result<(), ModelDirError> {
        let folder = self.path.join(version.as_str());
        if folder.exists() {
            // The same time and checksum prove the same file.
            return Ok(());
        }
        let unfinished = self.path.join(format!("{UNFINISHED_PREFIX}{version}"));
        fs::create_dir(&unfinished).context("create", &unfinished)?;
        let path = unfinished.join(MODEL_FILE);
        write_durably(&path, bytes).context("write", &path)?;
        sync_dir(&unfinished).context("sync", &unfinished)?;
        fs::rename(&unfinished, &folder).context("create", &folder)?;
        sync_dir(&self.path).context("sync", &self.path)
    }

    /// Replaces a small file of the directory.
    pub(super) fn write_file(&self, name: &str, text: &str) -> Result<(), ModelDirError> {
        let (path, unfinished) = (self.path.join(name), self.path.join(format!("{UNFINISHED_PREFIX}{name}")));
        write_durably(&unfinished, text.as_bytes()).context("write", &unfinished)?;
        fs::rename(&unfinished, &path).context("replace", &path)?;
        sync_dir(&self.path).context("sync", &self.path)
    }

    fn remove_oldest(&self, new: &ModelVersion) -> Result<(), ModelDirError> {
        let versions = self.versions()?;
        let excess = versions.len().saturating_sub(VERSIONS_MAX);
        let named = Role::ALL.into_iter().filter_map(|role| self.named(role).ok().flatten());
        let kept: Vec<ModelVersion> = named.chain(self.earlier()?).chain([new.clone()]).collect();
        for version in versions.iter().filter(|version| !kept.contains(version)).take(excess) {
            let folder = self.path.join(version.as_str());
            fs::remove_dir_all(&folder).context("remove", &folder)?;
        }
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<(), ModelDirError> {
        for name in self.names().context("list", &self.path)?.iter().filter(|name| name.starts_with(UNFINISHED_PREFIX))
        {
            let path = self.path.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.context("remove", &path)?;
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    pub(super) fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::{model::testing::ToyDir, regular_file::tests::not_regular_files};

    #[test]
    fn rule_6_a_read_of_a_directory_that_hangs_fails_after_the_timeout() {
        let (_hang, hangs) = channel::<()>();
        let read = move |_: &ToyDir| hangs.recv().map_err(|_| ModelDirError::NoModel(String::new()));
        let error = ToyDir::new("/models").with_timeout(Duration::from_millis(50), read).unwrap_err();
        assert!(matches!(&error, ModelDirError::Hangs { dir, .. } if dir == "/models"), "{error}");
        assert_eq!(ToyDir::new("/models").with_timeout(LOAD_TIMEOUT, |_| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn rule_5_a_lock_that_is_not_a_regular_file_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        not_regular_files(&temp.path().join(LOCK_FILE), |kind| {
            let Err(ModelDirError::Io { source, .. }) = dir.lock() else { panic!("{kind} is locked") };
            assert!(source.to_string().contains(kind), "{source}");
        });
    }
}
