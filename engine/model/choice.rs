//! Which version is used: looking through them, promoting one, and going back.

use std::{fs, io};

use super::{
    directory::{At, CURRENT_FILE, LOAD, ModelDir, ModelDirError},
    files::{read_at_most, sync_dir},
    role::Role,
    scorer::{ModelFile, Versioned},
    version::is_version_name,
};
use crate::answer::ModelVersion;

/// The file that names the versions that were current before, one a line, the latest last.
pub const HISTORY_FILE: &str = "history";
/// At most so many of them are remembered.
pub const HISTORY_MAX: usize = 32;
/// A longer file of history is none of ours.
const HISTORY_BYTES_MAX: u64 = 64 << 10;

/// A version of a directory.
#[derive(Debug)]
pub struct Listed<M> {
    /// Its name.
    pub version: ModelVersion,
    /// What it is used for.
    pub roles: Vec<Role>,
    /// The model, or why it cannot be used.
    pub model: Result<Versioned<M>, ModelDirError>,
    /// How long its file is, if there is one.
    pub bytes: Option<u64>,
}

impl<M: ModelFile> ModelDir<M> {
    /// The versions that are there, oldest first, each loaded.
    pub fn list(&self) -> Result<Vec<Listed<M>>, ModelDirError> {
        Ok(self.versions()?.into_iter().map(|version| self.listed(version)).collect())
    }

    /// One version, loaded.
    pub fn listed(&self, version: ModelVersion) -> Listed<M> {
        let named = |role: &Role| self.named(*role).is_ok_and(|named| named.as_ref() == Some(&version));
        let roles = Role::ALL.into_iter().filter(named).collect();
        let bytes = fs::metadata(self.path_of(&version)).ok().map(|file| file.len());
        Listed { roles, model: self.load(&version), bytes, version }
    }

    /// The version whose name begins so.
    pub fn find(&self, prefix: &str) -> Result<ModelVersion, ModelDirError> {
        let mut found: Vec<ModelVersion> = self.versions()?;
        found.retain(|version| version.as_str().starts_with(prefix));
        match (found.len(), found.pop()) {
            (1, Some(version)) => Ok(version),
            (found, _) => Err(ModelDirError::NotOne { dir: self.describe(), prefix: prefix.to_owned(), found }),
        }
    }

    /// Loads the version in use; if it cannot be used, the latest that was in use before and can, and says so: who starts
    /// again while a damaged model is named goes on with what answered until then. Blocks, [`LOAD`] at most.
    pub fn load_usable(&self) -> Result<Versioned<M>, ModelDirError> {
        self.within(LOAD, Self::load_usable_without_limit)
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

    /// Makes a version the one in use, if it can be loaded. Returns the one that was in use before.
    pub fn promote(&self, version: &ModelVersion) -> Result<Option<ModelVersion>, ModelDirError> {
        let _lock = self.lock()?;
        self.load(version)?;
        let before = self.named(Role::Current).ok().flatten();
        self.make_current(version)?;
        Ok(before)
    }

    /// Goes back to the version that was in use before the present one and is still there and can be loaded; once more,
    /// to the one before that. Returns which was in use, and which is now.
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

    /// Has a version tried out beside the one in use, if it can be loaded; with `None`, none any more.
    pub fn shadow(&self, version: Option<&ModelVersion>) -> Result<(), ModelDirError> {
        let _lock = self.lock()?;
        let file = Role::Shadow.file();
        if let Some(version) = version {
            self.load(version)?;
            return self.write_file(file, &format!("{version}\n"));
        }
        let path = self.path().join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", &path),
            _ => sync_dir(self.path()).at("sync", self.path()),
        }
    }

    /// Names a version the current one; the one before goes into the history, first, so that no crash forgets it.
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

    /// The version that a roll-back would try first.
    pub(super) fn earlier(&self) -> Result<Option<ModelVersion>, ModelDirError> {
        let (current, there) = (self.named(Role::Current).ok().flatten(), self.versions()?);
        let is_earlier = |version: &ModelVersion| Some(version) != current.as_ref() && there.contains(version);
        Ok(self.history()?.into_iter().rfind(is_earlier))
    }

    fn history(&self) -> Result<Vec<ModelVersion>, ModelDirError> {
        let path = self.path().join(HISTORY_FILE);
        let bytes = match read_at_most(&path, HISTORY_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => read.at("read", &path)?,
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
    fn what_is_published_aside_is_used_once_it_is_promoted() {
        let (_temp, dir) = dir();
        let first = dir.publish(model(), at(0)).unwrap().version;
        let second = dir.publish_aside(model(), at(1)).unwrap().version;
        assert_eq!(dir.current().unwrap(), first);
        assert_eq!(dir.promote(&second).unwrap(), Some(first));
        assert_eq!(dir.current().unwrap(), second);
    }

    #[test]
    fn a_version_that_cannot_be_loaded_is_not_promoted_and_no_shadow() {
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
    fn rolling_back_goes_to_what_was_current_before_again_and_again() {
        let (_temp, dir) = dir();
        let [a, b, c] = [0, 1, 2].map(|second| dir.publish(model(), at(second)).unwrap().version);
        assert_eq!(dir.roll_back().unwrap(), (Some(c.clone()), b.clone()));
        assert_eq!(dir.roll_back().unwrap(), (Some(b.clone()), a.clone()));
        assert!(matches!(dir.roll_back(), Err(ModelDirError::NoEarlier(_))));
        assert_eq!(dir.current().unwrap(), a);
        // And forward, and one that is not there any more is passed over.
        dir.promote(&b).unwrap();
        dir.promote(&c).unwrap();
        fs::write(dir.path_of(&b), "half").unwrap();
        assert_eq!(dir.roll_back().unwrap(), (Some(c), a));
    }

    #[test]
    fn who_starts_with_a_damaged_model_goes_on_with_the_one_before() {
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
    fn a_history_is_bounded() {
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
    fn neither_a_shadow_nor_what_one_would_go_back_to_is_removed() {
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
    fn the_beginning_of_a_name_is_enough_if_it_is_of_one() {
        let (_temp, dir) = dir();
        let first = dir.publish(model(), at(0)).unwrap().version;
        assert_eq!(dir.find("2023").unwrap(), first);
        let second = dir.publish(model(), at(1)).unwrap().version;
        assert_eq!(dir.find(second.as_str()).unwrap(), second);
        assert!(matches!(dir.find("2023"), Err(ModelDirError::NotOne { found: 2, .. })));
        assert!(matches!(dir.find("x"), Err(ModelDirError::NotOne { found: 0, .. })));
    }
}
