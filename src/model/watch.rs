//! Notices that the model directory names another version.
//!
//! 1. The small file that names it is looked at every [`LOOK`], on a thread of its own. A version that it names is read and
//!    checked once, and put among the [`Wishes`]; what was wished for before and not taken up is forgotten.
//! 2. What cannot be read or used is said once, and tried again after a pause that grows to [`RETRY_MAX`]: the folder may
//!    still be being copied. Another name is looked at at once.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::{Candidate, Model, ModelDir, ModelDirError, Role, Wish, Wishes};
use crate::{answer::ModelVersion, background::Thread};

/// How often it is looked.
pub const LOOK: Duration = Duration::from_millis(250);
/// What cannot be used is tried again after this time at first,
const RETRY: Duration = Duration::from_millis(500);
/// and at least this often.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// Who is told to stop notices within this time.
const STEP: Duration = Duration::from_millis(50);

/// Watches what a directory names for a role.
#[derive(Debug)]
pub struct Watcher {
    dir: ModelDir,
    role: Role,
    /// What was named last and has been read.
    seen: Option<ModelVersion>,
    /// Since what is named cannot be used: what it is, when it is tried again, and the pause after that.
    failed: Option<(Option<ModelVersion>, Instant, Duration)>,
    said: String,
}

impl Watcher {
    /// Watches for another version than the one that is used already.
    pub fn new(dir: ModelDir, role: Role, used: Option<ModelVersion>) -> Self {
        Watcher { dir, role, seen: used, failed: None, said: String::new() }
    }

    /// What is wished for, if that has changed; or why it cannot be had, if that was not said yet.
    pub fn look(&mut self, now: Instant) -> Option<Result<Wish, String>> {
        let named = match self.role {
            // There is always one: that its file is gone is a fault.
            Role::Current => self.dir.current().map(Some),
            Role::Shadow => self.dir.named(Role::Shadow),
        };
        if let Ok(named) = &named
            && *named == self.seen
        {
            self.failed = None;
            self.said.clear();
            return None;
        }
        let name = named.as_ref().ok().cloned().flatten();
        if let Some((failed, again_at, _)) = &self.failed
            && *failed == name
            && now < *again_at
        {
            return None;
        }
        match named.and_then(|version| version.map(|version| self.read(version)).transpose()) {
            Ok(candidate) => {
                (self.seen, self.failed) = (name, None);
                self.said.clear();
                Some(Ok(Wish { role: self.role, candidate }))
            }
            Err(error) => {
                let pause = match self.failed.take() {
                    Some((failed, _, pause)) if failed == name => (pause * 2).min(RETRY_MAX),
                    _ => RETRY,
                };
                self.failed = Some((name, now + pause, pause));
                let reason = with_cause(&error);
                (self.said != reason).then(|| {
                    self.said.clone_from(&reason);
                    Err(reason)
                })
            }
        }
    }

    fn read(&self, version: ModelVersion) -> Result<Candidate, ModelDirError> {
        let bytes = self.dir.read(&version)?;
        Model::decode(&bytes).map_err(|source| self.dir.unusable(&version, source))?;
        Ok(Candidate { version, bytes: bytes.into() })
    }
}

fn with_cause(error: &ModelDirError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Starts a thread that looks with all of `watchers` until `stop` says so. What cannot be used is told to `refused`.
pub fn watch(
    mut watchers: Vec<Watcher>,
    wishes: &Wishes,
    stop: impl Fn() -> bool + Send + 'static,
    refused: impl Fn(Role, &str) + Send + 'static,
) -> io::Result<()> {
    let wishes = wishes.clone();
    let run = move || {
        while !stop() {
            for watcher in &mut watchers {
                match watcher.look(Instant::now()) {
                    Some(Ok(wish)) => wishes.put(wish),
                    Some(Err(reason)) => refused(watcher.role, &reason),
                    None => {}
                }
            }
            let again_at = Instant::now() + LOOK;
            while Instant::now() < again_at && !stop() {
                thread::sleep(STEP);
            }
        }
    };
    Thread::start("model-watch", run).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{CURRENT_FILE, tests};

    #[test]
    fn rule_1_another_version_is_read_once() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ModelDir::new(temp.path());
        let first = dir.publish(tests::model(), tests::at(0)).unwrap();
        let mut watcher = Watcher::new(dir.clone(), Role::Current, Some(first.version.clone()));
        let now = Instant::now();
        assert_eq!(watcher.look(now), None);
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let Some(Ok(Wish { role: Role::Current, candidate: Some(found) })) = watcher.look(now) else { panic!() };
        assert_eq!(found.version, second.version);
        assert_eq!(Model::decode(&found.bytes).unwrap(), second.model);
        assert_eq!(watcher.look(now), None);
        // And back.
        fs::write(temp.path().join(CURRENT_FILE), first.version.as_str()).unwrap();
        assert!(watcher.look(now).unwrap().is_ok_and(|wish| wish.candidate.unwrap().version == first.version));
    }

    #[test]
    fn rule_2_what_cannot_be_used_is_said_once_and_tried_again() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ModelDir::new(temp.path());
        let first = dir.publish(tests::model(), tests::at(0)).unwrap();
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let path = dir.path_of(&second.version);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();

        let mut watcher = Watcher::new(dir.clone(), Role::Current, Some(first.version.clone()));
        let mut now = Instant::now();
        let Some(Err(reason)) = watcher.look(now) else { panic!() };
        assert!(reason.contains("cannot be used") && reason.contains("damaged"), "{reason}");
        for _ in 0..10 {
            now += RETRY_MAX;
            assert_eq!(watcher.look(now), None);
        }
        // A folder that is not there yet is another reason, and is said.
        fs::remove_file(&path).unwrap();
        now += RETRY_MAX;
        assert!(watcher.look(now).unwrap().is_err());
        fs::write(&path, &whole).unwrap();
        assert_eq!(watcher.look(now), None, "not before its time");
        now += RETRY_MAX;
        assert!(watcher.look(now).unwrap().is_ok());

        fs::write(temp.path().join(CURRENT_FILE), "nonsense").unwrap();
        assert!(watcher.look(now).unwrap().is_err_and(|reason| reason.contains("nonsense")));
        assert_eq!(watcher.look(now + RETRY_MAX), None);
        // Back to what is used: nothing to do, and nothing to say.
        fs::write(temp.path().join(CURRENT_FILE), second.version.as_str()).unwrap();
        assert_eq!(watcher.look(now + RETRY_MAX), None);
    }

    #[test]
    fn a_shadow_comes_and_goes() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ModelDir::new(temp.path());
        let version = dir.publish(tests::model(), tests::at(0)).unwrap().version;
        let mut watcher = Watcher::new(dir, Role::Shadow, None);
        let now = Instant::now();
        assert_eq!(watcher.look(now), None);
        let file = temp.path().join(Role::Shadow.file());
        fs::write(&file, version.as_str()).unwrap();
        let found = watcher.look(now).unwrap().unwrap();
        assert_eq!((found.role, found.candidate.unwrap().version), (Role::Shadow, version));
        fs::remove_file(&file).unwrap();
        assert_eq!(watcher.look(now), Some(Ok(Wish { role: Role::Shadow, candidate: None })));
        assert_eq!(watcher.look(now), None);
    }
}
