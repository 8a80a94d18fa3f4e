//! Fetches the monthly zips of BTS On-Time Performance, for [`super::import`] to read.
//!
//! 1. A zip has its name only when it is whole: all bytes are there, its directory can be read, each member holds against
//!    its checksum, and the disk has confirmed it. Whoever sees the name can read the file.
//! 2. Until then it grows under another name, beside a note of what the server said of it (`partial.rs`). Whatever
//!    ends the process, the next run goes on there: it asks for the rest on condition that the file is still the same
//!    (`Range`, `If-Range`), and believes no answer that contradicts the note. A server that sends the file from its start
//!    is taken at its word; a mixture that nobody noticed falls to rule 1, and is fetched anew.
//! 3. A zip that is there is unpacked to see that it is whole, and then left alone: the server is not asked about it.
//! 4. A failed try is repeated after a pause with jitter, or the one that the server asks for, [`Limits::tries_max`] times.
//!    A status that says "not you" or "not so" (most of 4xx) is not repeated; 404 and 410 mean that there is none (yet).
//! 5. A month that cannot be had does not keep the others from being fetched. What would fail for all ends the fetch: the
//!    disk, and a server that answered to no try or whose certificate is not to be trusted.
//! 6. One fetch at a time writes to a folder (`folder.rs`), and has one connection.

mod error;
mod file;
mod folder;
mod month;
mod partial;
mod remote;
mod report;
mod stop;
mod whole;

#[cfg(test)]
mod tests;

use std::{
    path::Path,
    time::{Duration, Instant},
};

pub use error::FetchError;
pub use month::{Month, MonthError, Months};
pub use report::{Event, FileReport, State, Summary};
pub use stop::Stop;
use ureq::tls::RootCerts;

use self::{
    file::{End, Errand},
    folder::Folder,
    remote::Remote,
};

/// Where BTS publishes its zips.
pub const BTS_URL: &str = "https://transtats.bts.gov/PREZIP/";

/// How long and how often a fetch waits, and how much it takes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A name must be resolved, and a connection must be there, within this.
    pub connect_timeout: Duration,
    /// A server that sends no byte for this long is given up.
    pub stall_timeout: Duration,
    /// What one try may take; a server that drips is given up after it, and the next try goes on from there.
    pub try_timeout: Duration,
    /// Tries for one file.
    pub tries_max: u32,
    /// The ceiling of the first pause between tries. It doubles.
    pub pause_first: Duration,
    /// The ceiling of pauses.
    pub pause_last: Duration,
    /// Bytes that a zip may have; those of BTS have 10 to 35 MB.
    pub bytes_max: u64,
    /// Bytes that it may unpack to; those of BTS do to 150 to 300 MB.
    pub bytes_unpacked_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            try_timeout: Duration::from_secs(60 * 60),
            tries_max: 8,
            pause_first: Duration::from_secs(1),
            pause_last: Duration::from_secs(30),
            bytes_max: 256 << 20,
            bytes_unpacked_max: 4 << 30,
        }
    }
}

/// Fetches from one server.
pub struct Fetcher {
    remote: Remote,
    limits: Limits,
    stop: Stop,
}

impl Fetcher {
    /// Fetches from the folder at a URL, which has the zips under the names that BTS gives them. Nothing is asked yet.
    /// Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY` and so on).
    /// A server with https must have a certificate by one of the authorities that Mozilla trusts.
    pub fn new(base_url: &str, limits: Limits) -> Result<Self, FetchError> {
        Self::trusting(base_url, limits, RootCerts::WebPki)
    }

    fn trusting(base_url: &str, limits: Limits, authorities: RootCerts) -> Result<Self, FetchError> {
        let remote = Remote::new(base_url, limits.clone(), authorities)?;
        let stop = Stop::new(remote.agent().clone());
        Ok(Fetcher { remote, limits, stop })
    }

    /// What ends it from another thread, for good.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Sees to it that the zips of these months are in the folder `out`, which is made if it is not there. Blocks.
    /// `observe` is told of progress. An error if it could not begin; what failed later stands in the summary.
    pub fn fetch(&self, months: Months, out: &Path, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, FetchError> {
        let began_at = Instant::now();
        let folder = Folder::claim(out)?;
        let (mut files, mut ended_early) = (Vec::new(), None);
        for month in months.iter() {
            let mut report = FileReport::new(month);
            if ended_early.is_none() {
                let Fetcher { remote, limits, stop } = self;
                let (ended, end) = Errand { remote, limits, stop, folder: &folder, observe, report }.run();
                ended_early = end.map(|end| self.in_words(end));
                report = ended;
            }
            files.push(report);
        }
        let summary = Summary::new(out.to_owned(), self.remote.base_url().to_owned(), files, ended_early);
        Ok(Summary { seconds: began_at.elapsed().as_secs_f64(), ..summary })
    }

    fn in_words(&self, end: End) -> String {
        match end {
            End::Stopped => "it was told to stop".to_owned(),
            End::Unreachable(reason) => format!("{} does not answer ({reason})", self.remote.base_url()),
            End::Local(error) => error.in_full(),
        }
    }
}
