//! The server that has the zips.

use std::{io, time::Duration};

use ureq::{
    Agent, BodyReader, Error, Timeout,
    http::{HeaderMap, Uri, header},
    tls::{RootCerts, TlsConfig},
};

use super::{FetchError, Limits, Month, partial::Origin};

/// A server may send elsewhere this often.
const REDIRECTS_MAX: u32 = 5;
/// A server that asks for more patience than this does not get it.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

pub(super) struct Remote {
    agent: Agent,
    base_url: String,
    limits: Limits,
}

/// What a server answered, with the body still to come.
pub(super) struct Reply {
    pub(super) status: u16,
    /// What it says of the file; of the whole one, also where only a part of it comes.
    pub(super) origin: Origin,
    /// Where in the file the body begins, if it is a part of it.
    pub(super) begins_at: Option<u64>,
    /// When it may be asked again.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: BodyReader<'static>,
}

/// Why there was no answer.
pub(super) struct Unanswered {
    pub(super) reason: String,
    /// Whether asking again would not help: no encryption, or a certificate that nobody vouches for.
    pub(super) lasts: bool,
}

impl Remote {
    /// A server whose zips lie directly below a URL. If that is one of https, it must have a certificate by `authorities`.
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
            // Who asked for encryption is not sent elsewhere without.
            .https_only(uri.scheme_str() == Some("https"))
            .tls_config(TlsConfig::builder().root_certs(authorities).build())
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("delaycast/", env!("CARGO_PKG_VERSION")))
            // Parts are of the file itself, not of a packed form of it.
            .accept_encoding("identity")
            .timeout_resolve(Some(limits.connect_timeout))
            .timeout_connect(Some(limits.connect_timeout))
            .timeout_send_request(Some(limits.stall_timeout))
            .timeout_recv_response(Some(limits.stall_timeout))
            .timeout_per_read(Some(limits.stall_timeout))
            .timeout_recv_body(Some(limits.try_timeout));
        let base_url = format!("{}/", base_url.trim_end_matches('/'));
        Ok(Remote { agent: config.build().into(), base_url, limits })
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

    /// Asks for a file, from its byte `from` on if this is not 0 and it still is the one that `known` describes.
    pub(super) fn get(&self, known: &Origin, from: u64) -> Result<Reply, Unanswered> {
        let mut request = self.agent.get(&known.url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(validator) = known.validator() {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| {
            // Whatever TLS finds wrong comes as invalid data.
            let lasts = match &error {
                Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
                error => matches!(error, Error::Tls(_) | Error::Rustls(_) | Error::RequireHttpsOnly(_)),
            };
            Unanswered { reason: self.in_words(error), lasts }
        })?;
        let status = response.status().as_u16();
        let length = response.body().content_length();
        let (head, body) = response.into_parts();
        let range = text(&head.headers, &header::CONTENT_RANGE).as_deref().and_then(content_range);
        Ok(Reply {
            status,
            origin: Origin {
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

    /// Why a body broke off.
    pub(super) fn broken(&self, error: io::Error) -> String {
        self.in_words(error.into())
    }

    fn in_words(&self, error: Error) -> String {
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

/// The first byte and, if it is told, the file's length, from `bytes 5-9/10` or `bytes 5-9/*`. Source: RFC 9110, 14.4.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.parse().ok()?;
    if total == "*" { Some((first, None)) } else { Some((first, Some(total.parse().ok()?))) }
}

/// The pause that a server asks for in seconds; one that names a date is not understood.
fn retry_after(value: &str) -> Option<Duration> {
    value.parse().ok().map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_rfc_has_them() {
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
    fn a_base_url_is_a_folder_on_a_server() {
        let base = |url: &str| {
            Remote::new(url, Limits::default(), RootCerts::WebPki).map(|remote| remote.base_url().to_owned())
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
