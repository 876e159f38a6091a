//! What bounds the gateway's work, and who is refused when there is too much of it. Nothing waits in a line that could grow:
//! whoever finds no room is told at once when to come back.
//!
//! | limit | bounds | answer |
//! |---|---|---|
//! | `rate_address`, `rate_client` | requests of one address, of one session or token, in the long run and at once | 429 |
//! | `requests_address` | requests at work for one address | 429 |
//! | `requests` | requests at work | 503 |
//! | `uploads` | uploads at work | 503 |
//! | `connections` | open connections | more wait in the system's queue, which has an edge of its own |
//! | `connections_address` | open connections of one address, where no proxy of ours stands in front | 503 |
//! | `headers` | bytes and number of headers | 431, 414 |
//! | `body` | bytes of a JSON body, a line, an uploaded file | 413 |
//! | `slow_head`, `slow_body` | time for headers and for bodies | 408 |
//! | `requests_client` | calls at work for one machine client of the gRPC front | 429 |
//! | `deadline` | time for a call of the gRPC front, as its client or [`crate::front::Limits`] set it | 504 |
//! | `slow_reader` | time a client may read nothing | the connection ends |
//!
//! Each counts `gateway_limited_total` under its name; what is open stands in `gateway_open`. All 429 and 503 carry
//! `Retry-After`. An address is what our own proxies saw, of IPv6 its network of 64 bits, since that is what one subscriber has.
//! A client is its session's cookie or its bearer token; whoever sends made-up ones is still bounded by the address. Rates are
//! kept in each process and shared through Redis with some delay ([`shared`]); without Redis each process counts alone.

pub mod rate;
pub mod shared;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Limits;
use crate::error::{Fault, Result};
use rate::Buckets;

/// Whom a rate is counted for: an address, or the digest of a session's or token's secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Asker {
    Address(IpAddr),
    Client([u8; 32]),
}

impl Asker {
    /// The network an address belongs to.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(long) => {
                const NETWORK: u128 = !(u64::MAX as u128);
                IpAddr::V6(Ipv6Addr::from_bits(long.to_bits() & NETWORK))
            }
        })
    }
}

/// A limit that was met.
pub fn count(limit: &'static str) {
    metrics::counter!("gateway_limited_total", "limit" => limit).increment(1);
}

/// The gateway's bounds.
#[derive(Debug)]
pub struct Bounds {
    addresses: Option<Buckets<Asker>>,
    clients: Option<Buckets<Asker>>,
    requests: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    requests_of: Shares,
}

/// Leave to be at work, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    _all: OwnedSemaphorePermit,
    _share: Option<Share>,
    _open: Open,
}

impl Bounds {
    pub fn new(limits: &Limits) -> Self {
        Self {
            addresses: limits.address_rate.map(Buckets::new),
            clients: limits.client_rate.map(Buckets::new),
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            uploads: Arc::new(Semaphore::new(limits.uploads_max)),
            requests_of: Shares::new(limits.address_requests_max),
        }
    }

    /// A request of this address comes in. Refused: TOO_MANY_REQUESTS, UNAVAILABLE.
    pub fn request(&self, address: IpAddr) -> Result<Permit> {
        let asker = Asker::address(address);
        if let Some(buckets) = &self.addresses {
            let taken = buckets.take(&asker, Instant::now());
            taken.map_err(|wait| Fault::too_many(wait).limit("rate_address"))?;
        }
        let share = self.requests_of.take(asker);
        let share = share.ok_or_else(|| Fault::too_many(RETRY_AFTER).limit("requests_address"))?;
        let all = self.requests.clone().try_acquire_owned();
        let all = all.map_err(|_| Fault::overloaded().limit("requests"))?;
        Ok(Permit { _all: all, _share: Some(share), _open: Open::new("requests") })
    }

    /// A request of this client comes in. Refused: TOO_MANY_REQUESTS.
    pub fn client(&self, secret: [u8; 32]) -> Result<()> {
        let Some(buckets) = &self.clients else { return Ok(()) };
        let taken = buckets.take(&Asker::Client(secret), Instant::now());
        taken.map_err(|wait| Fault::too_many(wait).limit("rate_client"))
    }

    /// An upload comes in. Refused: UNAVAILABLE.
    pub fn upload(&self) -> Result<Permit> {
        let all = self.uploads.clone().try_acquire_owned();
        let all = all.map_err(|_| Fault::overloaded().limit("uploads"))?;
        Ok(Permit { _all: all, _share: None, _open: Open::new("uploads") })
    }

    /// The rates, to be shared.
    pub fn rates(&self) -> impl Iterator<Item = &Buckets<Asker>> {
        self.addresses.iter().chain(&self.clients)
    }
}

/// Without a better guess.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Counts what is open.
#[derive(Debug)]
pub struct Open(metrics::Gauge);

impl Open {
    pub fn new(what: &'static str) -> Self {
        let open = metrics::gauge!("gateway_open", "what" => what);
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// How much of something each asker has.
#[derive(Debug, Clone)]
pub struct Shares {
    taken: Arc<Mutex<HashMap<Asker, usize>>>,
    each_max: usize,
}

/// One of them, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    of: Shares,
    asker: Asker,
}

impl Shares {
    /// At most so many for each.
    pub fn new(each_max: usize) -> Self {
        Self { taken: Arc::default(), each_max }
    }

    /// One more, if there is room.
    pub fn take(&self, asker: Asker) -> Option<Share> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(asker.clone()).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Share { of: self.clone(), asker })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.asker) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_given_back_and_leave_nothing() {
        let shares = Shares::new(2);
        let asker = || Asker::address("10.0.0.1".parse().unwrap());
        let (one, two) = (shares.take(asker()), shares.take(asker()));
        assert!(one.is_some() && two.is_some() && shares.take(asker()).is_none());
        assert!(shares.take(Asker::Client([0; 32])).is_some());
        drop(one);
        assert!(shares.take(asker()).is_some());
        drop(two);
        assert!(shares.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn a_subscribers_network_is_one_asker() {
        let asker = |text: &str| Asker::address(text.parse().unwrap());
        assert_eq!(asker("2001:db8:1:2:3::4"), asker("2001:db8:1:2:ffff::"));
        assert_ne!(asker("2001:db8:1:2::"), asker("2001:db8:1:3::"));
        assert_ne!(asker("10.0.0.1"), asker("10.0.0.2"));
    }
}
