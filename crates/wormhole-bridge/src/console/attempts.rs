//! Nobody guesses a token: after some wrong ones, an address waits.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many wrong tokens within this time are forgiven; then that address waits.
const MOST: usize = 5;
const WINDOW: Duration = Duration::from_mins(1);

/// Addresses that are remembered. When one more comes, the one that has failed longest ago goes.
const ADDRESSES: usize = 256;

/// The wrong tokens of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: Mutex<HashMap<IpAddr, Vec<Instant>>>,
}

impl Attempts {
    /// How long this address has to wait before it may try; none if it may now.
    pub(crate) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let times = failed.get_mut(&network(from))?;
        times.retain(|time| now.duration_since(*time) < WINDOW);
        (times.len() >= MOST).then(|| WINDOW.saturating_sub(now.duration_since(times[0])))
    }

    /// This address gave a wrong token.
    pub(crate) fn fail(&self, from: IpAddr, now: Instant) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let from = network(from);
        if failed.len() >= ADDRESSES && !failed.contains_key(&from) {
            let oldest = failed.iter().min_by_key(|(_, times)| times.last().copied()).map(|(from, _)| *from);
            oldest.and_then(|oldest| failed.remove(&oldest));
        }
        failed.entry(from).or_default().push(now);
    }
}

/// One host has a whole network of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_guess_of_a_minute_waits_and_others_do_not() {
        let attempts = Attempts::default();
        let (from, now) = ("2001:db8::1".parse().unwrap(), Instant::now());
        for second in 0..5 {
            let now = now + Duration::from_secs(second);
            assert_eq!(attempts.wait(from, now), None);
            attempts.fail(from, now);
        }
        let later = now + Duration::from_secs(10);
        assert_eq!(attempts.wait("2001:db8::2".parse().unwrap(), later), Some(Duration::from_secs(50)));
        assert_eq!(attempts.wait("10.0.0.1".parse().unwrap(), later), None);
        assert_eq!(attempts.wait(from, now + WINDOW), None);
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for host in 0..1000_u32 {
            attempts.fail(IpAddr::V4(host.into()), now + Duration::from_millis(host.into()));
        }
        assert_eq!(attempts.failed.lock().unwrap().len(), ADDRESSES);
    }
}
