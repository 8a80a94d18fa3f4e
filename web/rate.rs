//! Limits the questions of each client.
//!
//! A question costs a place in the log, a score and a row in the store for good; pages cost nothing that lasts. So POST
//! is limited, and a question that a client of the archived API asks by GET.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use engine::runtime::Mutex;
use server::PeerAddress;
use warp::http::{HeaderMap, HeaderName, Method};

use crate::problem::Problem;

/// Upper bound on the clients that are known. At the bound the half that comes first to a full limit again is
/// forgotten, and begins anew: one who asks from more addresses than these is not held by a limit per address.
const CLIENTS_MAX: usize = 65_536;
/// The time in which a client may ask as often as its limit says.
const PERIOD: Duration = Duration::from_secs(60);
/// The length of the part of an IPv6 address that names a client: a customer of a provider has all of a /64.
const IPV6_CLIENT_BITS: u32 = 64;
/// The paths of the archived API, whose clients ask by GET.
const ASKED_BY_GET: &str = "/v1/";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The settings of the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateConfig {
    /// Questions a minute of a client, of which all can come at once; without it there is no limit.
    pub per_minute: Option<NonZeroU32>,
    /// The number of proxies in front, each of which appends an address to `X-Forwarded-For`. The address that the
    /// first of them has appended is the client's.
    pub proxies: usize,
}

/// The limit.
pub(crate) struct QuestionRate {
    limiter: Option<Limiter>,
    proxies: usize,
}

impl QuestionRate {
    pub(crate) fn new(RateConfig { per_minute, proxies }: RateConfig) -> Self {
        let limiter = per_minute.map(Limiter::new);
        QuestionRate { limiter, proxies }
    }

    /// Counts a request. Fails if it is a question beyond its client's limit.
    pub(crate) fn check(
        &self,
        method: &Method,
        path: &str,
        peer: Option<PeerAddress>,
        headers: &HeaderMap,
    ) -> Result<(), Box<Problem>> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        // Without a peer there is no connection, as in a test of the routes.
        let (true, Some(peer)) = (method == Method::POST || path.starts_with(ASKED_BY_GET), peer) else {
            return Ok(());
        };
        let taken = limiter.take(self.client(peer.0, headers), Instant::now());
        taken.map_err(|wait| Problem::too_many(wait.as_secs().saturating_add(1)))
    }

    /// Returns the address of a client. Each proxy has appended the address from which it was asked; what stands before
    /// these the client has written itself.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let all = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
            let addresses: Vec<&str> = all.flat_map(|value| value.split(',')).map(str::trim).collect();
            let index = addresses.len().checked_sub(self.proxies)?;
            addresses.get(index)?.parse().ok()
        };
        let address = if self.proxies == 0 { peer } else { forwarded().unwrap_or(peer) };
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() >> IPV6_CLIENT_BITS << IPV6_CLIENT_BITS).into()
            }
            address => address,
        }
    }
}

/// Counts the questions of clients by the generic cell rate algorithm: each question takes an interval of the client's
/// time, which may run ahead of the clock by a period.
struct Limiter {
    interval: Duration,
    /// The time at which the questions of each client are paid for. One that is past is as good as none.
    paid_until: Mutex<HashMap<IpAddr, Instant>>,
}

impl Limiter {
    fn new(per_minute: NonZeroU32) -> Self {
        Limiter { interval: PERIOD / per_minute.get(), paid_until: Mutex::default() }
    }

    /// Counts a question. Fails with the time to wait if it is beyond the client's limit.
    fn take(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut clients = self.paid_until.lock();
        let paid_until = clients.get(&client).map_or(now, |paid| now.max(*paid)) + self.interval;
        let wait = paid_until.saturating_duration_since(now + PERIOD);
        if !wait.is_zero() {
            return Err(wait);
        }
        if clients.len() >= CLIENTS_MAX && !clients.contains_key(&client) {
            forget_half(&mut clients, now);
        }
        clients.insert(client, paid_until);
        Ok(())
    }
}

/// Removes the half whose questions are paid for first, and all whose questions are. The cost is that of a look at
/// each, after as many new clients as half of the bound.
fn forget_half(clients: &mut HashMap<IpAddr, Instant>, now: Instant) {
    let mut paid: Vec<Instant> = clients.values().copied().collect();
    let middle = paid.len() / 2;
    let median = if paid.is_empty() { now } else { *paid.select_nth_unstable(middle).1 };
    clients.retain(|_, paid_until| *paid_until > median.max(now));
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn rate(per_minute: u32, proxies: usize) -> QuestionRate {
        QuestionRate::new(RateConfig { per_minute: NonZeroU32::new(per_minute), proxies })
    }

    fn peer(text: &str) -> Option<PeerAddress> {
        Some(PeerAddress(text.parse().unwrap()))
    }

    fn forwarded(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(FORWARDED_FOR, HeaderValue::from_static(text))])
    }

    #[test]
    fn each_client_has_a_limit_of_its_own_and_pages_have_none() {
        let rate = rate(3, 0);
        let ask = |address| {
            rate.check(&Method::POST, "/flights/delays/predict/classify_realtime", peer(address), &HeaderMap::new())
        };
        for _ in 0..3 {
            assert!(ask("192.0.2.1").is_ok());
        }
        let refused = ask("192.0.2.1").unwrap_err();
        assert_eq!(refused.status, 429);
        assert!((1..=21).contains(&refused.retry_after_s.unwrap()), "{refused:?}");
        assert!(ask("192.0.2.2").is_ok());
        assert!(rate.check(&Method::GET, "/airlines", peer("192.0.2.1"), &HeaderMap::new()).is_ok());
        assert!(self::rate(0, 0).check(&Method::POST, "/", peer("192.0.2.1"), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_limit_comes_back_bit_by_bit() {
        let (limiter, start) = (Limiter::new(NonZeroU32::new(6).unwrap()), Instant::now());
        let ask = |seconds: u64| limiter.take([192, 0, 2, 1].into(), start + Duration::from_secs(seconds));
        assert!((0..6).all(|_| ask(0).is_ok()));
        assert_eq!((ask(0), ask(9)), (Err(Duration::from_secs(10)), Err(Duration::from_secs(1))));
        assert_eq!((ask(10), ask(10)), (Ok(()), Err(Duration::from_secs(10))));
        assert!((0..6).all(|_| ask(3600).is_ok()) && ask(3600).is_err());
    }

    #[test]
    fn the_clients_that_are_known_are_bounded_and_those_that_ask_most_are_kept() {
        let (limiter, now) = (Limiter::new(NonZeroU32::new(2).unwrap()), Instant::now());
        let busy = IpAddr::from([192, 0, 2, 1]);
        assert!(limiter.take(busy, now).is_ok() && limiter.take(busy, now).is_ok());
        let clients = CLIENTS_MAX as u32 * 3;
        for client in 0..clients {
            let address = Ipv6Addr::from_bits(u128::from(client) << 64);
            assert!(limiter.take(address.into(), now).is_ok());
            let known = limiter.paid_until.lock().len();
            assert!(known <= CLIENTS_MAX, "{known}");
        }
        assert!(limiter.take(busy, now).is_err(), "it was not forgotten");
        // All are paid for after a period.
        let later = now + PERIOD;
        forget_half(&mut limiter.paid_until.lock(), later);
        assert_eq!(limiter.paid_until.lock().len(), 0);
    }

    #[test]
    fn a_client_is_what_the_first_proxy_has_seen() {
        let at = |proxies, address: &str, headers: &HeaderMap| {
            rate(1, proxies).client(address.parse().unwrap(), headers).to_string()
        };
        let headers = forwarded("198.51.100.66, 192.0.2.7, 203.0.113.9");
        assert_eq!(at(0, "10.0.0.1", &headers), "10.0.0.1");
        assert_eq!(at(1, "10.0.0.1", &headers), "203.0.113.9");
        assert_eq!(at(2, "10.0.0.1", &headers), "192.0.2.7");
        assert_eq!(at(4, "10.0.0.1", &headers), "10.0.0.1", "fewer proxies than configured");
        assert_eq!(at(1, "10.0.0.1", &forwarded("nonsense")), "10.0.0.1");
        assert_eq!(at(0, "2001:db8:1:2:3:4:5:6", &headers), "2001:db8:1:2::");
        assert_eq!(at(0, "::ffff:192.0.2.1", &headers), "192.0.2.1");
    }
}
