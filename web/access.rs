//! The access to the pages of operations.
//!
//! They name models, airlines and reasons of rejections, and show how busy the system is. A page that other machines
//! reach shows them behind a login only, unless it is told that they are protected elsewhere.

use std::{fmt, net::IpAddr, path::Path};

use engine::key_file::{self, KeyFileError};
use sha2::{Digest, Sha256};
use warp::http::{HeaderMap, HeaderName, header};

use crate::problem::Problem;

/// The first segment of the paths of operations, and the path of their JSON.
const PREFIX: &str = "/ops";
const JSON: &str = "/ops.json";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Lower bound on the length of a password, in bytes.
const PASSWORD_BYTES_MIN: usize = 12;

/// The access to the pages of operations.
#[derive(Debug, Clone, Default)]
pub enum OperationsAccess {
    /// Everyone who reaches the server.
    #[default]
    Open,
    /// Those who have the login.
    Login(Login),
    /// Nobody.
    Closed,
}

/// A user with a password. Only the hash of both is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Login([u8; 32]);

/// A file of a login is refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// It cannot be read, or others can read it.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// It is no login.
    #[error(
        "a login is wanted in one line, as in operator:PASSWORD, with a password of {PASSWORD_BYTES_MIN} bytes or more"
    )]
    Malformed,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    /// Reads a file with one line, `USER:PASSWORD`.
    pub fn read(path: &Path) -> Result<Self, LoginError> {
        let bytes = key_file::read(path)?;
        std::str::from_utf8(&bytes).ok().and_then(Login::of_line).ok_or(LoginError::Malformed)
    }

    fn of_line(text: &str) -> Option<Self> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (user, password) = line.split_once(':')?;
        let is_login = !user.is_empty() && password.len() >= PASSWORD_BYTES_MIN && !line.contains(['\n', '\r']);
        is_login.then(|| Login::of(line.as_bytes()))
    }

    fn of(credentials: &[u8]) -> Self {
        Login(Sha256::digest(credentials).into())
    }
}

impl OperationsAccess {
    /// Returns the access of a server on an address without a login: on a loopback address everyone, else nobody.
    pub fn of(bind: IpAddr) -> Self {
        if bind.to_canonical().is_loopback() { OperationsAccess::Open } else { OperationsAccess::Closed }
    }

    /// Fails if a request for this path is refused.
    pub(crate) fn check(&self, path: &str, headers: &HeaderMap) -> Result<(), Box<Problem>> {
        if !is_of_operations(path) {
            return Ok(());
        }
        match self {
            OperationsAccess::Open => Ok(()),
            OperationsAccess::Closed => Err(Problem::closed()),
            // Hashes are compared: the time of a comparison tells nothing of a password.
            OperationsAccess::Login(login) => match credentials(headers).map(|sent| Login::of(&sent)) {
                Some(sent) if sent == *login => Ok(()),
                Some(_) => {
                    tracing::warn!("a wrong login for {PREFIX} was refused");
                    Err(Problem::needs_login())
                }
                None => Err(Problem::needs_login()),
            },
        }
    }
}

/// Returns the name that a request's login has.
pub(crate) fn user(headers: &HeaderMap) -> Option<String> {
    let sent = String::from_utf8(credentials(headers)?).ok()?;
    sent.split_once(':').map(|(user, _)| user.to_owned())
}

/// Fails if the request is sent by the page of another site: a browser adds the login of this one to it.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_of_this_site = match (text(&FETCH_SITE), text(&header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        // Browsers tell the site on encrypted connections alone, and the origin on all.
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(&header::HOST)
        }
        // No browser.
        (None, None) => true,
    };
    if is_of_this_site { Ok(()) } else { Err(Problem::other_site()) }
}

fn is_of_operations(path: &str) -> bool {
    let below = path.strip_prefix(PREFIX);
    path.strip_suffix('/').unwrap_or(path) == JSON || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the credentials of Basic authentication (RFC 7617).
fn credentials(headers: &HeaderMap) -> Option<Vec<u8>> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = sent.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    data_encoding::BASE64.decode(encoded.trim().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use warp::http::HeaderValue;

    use super::*;

    fn with(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap())])
    }

    #[test]
    fn only_the_login_opens_the_operations() {
        let access = OperationsAccess::Login(Login::of_line("operator:correct horse:battery\n").unwrap());
        let basic = |text: &str| with(&format!("Basic {}", data_encoding::BASE64.encode(text.as_bytes())));
        for path in ["/ops", "/ops/", "/ops.json", "/ops/dead-letters"] {
            assert!(access.check(path, &basic("operator:correct horse:battery")).is_ok(), "{path}");
            for wrong in ["operator:correct horse", "operator:", "other:correct horse:battery", ""] {
                assert_eq!(access.check(path, &basic(wrong)).unwrap_err().status, 401, "{path} {wrong}");
            }
            assert_eq!(access.check(path, &HeaderMap::new()).unwrap_err().status, 401);
            assert_eq!(access.check(path, &with("Bearer abc")).unwrap_err().status, 401);
            assert_eq!(access.check(path, &with("Basic !!")).unwrap_err().status, 401);
            assert_eq!(OperationsAccess::Closed.check(path, &HeaderMap::new()).unwrap_err().status, 403);
        }
        for path in ["/", "/opsx", "/flights/delays/predict_kafka", "/airlines"] {
            assert!(OperationsAccess::Closed.check(path, &HeaderMap::new()).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_change_that_another_site_sends_is_refused() {
        let sent = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            check_origin(&HeaderMap::<HeaderValue>::from_iter(pairs)).is_ok()
        };
        let host = ("host", "page.example:5001");
        assert!(sent(&[]) && sent(&[host]));
        assert!(sent(&[host, ("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(sent(&[host, ("origin", "http://page.example:5001")]));
        for refused in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "null"),
            ("origin", "http://other.example"),
            ("origin", "http://page.example"),
        ] {
            assert!(!sent(&[host, refused]), "{refused:?}");
        }
        assert!(!sent(&[("origin", "http://page.example:5001")]), "without a Host");
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_no_login_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("login");
        let read = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Login::read(&path)
        };
        assert!(read("operator:correct horse\n", 0o600).is_ok());
        assert!(matches!(read("operator:correct horse\n", 0o644), Err(LoginError::File(_))));
        for text in ["", "operator", "operator:short", ":correct horse battery", "a:correct horse\nb:correct horse\n"] {
            assert!(matches!(read(text, 0o600), Err(LoginError::Malformed)), "{text:?}");
        }
    }

    #[test]
    fn the_default_is_open_on_loopback_alone() {
        let access = |bind: &str| OperationsAccess::of(bind.parse().unwrap());
        assert!(matches!(access("127.0.0.1"), OperationsAccess::Open));
        assert!(matches!(access("::1"), OperationsAccess::Open));
        assert!(matches!(access("0.0.0.0"), OperationsAccess::Closed));
        assert!(matches!(access("10.0.0.7"), OperationsAccess::Closed));
    }
}
