//! The allowed values of `Host`: a guard against DNS rebinding.
//!
//! Other machines cannot reach a server on a loopback address, but the browser of this machine can: any site can have
//! its name resolve to 127.0.0.1, and its scripts are of the same origin then. They can only send their site's `Host`,
//! so `Host` is checked against a list.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use warp::http::{HeaderMap, header, uri::Authority};

/// The names of this machine for itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Upper bound on the length of a DNS name.
const NAME_BYTES_MAX: usize = 253;

/// The hosts that are served, with any port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// All: a proxy in front of the server decides.
    #[default]
    Any,
    /// These, in lower case.
    Only(BTreeSet<String>),
}

/// A host of the configuration: a DNS name or an IP address, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = address {
            return Ok(HostName(address_in_host(address)));
        }
        let is_label = |label: &str| {
            let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !label.is_empty() && label.bytes().all(of_name)
        };
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
            return Err("a host is wanted as a browser names it, without a scheme or a port, as in page.example".into());
        }
        Ok(HostName(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Formats an address as in `Host`.
fn address_in_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The reason for which a request's host is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// It is missing, ambiguous or malformed.
    Malformed,
    /// It is not one of these.
    NotAllowed(String),
}

impl AllowedHosts {
    /// Returns the allowed hosts of a server on `bind`. `names` are configured. Without any, a server that other
    /// machines reach allows all: it cannot know its names, and a proxy in front of it decides.
    pub fn of(bind: IpAddr, names: &[HostName]) -> Self {
        if names.is_empty() && !bind.to_canonical().is_loopback() {
            return AllowedHosts::Any;
        }
        let mut hosts: BTreeSet<String> = LOCAL.map(str::to_owned).into();
        if !bind.is_unspecified() {
            hosts.insert(address_in_host(bind));
        }
        hosts.extend(names.iter().map(|name| name.0.clone()));
        AllowedHosts::Only(hosts)
    }

    /// Checks a request's host. `asked` is that of an absolute target or of the header; if there are both, they agree.
    pub fn check(&self, headers: &HeaderMap, asked: Option<&Authority>) -> Result<(), HostError> {
        let AllowedHosts::Only(hosts) = self else { return Ok(()) };
        let Some(asked) = asked else { return Err(HostError::Malformed) };
        if headers.get_all(header::HOST).iter().count() > 1 || asked.as_str().contains('@') {
            return Err(HostError::Malformed);
        }
        let host = asked.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        // An address has several spellings.
        let spelt = host.trim_start_matches('[').trim_end_matches(']').parse().map(address_in_host);
        let is_known = hosts.contains(host) || spelt.is_ok_and(|spelt| hosts.contains(&spelt));
        if is_known { Ok(()) } else { Err(HostError::NotAllowed(hosts.iter().cloned().collect::<Vec<_>>().join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn names(names: &[&str]) -> Vec<HostName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn allowed(hosts: &AllowedHosts, asked: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(asked).unwrap());
        hosts.check(&headers, asked.parse().ok().as_ref()).is_ok()
    }

    #[test]
    fn rule_6_on_loopback_the_names_of_this_machine_and_configured_names_are_allowed() {
        let hosts = AllowedHosts::of("127.0.0.2".parse().unwrap(), &names(&["page.example", "2001:DB8::1"]));
        let good =
            ["localhost", "LOCALHOST:5001", "localhost.", "127.0.0.1:80", "[::1]:5001", "[0:0::1]", "127.0.0.2:1"];
        for host in good.into_iter().chain(["Page.Example:8080", "[2001:db8::1]"]) {
            assert!(allowed(&hosts, host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.3", "localhost@evil.example", "x@localhost", "[::2]"]
        {
            assert!(!allowed(&hosts, host), "{host}");
        }
    }

    #[test]
    fn rule_6_on_other_addresses_all_are_allowed_unless_names_are_configured() {
        let all: IpAddr = "0.0.0.0".parse().unwrap();
        assert_eq!(AllowedHosts::of(all, &[]), AllowedHosts::Any);
        let hosts = AllowedHosts::of(all, &names(&["page.example"]));
        assert!(allowed(&hosts, "page.example") && allowed(&hosts, "localhost:5001"));
        assert!(!allowed(&hosts, "0.0.0.0") && !allowed(&hosts, "10.0.0.1"));
    }

    #[test]
    fn rule_6_a_missing_host_and_two_hosts_are_refused() {
        let (hosts, mut headers) = (AllowedHosts::of("::1".parse().unwrap(), &[]), HeaderMap::new());
        assert_eq!(hosts.check(&headers, None), Err(HostError::Malformed));
        assert_eq!(AllowedHosts::Any.check(&headers, None), Ok(()));
        for host in ["localhost", "evil.example"] {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        assert_eq!(hosts.check(&headers, "localhost".parse().ok().as_ref()), Err(HostError::Malformed));
    }

    #[test]
    fn a_host_name_has_no_scheme_and_no_port() {
        assert_eq!(names(&["Page.Example.", "[::1]"]), [HostName("page.example".into()), HostName("[::1]".into())]);
        for text in ["", "http://page.example", "page.example:80", "a b", "*.example", "a..b"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }
}
