//! One month's zip: tries, until it is whole.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use super::{
    Event, FetchError, FileReport, Limits, State, Stop,
    folder::Folder,
    partial::Partial,
    remote::{Remote, Reply, Unanswered},
    whole,
};
use crate::delivery::Backoff;

const CHUNK_BYTES: usize = 1 << 16;

/// Why the fetch ends with this month.
pub(super) enum End {
    /// It was told to stop.
    Stopped,
    /// The server never answered, or cannot be trusted, so nor will it for the other months.
    Unreachable(String),
    /// The disk refused.
    Local(FetchError),
}

/// Why a month's zip is not here.
enum Failure {
    /// A try failed, and another may not; the server may ask for a pause before.
    Passing(String, Option<Duration>),
    Unpublished(String),
    Lasting(String),
    End(End),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Failure::End(End::Local(error))
    }
}

/// One month's errand.
pub(super) struct Errand<'a> {
    pub(super) remote: &'a Remote,
    pub(super) limits: &'a Limits,
    pub(super) stop: &'a Stop,
    pub(super) folder: &'a Folder,
    pub(super) observe: &'a mut dyn FnMut(Event<'_>),
    pub(super) report: FileReport,
}

impl Errand<'_> {
    /// Sees to it that the month's zip is here; why the fetch ends, if it does.
    pub(super) fn run(mut self) -> (FileReport, Option<End>) {
        (self.observe)(Event::Begun(self.report.month));
        let (state, reason, end) = match self.obtain() {
            Ok(state) => (state, None, None),
            Err(Failure::Unpublished(reason)) => (State::Unpublished, Some(reason), None),
            Err(Failure::Passing(reason, _) | Failure::Lasting(reason)) => (State::Failed, Some(reason), None),
            Err(Failure::End(End::Stopped)) => (State::Left, None, Some(End::Stopped)),
            Err(Failure::End(End::Unreachable(reason))) => {
                (State::Failed, Some(reason.clone()), Some(End::Unreachable(reason)))
            }
            Err(Failure::End(End::Local(error))) => (State::Failed, Some(error.in_full()), Some(End::Local(error))),
        };
        self.report.state = state;
        self.report.reason = reason;
        (self.observe)(Event::Ended(&self.report));
        (self.report, end)
    }

    fn obtain(&mut self) -> Result<State, Failure> {
        let path = self.folder.file(&self.report.file);
        if self.is_there(&path)? {
            return Ok(State::Present);
        }
        let mut partial = Partial::find(&path, &self.remote.url(self.report.month));
        let mut backoff = Backoff::between(self.limits.pause_first, self.limits.pause_last);
        let mut answered = false;
        // Told to stop, even a part that lacks nothing waits for the next run.
        while !self.stop.asked() {
            let failure = match self.attempt(&mut partial, &mut answered) {
                Ok(()) => {
                    self.report.bytes = partial.name(&path)?;
                    return Ok(State::Fetched);
                }
                Err(failure) => failure,
            };
            self.report.bytes = partial.bytes();
            if self.stop.asked() {
                // It was our own doing.
                break;
            }
            let Failure::Passing(reason, asked_for) = failure else { return Err(failure) };
            if self.report.tries >= self.limits.tries_max {
                return Err(if answered {
                    Failure::Passing(reason, None)
                } else {
                    Failure::End(End::Unreachable(reason))
                });
            }
            let pause = backoff.next_pause(false).max(asked_for.unwrap_or_default());
            let (tries, tries_max) = (self.report.tries, self.limits.tries_max);
            (self.observe)(Event::Retried { month: self.report.month, reason: &reason, tries, tries_max, pause });
            self.stop.pause(pause);
        }
        Err(Failure::End(End::Stopped))
    }

    /// Whether a whole zip has the name already. A damaged one is replaced once there is a better one.
    fn is_there(&mut self, path: &Path) -> Result<bool, FetchError> {
        let flaw = match whole::flaw(path, self.limits.bytes_unpacked_max) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            flaw => flaw.map_err(|source| FetchError::io("read", path, source))?,
        };
        if let Some(reason) = &flaw {
            (self.observe)(Event::Restarted { month: self.report.month, reason });
        } else {
            self.report.bytes = fs::metadata(path).map_err(|source| FetchError::io("read", path, source))?.len();
        }
        Ok(flaw.is_none())
    }

    /// Completes the partial file, and sees whether it is whole.
    fn attempt(&mut self, partial: &mut Partial, answered: &mut bool) -> Result<(), Failure> {
        // It may lack nothing but its name, if an earlier run was killed in that moment.
        if !partial.is_complete() {
            self.report.tries += 1;
            let reply = self.remote.get(partial.origin(), partial.bytes());
            let reply = reply.map_err(|Unanswered { reason, lasts }| match lasts {
                true => Failure::End(End::Unreachable(reason)),
                false => Failure::Passing(reason, None),
            })?;
            *answered = true;
            self.receive(reply, partial)?;
        }
        let flaw = whole::flaw(partial.path(), self.limits.bytes_unpacked_max);
        match flaw.map_err(|source| FetchError::io("read", partial.path(), source))? {
            None => Ok(()),
            Some(reason) => self.start_over(partial, &reason),
        }
    }

    /// Takes what the server has sent.
    fn receive(&mut self, reply: Reply, partial: &mut Partial) -> Result<(), Failure> {
        let passing = |reason: String| Err(Failure::Passing(reason, reply.retry_after));
        match reply.status {
            200 => {
                if partial.bytes() > 0 {
                    let reason = "the server sends it from its start";
                    (self.observe)(Event::Restarted { month: self.report.month, reason });
                }
                partial.begin(reply.origin)?;
            }
            206 if partial.bytes() > 0 && reply.begins_at == Some(partial.bytes()) => {
                if !partial.origin().may_be(&reply.origin) {
                    return self.start_over(partial, "it has changed on the server");
                }
            }
            206 | 416 => return self.start_over(partial, "the server does not continue it"),
            404 | 410 => return Err(Failure::Unpublished(format!("the server has none (status {})", reply.status))),
            408 | 425 | 429 | 500.. => return passing(format!("the server answers with status {}", reply.status)),
            status => return Err(Failure::Lasting(format!("the server answers with status {status}"))),
        }
        self.read(reply.body, partial)
    }

    fn read(&mut self, mut body: impl Read, partial: &mut Partial) -> Result<(), Failure> {
        let (bytes_max, bytes_total) = (self.limits.bytes_max, partial.origin().bytes_total);
        let too_long = |bytes| Failure::Lasting(format!("it has {bytes} bytes or more, and may have {bytes_max}"));
        if let Some(bytes) = bytes_total.filter(|bytes| *bytes > bytes_max) {
            partial.discard()?;
            return Err(too_long(bytes));
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        while !self.stop.asked() {
            let len = body.read(&mut chunk).map_err(|error| Failure::Passing(self.remote.broken(error), None))?;
            let chunk = &chunk[..len];
            if chunk.is_empty() {
                return match bytes_total {
                    Some(total) if partial.bytes() < total => {
                        Err(Failure::Passing(format!("it broke off after {} of {total} bytes", partial.bytes()), None))
                    }
                    _ => Ok(()),
                };
            }
            let head = len.min(whole::MAGIC.len());
            if partial.bytes() == 0 && chunk[..head] != whole::MAGIC[..head] {
                return self.start_over(partial, "what the server sends is no zip");
            }
            if partial.bytes() + len as u64 > bytes_max {
                partial.discard()?;
                return Err(too_long(bytes_max + 1));
            }
            partial.write(chunk)?;
            self.report.bytes_received += len as u64;
            let (month, bytes, bytes_received) = (self.report.month, partial.bytes(), self.report.bytes_received);
            (self.observe)(Event::Received { month, bytes, bytes_total, bytes_received });
        }
        Err(Failure::End(End::Stopped))
    }

    /// Forgets what is there of the file; the next try begins anew.
    fn start_over(&mut self, partial: &mut Partial, reason: &str) -> Result<(), Failure> {
        partial.discard()?;
        Err(Failure::Passing(reason.to_owned(), None))
    }
}
