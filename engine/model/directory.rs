//! The model directory.
//!
//! 1. A version is a folder, `DIR/<version>/`, with one model file; it is never changed. `DIR/current` is a small file
//!    that holds the name of the version in use.
//! 2. Both appear whole: written under another name, synced, renamed, and the directory synced. A version is complete
//!    before `current` names it, so a reader at any moment, or after a power cut, finds the old version or the new one.
//! 3. One publisher at a time: it holds a lock on `DIR/lock`. Readers need none.
//! 4. At most [`VERSIONS_MAX`] versions are kept; the oldest go first, but never one that is current or a shadow, nor
//!    the one that a roll-back would go to. What an interrupted publisher left behind goes with the next one.
//! 5. What is read is a regular file, of a bounded length. A FIFO, a device, a socket, a directory or a symbolic link
//!    to nothing is an error that says so; no read waits for the other end of anything.
//! 6. Loading the version in use gives up after [`LOAD`]: a file system that does not answer does not block it for
//!    ever.
//! 7. `DIR/history` names what was current before, see [`super::HISTORY_MAX`]; `DIR/shadow` the candidate that is
//!    tried out, if there is one.

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
    files::{read_at_most, sync_dir, write_durably},
    role::Role,
    scorer::{MODEL_BYTES_MAX, ModelFile, Versioned},
    version::{is_version_name, version_name},
};
use crate::{answer::ModelVersion, regular_file, runtime::Thread};

/// At most this many versions are kept.
pub const VERSIONS_MAX: usize = 10;
/// Loading the version in use takes at most this long: the longest file, from a slow disk.
pub(super) const LOAD: Duration = Duration::from_secs(60);
/// The file that names the version in use.
pub const CURRENT_FILE: &str = "current";
/// The model file in a version's folder.
pub const MODEL_FILE: &str = "model.delaycast";

const LOCK_FILE: &str = "lock";
const UNFINISHED_PREFIX: &str = ".unfinished-";

/// Why a model was not loaded or published.
#[derive(Debug, thiserror::Error)]
pub enum ModelDirError {
    /// Nothing was ever published here.
    #[error("no model in {0}: run `delaycast train --models {0}`")]
    NoModel(String),
    /// `current` or `shadow` does not name a version that is there.
    #[error(
        "{dir}/{role} names {name:?}, and there is no such version: `delaycast models list` shows those that are there"
    )]
    Dangling {
        /// The directory.
        dir: String,
        /// Which file.
        role: Role,
        /// What it says.
        name: String,
    },
    /// The file is there and cannot be used.
    #[error("{path} cannot be used")]
    Unusable {
        /// The model file.
        path: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No version begins so, or several do.
    #[error("{found} versions in {dir} begin with {prefix:?}: `delaycast models list` shows them all")]
    NotOne {
        /// The directory.
        dir: String,
        /// What was asked for.
        prefix: String,
        /// How many there are.
        found: usize,
    },
    /// There is nothing to go back to.
    #[error("no version in {0} was current before and is still there: promote one that `delaycast models list` shows")]
    NoEarlier(String),
    /// Another process is publishing.
    #[error("another process is publishing to {0}: wait for it to end, and try again")]
    Busy(String),
    /// The file system does not answer.
    #[error("{dir} is not read within {seconds} s: see whether its file system answers, as with `ls {dir}`")]
    Hangs {
        /// The directory.
        dir: String,
        /// For how long it was waited.
        seconds: u64,
    },
    /// The file system refused.
    #[error("cannot {what} {path}: check that it exists, its owner, and the space on its disk")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

pub(super) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, ModelDirError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, ModelDirError> {
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
    /// The directory at a path; it need not be there before the first [`Self::publish`].
    pub fn new(path: impl Into<PathBuf>) -> Self {
        ModelDir { path: path.into(), model: PhantomData }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a version's model file is.
    pub fn path_of(&self, version: &ModelVersion) -> PathBuf {
        self.path.join(version.as_str()).join(MODEL_FILE)
    }

    /// The versions that are there, oldest first.
    pub fn versions(&self) -> Result<Vec<ModelVersion>, ModelDirError> {
        let names = self.names().at("list", &self.path)?;
        let mut names: Vec<String> = names.into_iter().filter(|name| is_version_name(name)).collect();
        names.sort_unstable();
        Ok(names.iter().map(|name| ModelVersion::new(name)).collect())
    }

    /// The name of the version in use.
    pub fn current(&self) -> Result<ModelVersion, ModelDirError> {
        self.named(Role::Current)?.ok_or_else(|| ModelDirError::NoModel(self.describe()))
    }

    /// The name of the version for a role; `None` if none was ever named, or none is any more.
    pub fn named(&self, role: Role) -> Result<Option<ModelVersion>, ModelDirError> {
        let path = self.path.join(role.file());
        let bytes = match read_at_most(&path, 128) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.at("read", &path)?.unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(&bytes);
        let name = text.trim();
        if !is_version_name(name) {
            return Err(ModelDirError::Dangling { dir: self.describe(), role, name: name.to_owned() });
        }
        Ok(Some(ModelVersion::new(name)))
    }

    /// Loads the version in use. Blocks, [`LOAD`] at most.
    pub fn load_current(&self) -> Result<Versioned<M>, ModelDirError> {
        self.within(LOAD, Self::load_current_without_limit)
    }

    /// Runs something that reads the directory, on a thread of its own, and gives it up after `limit`: the thread
    /// then hangs for as long as the file system does.
    pub(super) fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl FnOnce(&Self) -> Result<T, ModelDirError> + Send + 'static,
    ) -> Result<T, ModelDirError> {
        let (reply, result) = sync_channel(1);
        let dir = self.clone();
        // It has room for the one reply, and after the limit there is no receiver.
        Thread::spawn("model-load", move || drop(reply.try_send(read(&dir))))
            .at("start a thread that reads", &self.path)?;
        let hangs = |_| ModelDirError::Hangs { dir: self.describe(), seconds: limit.as_secs() };
        result.recv_timeout(limit).map_err(hangs)?
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

    /// The bytes of a version's file, as they are.
    pub fn read(&self, version: &ModelVersion) -> Result<Vec<u8>, ModelDirError> {
        let path = self.path_of(version);
        let bytes = match read_at_most(&path, MODEL_BYTES_MAX) {
            // No reading again makes a file of it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(self.unusable(version, error));
            }
            read => read.at("read", &path)?,
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

    /// Makes the directory and sees whether it may be published to: before a training, so that nobody trains in vain.
    pub fn prepare(&self) -> Result<(), ModelDirError> {
        fs::create_dir_all(&self.path).at("create", &self.path)?;
        match self.lock() {
            // Who publishes at this moment will have ended long before a model is trained.
            Ok(_) | Err(ModelDirError::Busy(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Publishes a model under a new version, and makes it the one in use.
    pub fn publish(&self, model: M, published_at: DateTime<Utc>) -> Result<Versioned<M>, ModelDirError> {
        self.add(model, published_at, true)
    }

    /// Publishes a model under a new version that nobody uses yet.
    pub fn publish_aside(&self, model: M, published_at: DateTime<Utc>) -> Result<Versioned<M>, ModelDirError> {
        self.add(model, published_at, false)
    }

    fn add(&self, model: M, published_at: DateTime<Utc>, use_it: bool) -> Result<Versioned<M>, ModelDirError> {
        let unusable = |source: M::Error| ModelDirError::Unusable { path: self.describe(), source: source.into() };
        let bytes = model.encode().map_err(unusable)?;
        let version = ModelVersion::new(&version_name(published_at, &M::checksum(&bytes)));
        fs::create_dir_all(&self.path).at("create", &self.path)?;
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
        let file = file.at("open", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(ModelDirError::Busy(self.describe())),
            Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path),
        }
    }

    fn write_version(&self, version: &ModelVersion, bytes: &[u8]) -> Result<(), ModelDirError> {
        let folder = self.path.join(version.as_str());
        if folder.exists() {
            // The same moment and checksum: the same file.
            return Ok(());
        }
        let unfinished = self.path.join(format!("{UNFINISHED_PREFIX}{version}"));
        fs::create_dir(&unfinished).at("create", &unfinished)?;
        let path = unfinished.join(MODEL_FILE);
        write_durably(&path, bytes).at("write", &path)?;
        sync_dir(&unfinished).at("sync", &unfinished)?;
        fs::rename(&unfinished, &folder).at("create", &folder)?;
        sync_dir(&self.path).at("sync", &self.path)
    }

    /// Replaces a small file of the directory.
    pub(super) fn write_file(&self, name: &str, text: &str) -> Result<(), ModelDirError> {
        let (path, unfinished) = (self.path.join(name), self.path.join(format!("{UNFINISHED_PREFIX}{name}")));
        write_durably(&unfinished, text.as_bytes()).at("write", &unfinished)?;
        fs::rename(&unfinished, &path).at("replace", &path)?;
        sync_dir(&self.path).at("sync", &self.path)
    }

    fn remove_oldest(&self, new: &ModelVersion) -> Result<(), ModelDirError> {
        let versions = self.versions()?;
        let excess = versions.len().saturating_sub(VERSIONS_MAX);
        let named = Role::ALL.into_iter().filter_map(|role| self.named(role).ok().flatten());
        let kept: Vec<ModelVersion> = named.chain(self.earlier()?).chain([new.clone()]).collect();
        for version in versions.iter().filter(|version| !kept.contains(version)).take(excess) {
            let folder = self.path.join(version.as_str());
            fs::remove_dir_all(&folder).at("remove", &folder)?;
        }
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<(), ModelDirError> {
        for name in self.names().at("list", &self.path)?.iter().filter(|name| name.starts_with(UNFINISHED_PREFIX)) {
            let path = self.path.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.at("remove", &path)?;
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
    fn rule_6_a_directory_that_does_not_answer_is_given_up() {
        let (_hang, hangs) = channel::<()>();
        let read = move |_: &ToyDir| hangs.recv().map_err(|_| ModelDirError::NoModel(String::new()));
        let error = ToyDir::new("/models").within(Duration::from_millis(50), read).unwrap_err();
        assert!(matches!(&error, ModelDirError::Hangs { dir, .. } if dir == "/models"), "{error}");
        assert_eq!(ToyDir::new("/models").within(LOAD, |_| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn rule_5_a_lock_that_is_no_regular_file_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        not_regular_files(&temp.path().join(LOCK_FILE), |kind| {
            let Err(ModelDirError::Io { source, .. }) = dir.lock() else { panic!("{kind} is locked") };
            assert!(source.to_string().contains(kind), "{source}");
        });
    }
}
