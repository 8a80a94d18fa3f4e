//! The choice of the version in use: list versions, promote one, and roll back.

use std::{fs, io};

use super::{
    directory::{CURRENT_FILE, IoContext, LOAD_TIMEOUT, ModelDir, ModelDirError},
    layout::{Role, is_version_name, read_at_most, sync_dir},
    scorer::{ModelFile, Versioned},
};
use crate::answer::ModelVersion;

/// The file that names the versions that were current before, one a line, the latest last.
pub const HISTORY_FILE: &str = "history";
/// Upper bound on the versions in the history.
pub const HISTORY_MAX: usize = 32;
/// Upper bound on the length of the history file; a longer file is ignored.
const HISTORY_BYTES_MAX: u64 = 64 << 10;

/// A version in a model directory.
#[derive(Debug)]
pub struct Listed<M> {
    /// Its name.
    pub version: ModelVersion,
    /// The roles that it is used for.
    pub roles: Vec<Role>,
    /// The model, or the reason why it cannot be used.
    pub model: Result<Versioned<M>, ModelDirError>,
    /// The length of its file, if there is one.
    pub bytes: Option<u64>,
}

impl<M: ModelFile> ModelDir<M> {
    /// Returns all versions, oldest first, each loaded.
    pub fn list(&self) -> Result<Vec<Listed<M>>, ModelDirError> {
        Ok(self.versions()?.into_iter().map(|version| self.listed(version)).collect())
    }

    /// Returns one version, loaded.
    pub fn listed(&self, version: ModelVersion) -> Listed<M> {
        let named = |role: &Role| self.named(*role).is_ok_and(|named| named.as_ref() == Some(&version));
        let roles = Role::ALL.into_iter().filter(named).collect();
        let bytes = fs::metadata(self.path_of(&version)).ok().map(|file| file.len());
        Listed { roles, model: self.load(&version), bytes, version }
    }

    /// Returns the only version whose name begins with `prefix`.
    pub fn find(&self, prefix: &str) -> Result<ModelVersion, ModelDirError> {
        let mut found: Vec<ModelVersion> = self.versions()?;
        found.retain(|version| version.as_str().starts_with(prefix));
        match (found.len(), found.pop()) {
            (1, Some(version)) => Ok(version),
            (found, _) => Err(ModelDirError::NotOne { dir: self.describe(), prefix: prefix.to_owned(), found }),
        }
    }

    /// Loads the version in use. If that is damaged, loads the latest usable version of the history and logs a warning,
    /// so that a restart goes on with the model that has answered before. Blocks, for [`LOAD_TIMEOUT`] at most.
    pub fn load_usable(&self) -> Result<Versioned<M>, ModelDirError> {
        self.with_timeout(LOAD_TIMEOUT, Self::load_usable_without_limit)
    }

    fn load_usable_without_limit(&self) -> Result<Versioned<M>, ModelDirError> {
        let error = match self.load_current_without_limit() {
            Err(error @ (ModelDirError::Unusable { .. } | ModelDirError::Dangling { .. })) => error,
            loaded => return loaded,
        };
        match self.history()?.iter().rev().find_map(|version| self.load(version).ok()) {
            Some(earlier) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                tracing::warn!("{error}{cause}; going on with {}, which was in use before", earlier.version);
                Ok(earlier)
            }
            None => Err(error),
        }
    }

    /// Makes a version the current one, if it can be loaded. Returns the version that was current before.
    pub fn promote(&self, version: &ModelVersion) -> Result<Option<ModelVersion>, ModelDirError> {
        let _lock = self.lock()?;
        self.load(version)?;
        let before = self.named(Role::Current).ok().flatten();
        self.make_current(version)?;
        Ok(before)
    }

    /// Makes the latest version of the history that can be loaded the current one; a second call goes to the version
    /// before that. Returns the version that was current, and the one that now is.
    pub fn roll_back(&self) -> Result<(Option<ModelVersion>, ModelVersion), ModelDirError> {
        let _lock = self.lock()?;
        let (left, mut history) = (self.named(Role::Current).ok().flatten(), self.history()?);
        while let Some(version) = history.pop() {
            if Some(&version) != left.as_ref() && self.load(&version).is_ok() {
                self.write_file(CURRENT_FILE, &format!("{version}\n"))?;
                self.write_history(&history)?;
                return Ok((left, version));
            }
        }
        Err(ModelDirError::NoEarlier(self.describe()))
    }

    /// Makes a version the shadow, if it can be loaded; `None` removes the shadow.
    pub fn shadow(&self, version: Option<&ModelVersion>) -> Result<(), ModelDirError> {
        let _lock = self.lock()?;
        let file = Role::Shadow.file();
        if let Some(version) = version {
            self.load(version)?;
            return self.write_file(file, &format!("{version}\n"));
        }
        let path = self.path().join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", &path),
            _ => sync_dir(self.path()).context("sync", self.path()),
        }
    }

    /// Names a version the current one. The one before is first added to the history, so that a crash does not lose it.
    pub(super) fn make_current(&self, version: &ModelVersion) -> Result<(), ModelDirError> {
        if let Ok(Some(before)) = self.named(Role::Current)
            && before != *version
        {
            let mut history = self.history()?;
            history.retain(|known| *known != before);
            history.push(before);
            let surplus = history.len().saturating_sub(HISTORY_MAX);
            self.write_history(&history[surplus..])?;
        }
        self.write_file(CURRENT_FILE, &format!("{version}\n"))
    }

    /// Returns the version that a roll-back tries first.
    pub(super) fn earlier(&self) -> Result<Option<ModelVersion>, ModelDirError> {
        let (current, there) = (self.named(Role::Current).ok().flatten(), self.versions()?);
        let is_earlier = |version: &ModelVersion| Some(version) != current.as_ref() && there.contains(version);
        Ok(self.history()?.into_iter().rfind(is_earlier))
    }

    fn history(&self) -> Result<Vec<ModelVersion>, ModelDirError> {
        let path = self.path().join(HISTORY_FILE);
        let bytes = match read_at_most(&path, HISTORY_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => read.context("read", &path)?,
        };
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        Ok(text.lines().filter(|line| is_version_name(line)).map(ModelVersion::new).collect())
    }

    fn write_history(&self, history: &[ModelVersion]) -> Result<(), ModelDirError> {
        self.write_file(HISTORY_FILE, &history.iter().map(|version| format!("{version}\n")).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        directory::VERSIONS_MAX,
        testing::{ToyDir, at, model},
    };

    fn dir() -> (tempfile::TempDir, ToyDir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = ModelDir::new(temp.path());
        (temp, dir)
    }

    #[test]
    fn a_version_that_is_not_used_is_current_when_it_is_promoted() {
        let (_temp, dir) = dir();
        let first = dir.publish(model(), at(0)).unwrap().version;
        let second = dir.publish_aside(model(), at(1)).unwrap().version;
        assert_eq!(dir.current().unwrap(), first);
        assert_eq!(dir.promote(&second).unwrap(), Some(first));
        assert_eq!(dir.current().unwrap(), second);
    }

    #[test]
    fn a_version_that_cannot_be_loaded_cannot_be_promoted_or_made_the_shadow() {
        let (_temp, dir) = dir();
        let first = dir.publish(model(), at(0)).unwrap().version;
        let second = dir.publish_aside(model(), at(1)).unwrap().version;
        fs::write(dir.path_of(&second), "half").unwrap();
        assert!(matches!(dir.promote(&second), Err(ModelDirError::Unusable { .. })));
        assert!(matches!(dir.shadow(Some(&second)), Err(ModelDirError::Unusable { .. })));
        assert!(dir.promote(&ModelVersion::new("20231114T221320123Z-ffffffff")).is_err());
        assert_eq!((dir.current().unwrap(), dir.named(Role::Shadow).unwrap()), (first, None));
        let listed = dir.list().unwrap();
        assert!(listed[0].model.is_ok() && listed[1].model.is_err());
        assert_eq!((listed[1].bytes, listed[0].roles.as_slice()), (Some(4), &[Role::Current][..]));
    }

    #[test]
    fn repeated_roll_backs_go_through_the_history() {
        let (_temp, dir) = dir();
        let [a, b, c] = [0, 1, 2].map(|second| dir.publish(model(), at(second)).unwrap().version);
        assert_eq!(dir.roll_back().unwrap(), (Some(c.clone()), b.clone()));
        assert_eq!(dir.roll_back().unwrap(), (Some(b.clone()), a.clone()));
        assert!(matches!(dir.roll_back(), Err(ModelDirError::NoEarlier(_))));
        assert_eq!(dir.current().unwrap(), a);
        // A damaged version of the history is skipped.
        dir.promote(&b).unwrap();
        dir.promote(&c).unwrap();
        fs::write(dir.path_of(&b), "half").unwrap();
        assert_eq!(dir.roll_back().unwrap(), (Some(c), a));
    }

    #[test]
    fn a_start_with_a_damaged_model_uses_the_one_before() {
        let (_temp, dir) = dir();
        assert!(matches!(dir.load_usable(), Err(ModelDirError::NoModel(_))));
        let [first, second] = [0, 1].map(|second| dir.publish(model(), at(second)).unwrap());
        assert_eq!(dir.load_usable().unwrap(), second);
        fs::write(dir.path_of(&second.version), "half").unwrap();
        assert_eq!(dir.load_usable().unwrap(), first);
        fs::write(dir.path().join(CURRENT_FILE), "nonsense").unwrap();
        assert_eq!(dir.load_usable().unwrap(), first);
        fs::write(dir.path_of(&first.version), "half").unwrap();
        assert!(matches!(dir.load_usable(), Err(ModelDirError::Dangling { .. })));
    }

    #[test]
    fn the_history_is_bounded() {
        let (_temp, dir) = dir();
        let [a, b] = [0, 1].map(|second| dir.publish(model(), at(second)).unwrap().version);
        for _ in 0..HISTORY_MAX {
            dir.promote(&a).unwrap();
            dir.promote(&b).unwrap();
        }
        assert_eq!(dir.history().unwrap(), [b.clone(), a]);
        let names: String = (0..100).map(|n| format!("20231114T2213201{n:02}Z-ffffffff\n")).collect();
        fs::write(dir.path().join(HISTORY_FILE), names).unwrap();
        dir.publish(model(), at(2)).unwrap();
        assert_eq!((dir.history().unwrap().len(), dir.history().unwrap().pop()), (HISTORY_MAX, Some(b)));
    }

    #[test]
    fn the_shadow_and_the_target_of_a_roll_back_are_not_removed() {
        let (_temp, dir) = dir();
        let [shadow, before, current] = [0, 1, 2].map(|second| dir.publish(model(), at(second)).unwrap().version);
        dir.shadow(Some(&shadow)).unwrap();
        for second in 3..VERSIONS_MAX as i64 + 5 {
            dir.publish_aside(model(), at(second)).unwrap();
        }
        let versions = dir.versions().unwrap();
        assert_eq!(versions.len(), VERSIONS_MAX);
        assert!([&shadow, &before, &current].iter().all(|kept| versions.contains(kept)));
        assert_eq!(dir.listed(shadow.clone()).roles, [Role::Shadow]);
        dir.shadow(None).unwrap();
        dir.shadow(None).unwrap();
        dir.publish_aside(model(), at(100)).unwrap();
        assert!(!dir.versions().unwrap().contains(&shadow));
    }

    #[test]
    fn a_version_is_found_by_a_unique_prefix_of_its_name() {
        let (_temp, dir) = dir();
        let first = dir.publish(model(), at(0)).unwrap().version;
        assert_eq!(dir.find("2023").unwrap(), first);
        let second = dir.publish(model(), at(1)).unwrap().version;
        assert_eq!(dir.find(second.as_str()).unwrap(), second);
        assert!(matches!(dir.find("2023"), Err(ModelDirError::NotOne { found: 2, .. })));
        assert!(matches!(dir.find("x"), Err(ModelDirError::NotOne { found: 0, .. })));
    }
}
