//! Fetches months one after the other, and tries each zip until it is complete.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    time::{Duration, Instant},
};

use engine::runtime::Backoff;
use ureq::tls::RootCerts;

use super::{
    client::{Client, Limits, RequestError, Response, Stop},
    folder::{Folder, PartialFile},
    month::Months,
    report::{Event, FetchError, FileReport, FileState, Summary},
    verify,
};

const CHUNK_BYTES: usize = 1 << 16;

/// Fetches zips from one server.
pub struct Fetcher {
    client: Client,
    limits: Limits,
    stop: Stop,
}

impl Fetcher {
    /// Creates a fetcher of the folder at a URL, which has the zips under the names of BTS. It sends no request yet.
    /// Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY` and so on).
    /// With https, the server must have a certificate by an authority that Mozilla trusts.
    pub fn new(base_url: &str, limits: Limits) -> Result<Self, FetchError> {
        Self::trusting(base_url, limits, RootCerts::WebPki)
    }

    pub(super) fn trusting(base_url: &str, limits: Limits, authorities: RootCerts) -> Result<Self, FetchError> {
        let client = Client::new(base_url, limits.clone(), authorities)?;
        let stop = Stop::new(client.agent().clone());
        Ok(Fetcher { client, limits, stop })
    }

    /// Returns the handle that stops the fetch from another thread.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Fetches the zips of these months into the folder `out`, which is created if it is not there. Blocks, and reports
    /// progress to `observe`. Fails if the fetch cannot start; later failures are in the summary.
    pub fn fetch(&self, months: Months, out: &Path, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, FetchError> {
        let began_at = Instant::now();
        let folder = Folder::lock(out)?;
        let (mut files, mut ended_early) = (Vec::new(), None);
        for month in months.iter() {
            let mut report = FileReport::new(month);
            if ended_early.is_none() {
                let Fetcher { client, limits, stop } = self;
                let (finished, abort) = Download { client, limits, stop, folder: &folder, observe, report }.run();
                ended_early = abort.map(|abort| self.describe(abort));
                report = finished;
            }
            files.push(report);
        }
        let summary = Summary::new(out.to_owned(), self.client.base_url().to_owned(), files, ended_early);
        Ok(Summary { seconds: began_at.elapsed().as_secs_f64(), ..summary })
    }

    fn describe(&self, abort: Abort) -> String {
        match abort {
            Abort::Stopped => "it was told to stop".to_owned(),
            Abort::Unreachable(reason) => format!("{} does not answer ({reason})", self.client.base_url()),
            Abort::Local(error) => error.with_cause(),
        }
    }
}

/// A cause that ends the fetch of all months.
enum Abort {
    /// The stop was requested.
    Stopped,
    /// The server never answered, or its certificate is not trusted.
    Unreachable(String),
    /// A local file or folder failed.
    Local(FetchError),
}

/// A cause that ends a try for one month.
enum Failure {
    /// A retry may succeed, after the Retry-After of the server.
    Transient(String, Option<Duration>),
    Unpublished(String),
    Permanent(String),
    Abort(Abort),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Failure::Abort(Abort::Local(error))
    }
}

/// The download of one month's zip.
struct Download<'a> {
    client: &'a Client,
    limits: &'a Limits,
    stop: &'a Stop,
    folder: &'a Folder,
    observe: &'a mut dyn FnMut(Event<'_>),
    report: FileReport,
}

impl Download<'_> {
    /// Fetches the month's zip unless it exists. Returns the cause that ends the whole fetch, if there is one.
    fn run(mut self) -> (FileReport, Option<Abort>) {
        (self.observe)(Event::Started(self.report.month));
        let (state, reason, abort) = match self.fetch() {
            Ok(state) => (state, None, None),
            Err(Failure::Unpublished(reason)) => (FileState::Unpublished, Some(reason), None),
            Err(Failure::Transient(reason, _) | Failure::Permanent(reason)) => (FileState::Failed, Some(reason), None),
            Err(Failure::Abort(Abort::Stopped)) => (FileState::Left, None, Some(Abort::Stopped)),
            Err(Failure::Abort(Abort::Unreachable(reason))) => {
                (FileState::Failed, Some(reason.clone()), Some(Abort::Unreachable(reason)))
            }
            Err(Failure::Abort(Abort::Local(error))) => {
                (FileState::Failed, Some(error.with_cause()), Some(Abort::Local(error)))
            }
        };
        self.report.state = state;
        self.report.reason = reason;
        (self.observe)(Event::Finished(&self.report));
        (self.report, abort)
    }

    fn fetch(&mut self) -> Result<FileState, Failure> {
        let path = self.folder.file(&self.report.file);
        if self.is_present(&path)? {
            return Ok(FileState::Present);
        }
        let mut partial = PartialFile::find(&path, &self.client.url(self.report.month));
        let mut backoff = Backoff::between(self.limits.pause_first, self.limits.pause_last);
        let mut answered = false;
        // After a stop, even a part that is complete is left to the next run.
        while !self.stop.is_requested() {
            let failure = match self.attempt(&mut partial, &mut answered) {
                Ok(()) => {
                    self.report.bytes = partial.finish(&path)?;
                    return Ok(FileState::Fetched);
                }
                Err(failure) => failure,
            };
            self.report.bytes = partial.bytes();
            if self.stop.is_requested() {
                // The stop caused the failure.
                break;
            }
            let Failure::Transient(reason, retry_after) = failure else { return Err(failure) };
            if self.report.tries >= self.limits.tries_max {
                return Err(if answered {
                    Failure::Transient(reason, None)
                } else {
                    Failure::Abort(Abort::Unreachable(reason))
                });
            }
            let pause = backoff.next_pause(false).max(retry_after.unwrap_or_default());
            let (tries, tries_max) = (self.report.tries, self.limits.tries_max);
            (self.observe)(Event::Retried { month: self.report.month, reason: &reason, tries, tries_max, pause });
            self.stop.pause(pause);
        }
        Err(Failure::Abort(Abort::Stopped))
    }

    /// Returns whether a complete zip has the name already. A damaged one is kept until a complete one replaces it.
    fn is_present(&mut self, path: &Path) -> Result<bool, FetchError> {
        let defect = match verify::defect(path, self.limits.bytes_unpacked_max) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            defect => defect.map_err(|source| FetchError::io("read", path, source))?,
        };
        if let Some(reason) = &defect {
            (self.observe)(Event::Restarted { month: self.report.month, reason });
        } else {
            self.report.bytes = fs::metadata(path).map_err(|source| FetchError::io("read", path, source))?.len();
        }
        Ok(defect.is_none())
    }

    /// Completes the partial file, and verifies it.
    fn attempt(&mut self, partial: &mut PartialFile, answered: &mut bool) -> Result<(), Failure> {
        // It lacks only its name if an earlier run was killed before the rename.
        if !partial.is_complete() {
            self.report.tries += 1;
            let response = self.client.get(partial.version(), partial.bytes());
            let response = response.map_err(|RequestError { reason, is_permanent }| match is_permanent {
                true => Failure::Abort(Abort::Unreachable(reason)),
                false => Failure::Transient(reason, None),
            })?;
            *answered = true;
            self.receive(response, partial)?;
        }
        let defect = verify::defect(partial.path(), self.limits.bytes_unpacked_max);
        match defect.map_err(|source| FetchError::io("read", partial.path(), source))? {
            None => Ok(()),
            Some(reason) => self.start_over(partial, &reason),
        }
    }

    /// Checks the status of a response, and reads its body.
    fn receive(&mut self, response: Response, partial: &mut PartialFile) -> Result<(), Failure> {
        let transient = |reason: String| Err(Failure::Transient(reason, response.retry_after));
        match response.status {
            200 => {
                if partial.bytes() > 0 {
                    let reason = "the server sends it from its start";
                    (self.observe)(Event::Restarted { month: self.report.month, reason });
                }
                partial.start(response.version)?;
            }
            206 if partial.bytes() > 0 && response.begins_at == Some(partial.bytes()) => {
                if !partial.version().may_equal(&response.version) {
                    return self.start_over(partial, "it has changed on the server");
                }
            }
            206 | 416 => return self.start_over(partial, "the server does not continue it"),
            404 | 410 => return Err(Failure::Unpublished(format!("the server has none (status {})", response.status))),
            408 | 425 | 429 | 500.. => return transient(format!("the server answers with status {}", response.status)),
            status => return Err(Failure::Permanent(format!("the server answers with status {status}"))),
        }
        self.read(response.body, partial)
    }

    fn read(&mut self, mut body: impl Read, partial: &mut PartialFile) -> Result<(), Failure> {
        let (bytes_max, bytes_total) = (self.limits.bytes_max, partial.version().bytes_total);
        let too_long = |bytes| Failure::Permanent(format!("it has {bytes} bytes or more, and may have {bytes_max}"));
        if let Some(bytes) = bytes_total.filter(|bytes| *bytes > bytes_max) {
            partial.discard()?;
            return Err(too_long(bytes));
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        while !self.stop.is_requested() {
            let read = body.read(&mut chunk);
            let len = read.map_err(|error| Failure::Transient(self.client.describe_body_error(error), None))?;
            let chunk = &chunk[..len];
            if chunk.is_empty() {
                return match bytes_total {
                    Some(total) if partial.bytes() < total => {
                        let reason = format!("it broke off after {} of {total} bytes", partial.bytes());
                        Err(Failure::Transient(reason, None))
                    }
                    _ => Ok(()),
                };
            }
            let head = len.min(verify::MAGIC.len());
            if partial.bytes() == 0 && chunk[..head] != verify::MAGIC[..head] {
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
        Err(Failure::Abort(Abort::Stopped))
    }

    /// Discards the part; the next try starts at byte 0.
    fn start_over(&mut self, partial: &mut PartialFile, reason: &str) -> Result<(), Failure> {
        partial.discard()?;
        Err(Failure::Transient(reason.to_owned(), None))
    }
}
