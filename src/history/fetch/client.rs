//! The HTTP client: limits, requests for a file or the rest of it, and stopping from another thread.

use std::{io, time::Duration};

use engine::runtime;
use ureq::{
    Agent, BodyReader, Error, Timeout,
    http::{HeaderMap, Uri, header},
    tls::{RootCerts, TlsConfig},
};

use super::{folder::SourceVersion, month::Month, report::FetchError};

/// The folder in which BTS publishes its zips.
pub const BTS_URL: &str = "https://transtats.bts.gov/PREZIP/";

/// Upper bound on redirects of a request.
const REDIRECTS_MAX: u32 = 5;
/// Upper bound on the Retry-After of a server.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Timeouts, retries and sizes of a fetch.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Timeout of resolving a name, and of connecting.
    pub connect_timeout: Duration,
    /// Timeout of a read that brings no byte.
    pub stall_timeout: Duration,
    /// Timeout of one try: a slow server is given up after it, and the next try resumes the file.
    pub try_timeout: Duration,
    /// Upper bound on tries for one file.
    pub tries_max: u32,
    /// Upper bound on the first pause between tries. It doubles with each try.
    pub pause_first: Duration,
    /// Upper bound on later pauses.
    pub pause_last: Duration,
    /// Upper bound on the bytes of a zip; those of BTS have 10 to 35 MB.
    pub bytes_max: u64,
    /// Upper bound on its unpacked bytes; those of BTS have 150 to 300 MB.
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

/// Stops a fetch from another thread, for good; clones stop the same one. The next run resumes its files.
#[derive(Debug, Clone)]
pub struct Stop {
    flag: runtime::Stop,
    agent: Agent,
}

impl Stop {
    pub(super) fn new(agent: Agent) -> Self {
        Stop { flag: runtime::Stop::default(), agent }
    }

    /// Requests the stop. A read in progress ends at once; a connection attempt ends after its timeout at the latest.
    pub fn request(&self) {
        // The flag comes first: the thread whose connection breaks reads it to learn the cause.
        self.flag.request();
        self.agent.clone().shutdown();
    }

    pub(super) fn is_requested(&self) -> bool {
        self.flag.is_requested()
    }

    /// Sleeps, until the stop is requested.
    pub(super) fn pause(&self, pause: Duration) {
        self.flag.sleep(pause);
    }
}

/// The client of one server.
pub(super) struct Client {
    agent: Agent,
    base_url: String,
    limits: Limits,
}

/// A response, with the body still to come.
pub(super) struct Response {
    pub(super) status: u16,
    /// The version of the whole file, also if the body is only a part of it.
    pub(super) version: SourceVersion,
    /// The offset at which the body begins, if it is a part of the file.
    pub(super) begins_at: Option<u64>,
    /// The Retry-After of the server.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: BodyReader<'static>,
}

/// A request without a response.
pub(super) struct RequestError {
    pub(super) reason: String,
    /// True if a retry would not help: no encryption, or a certificate that is not trusted.
    pub(super) is_permanent: bool,
}

impl Client {
    /// A client of the folder at a URL. With https, the server must have a certificate by one of `authorities`.
    pub(super) fn new(base_url: &str, limits: Limits, authorities: RootCerts) -> Result<Self, FetchError> {
        let refused = |reason: &str| FetchError::BaseUrl { url: base_url.to_owned(), reason: reason.to_owned() };
        let uri: Uri = base_url.parse().map_err(|error| refused(&format!("{error}")))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(authority)) if !authority.as_str().contains('@') => {}
            (Some("http" | "https"), Some(_)) => return Err(refused("it must not have a user or a password in it")),
            _ => return Err(refused("it must begin with https:// or http:// and a host")),
        }
        if base_url.contains(['?', '#']) {
            return Err(refused("it is a folder's, so nothing may follow its path"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect must not drop encryption.
            .https_only(uri.scheme_str() == Some("https"))
            .tls_config(TlsConfig::builder().root_certs(authorities).build())
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("delaycast/", env!("CARGO_PKG_VERSION")))
            // Ranges count bytes of the file itself, not of a compressed form.
            .accept_encoding("identity")
            .timeout_resolve(Some(limits.connect_timeout))
            .timeout_connect(Some(limits.connect_timeout))
            .timeout_send_request(Some(limits.stall_timeout))
            .timeout_recv_response(Some(limits.stall_timeout))
            .timeout_per_read(Some(limits.stall_timeout))
            .timeout_recv_body(Some(limits.try_timeout));
        let base_url = format!("{}/", base_url.trim_end_matches('/'));
        Ok(Client { agent: config.build().into(), base_url, limits })
    }

    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) fn url(&self, month: Month) -> String {
        format!("{}{}", self.base_url, month.file_name())
    }

    /// Requests a file: from its byte `from` on, if this is not 0 and the file is still of the `known` version.
    pub(super) fn get(&self, known: &SourceVersion, from: u64) -> Result<Response, RequestError> {
        let mut request = self.agent.get(&known.url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(validator) = known.validator() {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| {
            // TLS reports every error as invalid data.
            let is_permanent = match &error {
                Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
                error => matches!(error, Error::Tls(_) | Error::Rustls(_) | Error::RequireHttpsOnly(_)),
            };
            RequestError { reason: self.describe(error), is_permanent }
        })?;
        let status = response.status().as_u16();
        let length = response.body().content_length();
        let (head, body) = response.into_parts();
        let range = text(&head.headers, &header::CONTENT_RANGE).as_deref().and_then(content_range);
        Ok(Response {
            status,
            version: SourceVersion {
                url: known.url.clone(),
                etag: text(&head.headers, &header::ETAG).filter(|tag| tag.starts_with('"')),
                last_modified: text(&head.headers, &header::LAST_MODIFIED),
                bytes_total: if status == 206 { range.and_then(|(_, total)| total) } else { length },
            },
            begins_at: range.map(|(first, _)| first).filter(|_| status == 206),
            retry_after: text(&head.headers, &header::RETRY_AFTER).as_deref().and_then(retry_after),
            body: body.into_reader(),
        })
    }

    /// Describes an error of reading a body.
    pub(super) fn describe_body_error(&self, error: io::Error) -> String {
        self.describe(error.into())
    }

    fn describe(&self, error: Error) -> String {
        match error {
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                format!("no connection within {:?}", self.limits.connect_timeout)
            }
            Error::Timeout(Timeout::RecvBody) => format!("not all of it came within {:?}", self.limits.try_timeout),
            Error::Timeout(_) => format!("the server sent nothing for {:?}", self.limits.stall_timeout),
            Error::HostNotFound => "the host has no address".to_owned(),
            Error::TooManyRedirects => format!("the server sends elsewhere more than {REDIRECTS_MAX} times"),
            Error::RequireHttpsOnly(_) => "the server sends to an address without encryption".to_owned(),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
            Error::Io(error) => error.to_string(),
            error => error.to_string(),
        }
    }
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

/// Parses the first byte and the file's length, if it is known: `bytes 5-9/10`, `bytes 5-9/*`. Source: RFC 9110, 14.4.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.parse().ok()?;
    if total == "*" { Some((first, None)) } else { Some((first, Some(total.parse().ok()?))) }
}

/// Parses a Retry-After in seconds; a date is ignored.
fn retry_after(value: &str) -> Option<Duration> {
    value.parse().ok().map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_parsed_as_rfc_9110_defines_them() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for value in ["bytes */10", "bytes 5-9", "lines 5-9/10", "bytes 5-9/x", "bytes -5-9/10", ""] {
            assert_eq!(content_range(value), None, "{value}");
        }
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("99999"), Some(RETRY_AFTER_MAX));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn a_base_url_is_a_folder_and_has_no_credentials() {
        let base = |url: &str| {
            Client::new(url, Limits::default(), RootCerts::WebPki).map(|client| client.base_url().to_owned())
        };
        assert_eq!(base("https://x.org/PREZIP/").unwrap(), "https://x.org/PREZIP/");
        assert_eq!(base("http://127.0.0.1:80").unwrap(), "http://127.0.0.1:80/");
        for (url, expected) in [
            ("ftp://x.org/", "begin with https://"),
            ("/PREZIP", "begin with https://"),
            ("x.org", "begin with https://"),
            ("https://me:secret@x.org/", "a user or a password"),
            ("https://x.org/?a=b", "nothing may follow its path"),
            ("https://x.org/#a", "nothing may follow its path"),
            ("https://x .org/", "is no address"),
        ] {
            let message = base(url).unwrap_err().to_string();
            assert!(message.contains(expected), "{url}: {message}");
        }
    }
}
