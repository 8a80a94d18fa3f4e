//! The watcher of the model directory: it detects that the directory names another version.
//!
//! 1. The small file that names the version is polled every [`POLL_INTERVAL`], on one thread for each role. A new
//!    version is read and checked once, and put into the [`DesiredModels`], where it replaces one that was not taken.
//! 2. A version that cannot be read or used is reported once, and retried after a pause that grows to [`RETRY_MAX`]:
//!    its folder may be incomplete while it is copied. Another name is read at once.
//! 3. A file system that hangs blocks only the polling thread. After [`POLL_TIMEOUT`] it is reported once, the model in
//!    use goes on answering, and no second read is started. Polling goes on when the file system answers.
//! 4. A file that is not a regular one is refused as in rule 2; no read blocks for a writer.

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
    layout::Role,
    scorer::ModelFile,
};
use crate::{
    answer::ModelVersion,
    runtime::{Mutex, Stop, Thread},
};

/// Interval of polls.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The first pause before a version that cannot be used is retried.
const RETRY: Duration = Duration::from_millis(500);
/// Upper bound on that pause.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// Time after which a poll is reported as hanging.
pub(super) const POLL_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval at which the thread checks for the stop.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// Watches the version that a directory names for a role.
#[derive(Debug)]
pub struct Watcher<M> {
    dir: ModelDir<M>,
    role: Role,
    /// The last version that was read.
    read: Option<ModelVersion>,
    /// The version that cannot be used, the time of the next retry, and the pause before it.
    failed: Option<(Option<ModelVersion>, Instant, Duration)>,
    /// The last reported reason.
    reported: String,
}

impl<M: ModelFile> Watcher<M> {
    /// Returns a watcher for versions other than the one in use.
    pub fn new(dir: ModelDir<M>, role: Role, used: Option<ModelVersion>) -> Self {
        Watcher { dir, role, read: used, failed: None, reported: String::new() }
    }

    /// Returns the desired model if it has changed, or the reason why it cannot be used if that was not reported yet.
    pub fn poll(&mut self, now: Instant) -> Option<Result<DesiredModel, String>> {
        let named = match self.role {
            // There is always a current version: a missing file is an error.
            Role::Current => self.dir.current().map(Some),
            Role::Shadow => self.dir.named(Role::Shadow),
        };
        if let Ok(named) = &named
            && *named == self.read
        {
            self.failed = None;
            self.reported.clear();
            return None;
        }
        let name = named.as_ref().ok().cloned().flatten();
        if let Some((failed, again_at, _)) = &self.failed
            && *failed == name
            && now < *again_at
        {
            return None;
        }
        match named.and_then(|version| version.map(|version| self.read_version(version)).transpose()) {
            Ok(candidate) => {
                (self.read, self.failed) = (name, None);
                self.reported.clear();
                Some(Ok(DesiredModel { role: self.role, candidate }))
            }
            Err(error) => {
                let pause = match self.failed.take() {
                    Some((failed, _, pause)) if failed == name => (pause * 2).min(RETRY_MAX),
                    _ => RETRY,
                };
                self.failed = Some((name, now + pause, pause));
                let reason = with_cause(&error);
                (self.reported != reason).then(|| {
                    self.reported.clone_from(&reason);
                    Err(reason)
                })
            }
        }
    }

    fn read_version(&self, version: ModelVersion) -> Result<Candidate, ModelDirError> {
        let bytes = self.dir.read(&version)?;
        M::decode(&bytes).map_err(|source| self.dir.unusable(&version, source))?;
        Ok(Candidate { version, bytes: bytes.into() })
    }
}

fn with_cause(error: &ModelDirError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Polls all `watchers` until `stop` is requested. `refused` is called with the reason why a version cannot be used.
pub fn watch<M: ModelFile>(
    watchers: Vec<Watcher<M>>,
    desired: &DesiredModels,
    stop: Stop,
    refused: impl Fn(Role, &str) + Send + 'static,
) -> io::Result<()> {
    let polls = watchers.into_iter().map(|mut watcher| {
        let (role, poll) = (watcher.role, move || watcher.poll(Instant::now()));
        (role, Box::new(poll) as Poll)
    });
    watch_with_timeout(POLL_TIMEOUT, polls.collect(), desired.clone(), stop, refused)
}

/// Polls once; blocks while a file system hangs.
type Poll = Box<dyn FnMut() -> Option<Result<DesiredModel, String>> + Send>;

/// The state of the thread that polls for a role.
struct Poller {
    role: Role,
    /// The start of the running poll; `None` between two polls.
    since: Arc<Mutex<Option<Instant>>>,
    /// True if the running poll was reported as hanging.
    reported: bool,
}

fn watch_with_timeout(
    timeout: Duration,
    polls: Vec<(Role, Poll)>,
    desired: DesiredModels,
    stop: Stop,
    refused: impl Fn(Role, &str) + Send + 'static,
) -> io::Result<()> {
    let (results, found) = sync_channel(polls.len());
    let ended = Stop::default();
    let mut pollers = Vec::new();
    for (role, poll) in polls {
        let (since, results, ended) = (Arc::default(), results.clone(), ended.clone());
        pollers.push(Poller { role, since: Arc::clone(&since), reported: false });
        Thread::spawn(&format!("model-{role}"), move || poll_repeatedly(poll, role, &since, &results, &ended))?;
    }
    let run = move || {
        while !stop.is_requested() {
            match found.recv_timeout(STOP_INTERVAL) {
                Ok((_, Ok(desired_model))) => desired.put(desired_model),
                Ok((role, Err(reason))) => refused(role, &reason),
                Err(_) => {}
            }
            for Poller { role, since, reported } in &mut pollers {
                let since = *since.lock();
                let hangs = since.is_some_and(|since| since.elapsed() > timeout);
                if hangs && !*reported {
                    let seconds = timeout.as_secs();
                    refused(*role, &format!("it is not read within {seconds} s: see whether its file system answers"));
                } else if !hangs && *reported {
                    tracing::info!("the model directory can be read again, for the {role} model");
                }
                *reported = hangs;
            }
        }
        ended.request();
    };
    Thread::spawn("model-watch", run).map(drop)
}

fn poll_repeatedly(
    mut poll: Poll,
    role: Role,
    since: &Mutex<Option<Instant>>,
    results: &SyncSender<(Role, Result<DesiredModel, String>)>,
    ended: &Stop,
) {
    let set_since = |at| *since.lock() = at;
    while !ended.is_requested() {
        set_since(Some(Instant::now()));
        let found = poll();
        set_since(None);
        if found.is_some_and(|found| results.send((role, found)).is_err()) {
            return;
        }
        ended.sleep(POLL_INTERVAL);
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
        assert_eq!(watcher.poll(now), None);
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let Some(Ok(DesiredModel { role: Role::Current, candidate: Some(found) })) = watcher.poll(now) else {
            panic!()
        };
        assert_eq!(found.version, second.version);
        assert_eq!(ToyModel::decode(&found.bytes).unwrap(), second.model);
        assert_eq!(watcher.poll(now), None);
        // The first version again.
        fs::write(temp.path().join(CURRENT_FILE), first.version.as_str()).unwrap();
        assert!(
            watcher
                .poll(now)
                .unwrap()
                .is_ok_and(|desired_model| desired_model.candidate.unwrap().version == first.version)
        );
    }

    #[test]
    fn rule_2_a_version_that_cannot_be_used_is_reported_once_and_retried() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        let first = dir.publish(tests::model(), tests::at(0)).unwrap();
        let second = dir.publish(tests::model(), tests::at(1)).unwrap();
        let path = dir.path_of(&second.version);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();

        let mut watcher = Watcher::new(dir.clone(), Role::Current, Some(first.version.clone()));
        let mut now = Instant::now();
        let Some(Err(reason)) = watcher.poll(now) else { panic!() };
        assert!(reason.contains("cannot be used") && reason.contains("damaged"), "{reason}");
        for _ in 0..10 {
            now += RETRY_MAX;
            assert_eq!(watcher.poll(now), None);
        }
        // A missing file is another reason, and is reported.
        fs::remove_file(&path).unwrap();
        now += RETRY_MAX;
        assert!(watcher.poll(now).unwrap().is_err());
        fs::write(&path, &whole).unwrap();
        assert_eq!(watcher.poll(now), None, "not before the pause has elapsed");
        now += RETRY_MAX;
        assert!(watcher.poll(now).unwrap().is_ok());

        fs::write(temp.path().join(CURRENT_FILE), "nonsense").unwrap();
        assert!(watcher.poll(now).unwrap().is_err_and(|reason| reason.contains("nonsense")));
        assert_eq!(watcher.poll(now + RETRY_MAX), None);
        // The version in use again: there is nothing to do, and nothing to report.
        fs::write(temp.path().join(CURRENT_FILE), second.version.as_str()).unwrap();
        assert_eq!(watcher.poll(now + RETRY_MAX), None);
    }

    /// A file system that hangs would need a mount; here the poll itself hangs, as it does in a read from one.
    #[test]
    fn rule_3_a_poll_that_hangs_is_reported_once_and_blocks_nothing_else() {
        const DEADLINE: Duration = Duration::from_secs(20);
        let desired_model = |role| DesiredModel { role, candidate: None };
        let (hang, hangs) = channel::<()>();
        let (mut hung, mut given) = (false, false);
        let current: Poll = Box::new(move || {
            if !hung {
                hung = true;
                hangs.recv().unwrap();
                return Some(Ok(desired_model(Role::Current)));
            }
            None
        });
        let shadow: Poll =
            Box::new(move || (!std::mem::replace(&mut given, true)).then(|| Ok(desired_model(Role::Shadow))));
        let (desired, stop) = (DesiredModels::default(), Stop::default());
        let (send, reports) = channel();
        let report = move |role: Role, reason: &str| send.send((role, reason.to_owned())).unwrap();
        let timeout = Duration::from_millis(100);
        let polls = vec![(Role::Current, current), (Role::Shadow, shadow)];
        watch_with_timeout(timeout, polls, desired.clone(), stop.clone(), report).unwrap();

        let (role, reason) = reports.recv_timeout(DEADLINE).unwrap();
        assert!(role == Role::Current && reason.contains("file system"), "{reason}");
        let taken = |role| {
            let deadline = Instant::now() + DEADLINE;
            while Instant::now() < deadline {
                if let Some(desired_model) = desired.take(role) {
                    return Some(desired_model);
                }
                thread::sleep(STOP_INTERVAL);
            }
            None
        };
        assert_eq!(taken(Role::Shadow), Some(desired_model(Role::Shadow)), "the other role is polled");
        assert_eq!(desired.take(Role::Current), None);
        hang.send(()).unwrap();
        assert_eq!(taken(Role::Current), Some(desired_model(Role::Current)), "it goes on");
        stop.request();
        // The thread drops the sender when it ends; it has sent no more reports.
        assert_eq!(reports.iter().count(), 0);
    }

    #[test]
    fn rule_4_a_file_that_is_not_a_regular_one_is_refused_and_blocks_nothing() {
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
                let Some(Err(reason)) = watcher.poll(now) else { panic!("{kind} is taken") };
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
        let Some(Ok(found)) = watcher.poll(now) else { panic!("the file is there again") };
        assert_eq!(found.candidate.unwrap().version, second.version);
    }

    #[test]
    fn a_shadow_is_set_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ToyDir::new(temp.path());
        let version = dir.publish(tests::model(), tests::at(0)).unwrap().version;
        let mut watcher = Watcher::new(dir, Role::Shadow, None);
        let now = Instant::now();
        assert_eq!(watcher.poll(now), None);
        let file = temp.path().join(Role::Shadow.file());
        fs::write(&file, version.as_str()).unwrap();
        let found = watcher.poll(now).unwrap().unwrap();
        assert_eq!((found.role, found.candidate.unwrap().version), (Role::Shadow, version));
        fs::remove_file(&file).unwrap();
        assert_eq!(watcher.poll(now), Some(Ok(DesiredModel { role: Role::Shadow, candidate: None })));
        assert_eq!(watcher.poll(now), None);
    }
}
