//! Ports for processes that must come back on the same port after a restart.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel picks ports for outgoing connections (32768 and up on Linux), so that no
/// connection takes a port between our looking and the service's binding.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// Each test process looks from a place of its own, since nextest runs several at once.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback port that is free now.
///
/// # Panics
/// When none is.
pub fn free_port() -> u16 {
    let span = RANGE.end - RANGE.start;
    let own = u16::try_from(std::process::id().wrapping_mul(41) % u32::from(span)).unwrap_or(0);
    for _ in 0..span {
        let port = RANGE.start + (own + NEXT.fetch_add(1, Ordering::Relaxed) % span) % span;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    unreachable!("no free port between {} and {}", RANGE.start, RANGE.end)
}
