//! How often one address may try to get in.

use crate::options::RateLimit;
use poem::http::HeaderMap;
use poem::{Addr, Request};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use vivero_core::shared::Quota;
use vivero_core::{Error, Shared};

/// The limit on sign-ups, sign-ins, refreshes and accepted invitations: one for all nodes together.
pub(crate) struct SignInLimit(Option<Quota>);

impl SignInLimit {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        Self(NonZeroU32::new(limit.per_second).map(|rate| Quota::per_second(rate, burst)))
    }

    /// Refuses an address that tries too often.
    pub(crate) async fn admit(&self, shared: &dyn Shared, address: IpAddr) -> Result<(), Error> {
        let Some(quota) = self.0 else { return Ok(()) };
        let decision = shared.take(&format!("sign_in:{}", network(address)), quota, 1).await;
        if decision.allowed {
            return Ok(());
        }
        let wait = decision.retry_after.as_secs().saturating_add(1);
        Err(Error::TooMany { retry_after: u32::try_from(wait).unwrap_or(u32::MAX) })
    }
}

/// One subscriber: an IPv4 address, or the /64 an IPv6 subscriber is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Who calls: the peer, or, behind proxies of ours, the last address they did not add themselves.
pub(crate) fn caller(request: &Request, proxies: &[IpAddr]) -> IpAddr {
    let peer = match request.remote_addr().0 {
        Addr::SocketAddr(address) => address.ip().to_canonical(),
        _ => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    behind(peer, request.headers(), proxies)
}

fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer) {
        return peer;
    }
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|v| v.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        match hop.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) if proxies.contains(&ip) => {}
            Ok(ip) => return ip,
            Err(_) => return peer,
        }
    }
    peer
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;
    use std::sync::Arc;
    use vivero_core::{LocalShared, ManualClock};

    #[test]
    fn only_our_own_proxies_are_believed() {
        let proxies: Vec<IpAddr> =
            vec!["10.0.0.1".parse().expect("ip"), "10.0.0.2".parse().expect("ip")];
        let of = |peer: &str, forwarded| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
            behind(peer.parse().expect("ip"), &headers, &proxies).to_string()
        };
        assert_eq!(of("203.0.113.9", "1.2.3.4"), "203.0.113.9");
        assert_eq!(of("10.0.0.1", "1.2.3.4"), "1.2.3.4");
        assert_eq!(of("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4");
        assert_eq!(of("10.0.0.1", "junk"), "10.0.0.1");
    }

    #[tokio::test]
    async fn a_burst_is_let_in_and_then_no_more() {
        let clock = ManualClock::new("2026-03-02T07:30:00Z".parse().expect("an instant"));
        let shared = LocalShared::new(Arc::new(clock));
        let limit = SignInLimit::new(RateLimit { per_second: 1, burst: 3 });
        let address = "2001:db8::1".parse().expect("ip");
        let neighbour = "2001:db8::2".parse().expect("ip");
        for _ in 0..3 {
            assert!(limit.admit(&shared, address).await.is_ok());
        }
        let refused = limit.admit(&shared, neighbour).await;
        assert!(matches!(refused, Err(Error::TooMany { retry_after: 1.. })));
        assert!(limit.admit(&shared, "192.0.2.1".parse().expect("ip")).await.is_ok());
        let open = SignInLimit::new(RateLimit { per_second: 0, burst: 0 });
        for _ in 0..100 {
            assert!(open.admit(&shared, address).await.is_ok());
        }
    }
}
