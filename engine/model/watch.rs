//! Notices that the model directory names another version.
//!
//! 1. The small file that names it is looked at every [`LOOK`], on a thread of its own for each role. A version that
//!    it names is read and checked once, and put among the [`DesiredModels`]; what was wished for before and not taken up is
//!    forgotten.
//! 2. What cannot be read or used is said once, and tried again after a pause that grows to [`RETRY_MAX`]: the folder may
//!    still be being copied. Another name is looked at at once.
//! 3. A file system that does not answer holds up the look alone. After [`PATIENCE`] that is said once, and the model
//!    in use goes on; no second look is started beside one that hangs. Once it answers, looking goes on.
//! 4. A file that is no regular one is never waited for, but refused as rule 2 has it.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use super::{
    candidate::{Candidate, DesiredModel, DesiredModels},
    directory::{ModelDir, ModelDirError},
    role::Role,
    scorer::ModelFile,
};
use crate::{
    answer::ModelVersion,
    runtime::{Mutex, Stop, Thread},
};

/// Interval of looks.
pub const LOOK: Duration = Duration::from_millis(250);
/// What cannot be used is tried again after this time at first,
const RETRY: Duration = Duration::from_millis(500);
/// and at least this often.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// One look that takes longer than this is told of.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A thread that is told to stop notices within this time.
const STEP: Duration = Duration::from_millis(50);

/// Watches what a directory names for a role.
#[derive(Debug)]
pub struct Watcher<M> {
    dir: ModelDir<M>,
    role: Role,
    /// What was named last and has been read.
    seen: Option<ModelVersion>,
    /// Since what is named cannot be used: what it is, when it is tried again, and the pause after that.
    failed: Option<(Option<ModelVersion>, Instant, Duration)>,
    said: String,
}

impl<M: ModelFile> Watcher<M> {
    /// Watches for another version than the one that is used already.
    pub fn new(dir: ModelDir<M>, role: Role, used: Option<ModelVersion>) -> Self {
        Watcher { dir, role, seen: used, failed: None, said: String::new() }
    }

    /// What is wished for, if that has changed; or why it cannot be had, if that was not said yet.
    pub fn look(&mut self, now: Instant) -> Option<Result<DesiredModel, String>> {
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
                Some(Ok(DesiredModel { role: self.role, candidate }))
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
        M::decode(&bytes).map_err(|source| self.dir.unusable(&version, source))?;
        Ok(Candidate { version, bytes: bytes.into() })
    }
}

fn with_cause(error: &ModelDirError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Starts to look with all of `watchers` until `stop` says so. What cannot be used is told to `refused`.
pub fn watch<M: ModelFile>(
    watchers: Vec<Watcher<M>>,
    desired: &DesiredModels,
    stop: Stop,
    refused: impl Fn(Role, &str) + Send + 'static,
) -> io::Result<()> {
    let looks = watchers.into_iter().map(|mut watcher| {
        let (role, look) = (watcher.role, move || watcher.look(Instant::now()));
        (role, Box::new(look) as Look)
    });
    watch_within(PATIENCE, looks.collect(), desired.clone(), stop, refused)
}

/// Looks once; may block for as long as a file system hangs.
type Look = Box<dyn FnMut() -> Option<Result<DesiredModel, String>> + Send>;

/// A role and the thread that looks for it.
struct Looking {
    role: Role,
    /// Since when it has been looking; `None` between two looks.
    since: Arc<Mutex<Option<Instant>>>,
    /// True if it was logged that this takes too long.
    told: bool,
}

fn watch_within(
    patience: Duration,
    looks: Vec<(Role, Look)>,
    desired: DesiredModels,
    stop: Stop,
    refused: impl Fn(Role, &str) + Send + 'static,
) -> io::Result<()> {
    let (news, found) = sync_channel(looks.len());
    let ended = Stop::default();
    let mut looking = Vec::new();
    for (role, look) in looks {
        let (since, news, ended) = (Arc::default(), news.clone(), ended.clone());
        looking.push(Looking { role, since: Arc::clone(&since), told: false });
        Thread::spawn(&format!("model-{role}"), move || look_again_and_again(look, role, &since, &news, &ended))?;
    }
    let run = move || {
        while !stop.asked() {
            match found.recv_timeout(STEP) {
                Ok((_, Ok(desired_model))) => desired.put(desired_model),
                Ok((role, Err(reason))) => refused(role, &reason),
                Err(_) => {}
            }
            for Looking { role, since, told } in &mut looking {
                let since = *since.lock();
                let hangs = since.is_some_and(|since| since.elapsed() > patience);
                if hangs && !*told {
                    let seconds = patience.as_secs();
                    refused(*role, &format!("it is not read within {seconds} s: see whether its file system answers"));
                } else if !hangs && *told {
                    tracing::info!("the model directory can be read again, for the {role} model");
                }
                *told = hangs;
            }
        }
        ended.ask();
    };
    Thread::spawn("model-watch", run).map(drop)
}

fn look_again_and_again(
    mut look: Look,
    role: Role,
    since: &Mutex<Option<Instant>>,
    news: &SyncSender<(Role, Result<DesiredModel, String>)>,
    ended: &Stop,
) {
    let is_looking = |at| *since.lock() = at;
    while !ended.asked() {
        is_looking(Some(Instant::now()));
        let found = look();
        is_looking(None);
        if found.is_some_and(|found| news.send((role, found)).is_err()) {
            return;
        }
        ended.sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc::channel, thread};

    use super::*;
    use crate::{
        model::{
            directory::CURRENT_FILE,
            testing::{self as tests, ToyDir, ToyModel},
        },
        regular_file::tests::not_regular_files,
    };

    #[test]
    fn rule_1_another_version_is_read_once() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        let first = dir.publish(tests::model(), tests::at(0)).unwrap();
        let mut watcher = Watcher::new(dir.clone(), Role::Current, Some(first.version.clone()));
        let now = Instant::now();
        assert_eq!(watcher.look(now), None);
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let Some(Ok(DesiredModel { role: Role::Current, candidate: Some(found) })) = watcher.look(now) else {
            panic!()
        };
        assert_eq!(found.version, second.version);
        assert_eq!(ToyModel::decode(&found.bytes).unwrap(), second.model);
        assert_eq!(watcher.look(now), None);
        // And back.
        fs::write(temp.path().join(CURRENT_FILE), first.version.as_str()).unwrap();
        assert!(
            watcher
                .look(now)
                .unwrap()
                .is_ok_and(|desired_model| desired_model.candidate.unwrap().version == first.version)
        );
    }

    #[test]
    fn rule_2_what_cannot_be_used_is_said_once_and_tried_again() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
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

    /// A file system that hangs cannot be had here without a mount: so the look itself hangs, as it would in a read
    /// from one.
    #[test]
    fn rule_3_a_look_that_hangs_is_said_once_and_holds_up_nothing_else() {
        const DEADLINE: Duration = Duration::from_secs(20);
        let desired_model = |role| DesiredModel { role, candidate: None };
        let (hang, hangs) = channel::<()>();
        let (mut hung, mut given) = (false, false);
        let current: Look = Box::new(move || {
            if !hung {
                hung = true;
                hangs.recv().unwrap();
                return Some(Ok(desired_model(Role::Current)));
            }
            None
        });
        let shadow: Look =
            Box::new(move || (!std::mem::replace(&mut given, true)).then(|| Ok(desired_model(Role::Shadow))));
        let (desired, stop) = (DesiredModels::default(), Stop::default());
        let (told, said) = channel();
        let told = move |role: Role, reason: &str| told.send((role, reason.to_owned())).unwrap();
        let patience = Duration::from_millis(100);
        let looks = vec![(Role::Current, current), (Role::Shadow, shadow)];
        watch_within(patience, looks, desired.clone(), stop.clone(), told).unwrap();

        let (role, reason) = said.recv_timeout(DEADLINE).unwrap();
        assert!(role == Role::Current && reason.contains("file system"), "{reason}");
        let taken = |role| {
            let deadline = Instant::now() + DEADLINE;
            while Instant::now() < deadline {
                if let Some(desired_model) = desired.take(role) {
                    return Some(desired_model);
                }
                thread::sleep(STEP);
            }
            None
        };
        assert_eq!(taken(Role::Shadow), Some(desired_model(Role::Shadow)), "the other role is looked after");
        assert_eq!(desired.take(Role::Current), None);
        hang.send(()).unwrap();
        assert_eq!(taken(Role::Current), Some(desired_model(Role::Current)), "it goes on");
        stop.ask();
        // The sender goes with the thread; it had nothing more to say.
        assert_eq!(said.iter().count(), 0);
    }

    #[test]
    fn rule_4_a_file_that_is_no_regular_one_is_refused_and_holds_nothing_up() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        let first = dir.publish(tests::model(), tests::at(0)).unwrap();
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let mut watcher = Watcher::new(dir.clone(), Role::Current, Some(first.version.clone()));
        let mut now = Instant::now();
        let mut refused = |path: &std::path::Path| {
            let whole = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            not_regular_files(path, |kind| {
                now += RETRY_MAX;
                let Some(Err(reason)) = watcher.look(now) else { panic!("{kind} is taken") };
                assert!(reason.contains(kind), "{kind}: {reason}");
                let usable = dir.load_usable();
                match path.ends_with(CURRENT_FILE) {
                    true => assert!(matches!(usable, Err(ModelDirError::Io { .. })), "{kind}"),
                    false => assert_eq!(usable.unwrap(), first, "{kind}: the one before starts"),
                }
                let error = dir.load_current().unwrap_err();
                assert!(with_cause(&error).contains(kind), "{error}");
            });
            fs::write(path, whole).unwrap();
        };
        refused(&dir.path_of(&second.version));
        refused(&temp.path().join(CURRENT_FILE));
        now += RETRY_MAX;
        let Some(Ok(found)) = watcher.look(now) else { panic!("the file is there again") };
        assert_eq!(found.candidate.unwrap().version, second.version);
    }

    #[test]
    fn a_shadow_comes_and_goes() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        let version = dir.publish(tests::model(), tests::at(0)).unwrap().version;
        let mut watcher = Watcher::new(dir, Role::Shadow, None);
        let now = Instant::now();
        assert_eq!(watcher.look(now), None);
        let file = temp.path().join(Role::Shadow.file());
        fs::write(&file, version.as_str()).unwrap();
        let found = watcher.look(now).unwrap().unwrap();
        assert_eq!((found.role, found.candidate.unwrap().version), (Role::Shadow, version));
        fs::remove_file(&file).unwrap();
        assert_eq!(watcher.look(now), Some(Ok(DesiredModel { role: Role::Shadow, candidate: None })));
        assert_eq!(watcher.look(now), None);
    }
}
