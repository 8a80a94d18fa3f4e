//! The names under which the page may be asked for: a guard against DNS rebinding.
//!
//! A page that is bound to this machine alone is out of other machines' reach, but not of the browser on it: a script
//! of any site can have its own name resolve to 127.0.0.1, and then counts as of the same origin. But it cannot send
//! another `Host` than its site's. So `Host` is checked against a list.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use warp::http::{HeaderMap, header, uri::Authority};

/// The names of this machine for itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// A DNS name is at most this long.
const NAME_BYTES_MAX: usize = 253;

/// The hosts that are answered to, with any port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hosts {
    /// All: what stands before the page decides.
    #[default]
    Any,
    /// These, in lower case.
    Only(BTreeSet<String>),
}

/// A host as an operator names it: a DNS name or an IP address, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = address {
            return Ok(HostName(of_address(address)));
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

/// An address as it stands in `Host`.
fn of_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The reason why a request's host is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WrongHost {
    /// There is none, there are several, or it cannot be read.
    Unclear,
    /// It is none of these.
    Foreign(String),
}

impl Hosts {
    /// Returns the hosts that a page bound to `bind` answers to. `names` are the operator's. Without any, a page that
    /// other machines reach answers to all: it cannot know its names, and what leads to it (an ingress) decides.
    pub fn of(bind: IpAddr, names: &[HostName]) -> Self {
        if names.is_empty() && !bind.to_canonical().is_loopback() {
            return Hosts::Any;
        }
        let mut hosts: BTreeSet<String> = LOCAL.map(str::to_owned).into();
        if !bind.is_unspecified() {
            hosts.insert(of_address(bind));
        }
        hosts.extend(names.iter().map(|name| name.0.clone()));
        Hosts::Only(hosts)
    }

    /// Holds a request's host against the list. `asked` is that of an absolute target or of the header; where both are
    /// there, they agree.
    pub(crate) fn check(&self, headers: &HeaderMap, asked: Option<&Authority>) -> Result<(), WrongHost> {
        let Hosts::Only(hosts) = self else { return Ok(()) };
        let Some(asked) = asked else { return Err(WrongHost::Unclear) };
        if headers.get_all(header::HOST).iter().count() > 1 || asked.as_str().contains('@') {
            return Err(WrongHost::Unclear);
        }
        let host = asked.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        // An address has several spellings; a name that is none has one.
        let spelt = host.trim_start_matches('[').trim_end_matches(']').parse().map(of_address);
        let is_known = hosts.contains(host) || spelt.is_ok_and(|spelt| hosts.contains(&spelt));
        if is_known { Ok(()) } else { Err(WrongHost::Foreign(hosts.iter().cloned().collect::<Vec<_>>().join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn names(names: &[&str]) -> Vec<HostName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn taken(hosts: &Hosts, asked: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(asked).unwrap());
        hosts.check(&headers, asked.parse().ok().as_ref()).is_ok()
    }

    #[test]
    fn rule_6_on_loopback_the_names_of_this_machine_and_the_operators_are_taken() {
        let hosts = Hosts::of("127.0.0.2".parse().unwrap(), &names(&["page.example", "2001:DB8::1"]));
        let good =
            ["localhost", "LOCALHOST:5001", "localhost.", "127.0.0.1:80", "[::1]:5001", "[0:0::1]", "127.0.0.2:1"];
        for host in good.into_iter().chain(["Page.Example:8080", "[2001:db8::1]"]) {
            assert!(taken(&hosts, host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.3", "localhost@evil.example", "x@localhost", "[::2]"]
        {
            assert!(!taken(&hosts, host), "{host}");
        }
    }

    #[test]
    fn rule_6_elsewhere_all_are_taken_unless_the_operator_names_some() {
        let all: IpAddr = "0.0.0.0".parse().unwrap();
        assert_eq!(Hosts::of(all, &[]), Hosts::Any);
        let hosts = Hosts::of(all, &names(&["page.example"]));
        assert!(taken(&hosts, "page.example") && taken(&hosts, "localhost:5001"));
        assert!(!taken(&hosts, "0.0.0.0") && !taken(&hosts, "10.0.0.1"));
    }

    #[test]
    fn rule_6_a_missing_host_and_two_are_refused_where_it_is_checked() {
        let (hosts, mut headers) = (Hosts::of("::1".parse().unwrap(), &[]), HeaderMap::new());
        assert_eq!(hosts.check(&headers, None), Err(WrongHost::Unclear));
        assert_eq!(Hosts::Any.check(&headers, None), Ok(()));
        for host in ["localhost", "evil.example"] {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        assert_eq!(hosts.check(&headers, "localhost".parse().ok().as_ref()), Err(WrongHost::Unclear));
    }

    #[test]
    fn a_host_is_named_without_a_scheme_and_a_port() {
        assert_eq!(names(&["Page.Example.", "[::1]"]), [HostName("page.example".into()), HostName("[::1]".into())]);
        for text in ["", "http://page.example", "page.example:80", "a b", "*.example", "a..b"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }
}
